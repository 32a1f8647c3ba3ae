package service

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/seal"
)

// The names of the service's own secrets.
const (
	secretAPIKeys = "token-signing" // the tokens of apikeys are derived from it
	secretAudit   = "audit"
)

// openAuditSecret is openSecret for the audit's: beside it the same value has which checkpoint was the last one.
func openAuditSecret(ctx context.Context, store domain.Store, keys *seal.Keyring) ([]byte, error) {
	secret, err := openSecret(ctx, store, keys, secretAudit)
	if err == nil && len(secret) < auth.SecretSize {
		err = errAuditSecret
	}
	if err != nil {
		return nil, err
	}
	return secret[:auth.SecretSize:auth.SecretSize], nil
}

// openSecret unseals a secret, and makes it the first time. It fails when the master key is not the one that the database was sealed with.
func openSecret(ctx context.Context, store domain.Store, keys *seal.Keyring, name string) ([]byte, error) {
	fresh := make([]byte, auth.SecretSize)
	rand.Read(fresh)
	sealed, err := store.Secrets().GetOrCreate(ctx, name, keys.Seal(fresh, secretContext(name)))
	if err != nil {
		return nil, fmt.Errorf("read the secret %s: %w", name, err)
	}
	secret, err := keys.Open(sealed, secretContext(name))
	if err != nil {
		return nil, errOtherMasterKey(err)
	}
	return secret, nil
}

func errOtherMasterKey(err error) error {
	return fmt.Errorf("the master key is not the one this database was sealed with: %w", err)
}
