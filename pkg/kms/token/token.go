//go:build pkcs11 && cgo

package token

import (
	"context"
	"crypto"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"

	"github.com/ThalesGroup/crypto11"
	"github.com/miekg/pkcs11"

	"github.com/chaveiro/chaveiro/pkg/kms"
)

// Token is a PKCS#11 token.
type Token struct{ login login }

// Open opens a token. It does not load its library before it is used.
func Open(store kms.URI) (kms.Provider, error) {
	address, err := readAddress(store)
	if err == nil {
		_, err = address.slot()
	}
	if err != nil {
		return nil, err
	}
	return &Token{login{address: address}}, nil
}

// key is a private key in the token.
type key struct {
	uri    kms.URI
	token  *Token
	in     *crypto11.Context
	signer crypto11.Signer
}

func (k *key) URI() kms.URI             { return k.uri }
func (k *key) Public() crypto.PublicKey { return k.signer.Public() }

// Sign implements kms.Key.
func (k *key) Sign(_ context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	signature, err := k.signer.Sign(rand.Reader, digest, opts)
	if lost(err) || err != nil && err.Error() == "context is closed" {
		k.token.login.leave(k.in)
		err = fmt.Errorf("%w: %w", kms.ErrAway, err)
	}
	return signature, err
}

// Find implements kms.Provider.
func (t *Token) Find(_ context.Context, uri kms.URI) (found kms.Key, err error) {
	id, label, err := t.login.address.keyAttributes(uri)
	if err != nil {
		return nil, err
	}
	err = t.login.with(func(in *crypto11.Context) error {
		pairs, err := in.FindKeyPairs(id, label)
		switch {
		case err != nil && !lost(err):
			return fmt.Errorf("%w: %s: %w", kms.ErrUnsupported, uri, err)
		case err != nil:
			return err
		case len(pairs) == 0:
			return fmt.Errorf("%w: %s", kms.ErrNoKey, uri)
		case len(pairs) > 1:
			return fmt.Errorf("%w: %s", kms.ErrManyKeys, uri)
		}
		found, err = t.found(in, pairs[0])
		return err
	})
	return found, err
}

// found is a key with the URI that is its alone.
func (t *Token) found(in *crypto11.Context, signer crypto11.Signer) (kms.Key, error) {
	values, err := in.GetAttributes(signer, []crypto11.AttributeType{crypto11.CkaId, crypto11.CkaLabel})
	if err != nil {
		return nil, err
	}
	pairs := []string{}
	for _, one := range []struct {
		name string
		kind crypto11.AttributeType
	}{{"object", crypto11.CkaLabel}, {"id", crypto11.CkaId}} {
		if value := values[one.kind]; value != nil && len(value.Value) > 0 {
			pairs = append(pairs, one.name, string(value.Value))
		}
	}
	uri := t.login.address.uri.Key(append(pairs, "type", "private")...)
	return &key{uri: uri, token: t, in: in, signer: signer}, nil
}

// idBytes is the length of the id of a key that is made here.
const idBytes = 16

// Create implements kms.Provider.
func (t *Token) Create(_ context.Context, algorithm, label string) (made kms.Key, err error) {
	id := make([]byte, idBytes)
	rand.Read(id)
	err = t.login.with(func(in *crypto11.Context) error {
		signer, err := generate(in, algorithm, id, []byte(label))
		if isOneOf(err, pkcs11.CKR_MECHANISM_INVALID, pkcs11.CKR_TEMPLATE_INCONSISTENT, pkcs11.CKR_KEY_SIZE_RANGE) {
			return fmt.Errorf("%w: %s: %w", kms.ErrUnsupported, algorithm, err)
		}
		if err == nil {
			made, err = t.found(in, signer)
		}
		return err
	})
	return made, err
}

func generate(in *crypto11.Context, algorithm string, id, label []byte) (crypto11.Signer, error) {
	switch algorithm {
	case "ecdsa-p256":
		return in.GenerateECDSAKeyPairWithLabel(id, label, elliptic.P256())
	case "ecdsa-p384":
		return in.GenerateECDSAKeyPairWithLabel(id, label, elliptic.P384())
	case "rsa-2048":
		return in.GenerateRSAKeyPairWithLabel(id, label, 2048)
	case "rsa-3072":
		return in.GenerateRSAKeyPairWithLabel(id, label, 3072)
	case "rsa-4096":
		return in.GenerateRSAKeyPairWithLabel(id, label, 4096)
	}
	return nil, fmt.Errorf("%w: %s in a PKCS#11 token", kms.ErrUnsupported, algorithm)
}

// Discard implements kms.Provider.
func (t *Token) Discard(ctx context.Context, uri kms.URI) error {
	found, err := t.Find(ctx, uri)
	if err != nil {
		return err
	}
	return t.login.with(func(*crypto11.Context) error { return found.(*key).signer.Delete() })
}

// Check implements kms.Provider: the token has to give a random number to who is logged in.
func (t *Token) Check(context.Context) error {
	return t.login.with(func(in *crypto11.Context) error {
		random, err := in.NewRandomReader()
		if err == nil {
			_, err = random.Read(make([]byte, 1))
		}
		if err == nil {
			_, err = in.FindKeys(nil, []byte("chaveiro-no-such-key"))
		}
		return err
	})
}

// Close implements kms.Provider.
func (t *Token) Close() error { return t.login.close() }
