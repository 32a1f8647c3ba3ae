package pki

import (
	"context"
	"crypto"
	"crypto/x509"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/turns"
)

// foreignKey is an uploaded private key. The uploaded file determines how long the key takes to
// open, so that is done last, and in turns.
type foreignKey struct {
	file     *ca.PrivateKeyFile
	password string
	signer   crypto.Signer // nil while a costly key is not opened yet
}

// readKey reads a key, and opens it unless that is costly.
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

// matches returns an error if the key does not belong to the certificate. A key that is not opened
// yet passes, and so does nil.
func (k *foreignKey) matches(cert *x509.Certificate) error {
	if k == nil || k.signer == nil {
		return nil
	}
	return ca.CheckPair(cert, k.signer)
}

// open opens a costly key when the caller's turn comes.
func (k *foreignKey) open(ctx context.Context, turns *turns.Turns) error {
	if k.signer != nil {
		return nil
	}
	return turns.Do(ctx, func() (err error) {
		k.signer, err = k.file.Open(k.password)
		return err
	})
}
