//go:build pkcs11 && cgo

package token

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/ThalesGroup/crypto11"

	"github.com/chaveiro/chaveiro/pkg/kms"
)

// nonceBytes is the length of a nonce of AES-GCM.
const nonceBytes = 12

// Wrap implements kms.Provider, with an AES key of the token, by AES-GCM: nonce, ciphertext, tag.
func (t *Token) Wrap(ctx context.Context, uri kms.URI, secret []byte) (wrapped []byte, err error) {
	nonce := make([]byte, nonceBytes)
	rand.Read(nonce)
	err = t.withAES(ctx, uri, func(key *crypto11.SecretKey) (err error) {
		defer func() {
			if p := recover(); p != nil { // so the library says that the token has failed
				err = fmt.Errorf("%w: AES-GCM: %v", kms.ErrUnsupported, p)
			}
		}()
		aead, err := key.NewGCM()
		if err == nil {
			wrapped = aead.Seal(nonce, nonce, secret, nil)
		}
		return err
	})
	return wrapped, err
}

// Unwrap implements kms.Provider.
func (t *Token) Unwrap(ctx context.Context, uri kms.URI, wrapped []byte) (secret []byte, err error) {
	if len(wrapped) <= nonceBytes {
		return nil, kms.ErrWrapped
	}
	err = t.withAES(ctx, uri, func(key *crypto11.SecretKey) error {
		aead, err := key.NewGCM()
		if err != nil {
			return err
		}
		secret, err = aead.Open(nil, wrapped[:nonceBytes], wrapped[nonceBytes:], nil)
		if err != nil {
			return errors.Join(fmt.Errorf("%w: %w", kms.ErrWrapped, err), t.Check(ctx))
		}
		return nil
	})
	return secret, err
}

func (t *Token) withAES(_ context.Context, uri kms.URI, operation func(*crypto11.SecretKey) error) error {
	id, label, err := t.login.address.keyAttributes(uri)
	if err != nil {
		return err
	}
	return t.login.with(func(in *crypto11.Context) error {
		keys, err := in.FindKeys(id, label)
		switch {
		case err != nil:
			return err
		case len(keys) == 0:
			return fmt.Errorf("%w: %s is no AES key", kms.ErrNoKey, uri)
		case len(keys) > 1:
			return fmt.Errorf("%w: %s", kms.ErrManyKeys, uri)
		}
		return operation(keys[0])
	})
}
