package service

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/seal"
)

// secretAPIKeys is the name of the secret that the tokens of apikeys are derived from.
const secretAPIKeys = "token-signing"

// secretSealer seals one of the service's own secrets, bound to its name.
type secretSealer struct {
	keys *seal.Keyring
	name string
}

// Seal seals a value.
func (s secretSealer) Seal(plain []byte) []byte { return s.keys.Seal(plain, secretContext(s.name)) }

func secretContext(name string) string { return "secret/" + name }

// Open unseals a value. It fails if the value was sealed with another master key.
func (s secretSealer) Open(sealed []byte) ([]byte, error) {
	plain, err := s.keys.Open(sealed, secretContext(s.name))
	if err != nil {
		return nil, fmt.Errorf("the master key is not the one this database was sealed with: %w", err)
	}
	return plain, nil
}

// openAuditSecret is openSecret for the secret of the audit. The sealed value also holds, after the
// secret, which checkpoint was the last one.
func openAuditSecret(ctx context.Context, store domain.Store, sealer secretSealer) ([]byte, error) {
	secret, err := openSecret(ctx, store, sealer)
	if err == nil && len(secret) < auth.SecretSize {
		err = audit.ErrSecret
	}
	if err != nil {
		return nil, err
	}
	return secret[:auth.SecretSize:auth.SecretSize], nil
}

// openSecret unseals a secret, and creates it the first time. It fails if the database was sealed
// with another master key.
func openSecret(ctx context.Context, store domain.Store, sealer secretSealer) ([]byte, error) {
	fresh := make([]byte, auth.SecretSize)
	rand.Read(fresh)
	sealed, err := store.Secrets().GetOrCreate(ctx, sealer.name, sealer.Seal(fresh))
	if err != nil {
		return nil, fmt.Errorf("read the secret %s: %w", sealer.name, err)
	}
	return sealer.Open(sealed)
}

// CheckMasterKey fails if these secrets, by name, were sealed with another master key.
func CheckMasterKey(keys *seal.Keyring, secrets map[string][]byte) error {
	for name, sealed := range secrets {
		if _, err := (secretSealer{keys, name}).Open(sealed); err != nil {
			return err
		}
	}
	return nil
}
