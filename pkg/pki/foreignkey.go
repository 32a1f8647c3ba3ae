package pki

import (
	"context"
	"crypto"
	"crypto/x509"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/turns"
)

// foreignKey is an uploaded private key. How long it takes to open is the choice of its file, so
// that is done last, and in turns.
type foreignKey struct {
	file     *ca.PrivateKeyFile
	password string
	signer   crypto.Signer // nil: it is costly, and not open yet
}

// readKey reads a key, and opens it if that costs nothing.
func readKey(text, password domain.Secret) (*foreignKey, error) {
	file, err := ca.ReadPrivateKey([]byte(text))
	if err != nil {
		return nil, err
	}
	key := &foreignKey{file: file, password: string(password)}
	switch {
	case !file.Costly():
		key.signer, err = file.Open(key.password)
	case password == "":
		err = ca.ErrPasswordRequired
	}
	return key, err
}

// matches reports whether the key belongs to a certificate, as far as that is known.
func (k *foreignKey) matches(cert *x509.Certificate) error {
	if k.signer == nil {
		return nil
	}
	return ca.CheckPair(cert, k.signer)
}

// open opens the key in the turn of the caller.
func (k *foreignKey) open(ctx context.Context, turns *turns.Turns) error {
	if k.signer != nil {
		return nil
	}
	return turns.Do(ctx, func() (err error) {
		k.signer, err = k.file.Open(k.password)
		return err
	})
}
