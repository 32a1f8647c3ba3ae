package transit

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/kms"
)

// publicOf returns the public key of a version: PEM, or of Ed25519 the octets in base64.
func publicOf(found map[string]any, version int) (crypto.PublicKey, error) {
	versions, _ := found["keys"].(map[string]any)
	one, _ := versions[strconv.Itoa(version)].(map[string]any)
	text, _ := one["public_key"].(string)
	if text == "" {
		return nil, fmt.Errorf("%w: no version %d of the key", kms.ErrNoKey, version)
	}
	if block, _ := pem.Decode([]byte(text)); block != nil {
		return x509.ParsePKIXPublicKey(block.Bytes)
	}
	octets, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(octets) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("%w: its public key can't be read", kms.ErrUnsupported)
	}
	return ed25519.PublicKey(octets), nil
}

// digests are the names of hash functions in Transit.
var digests = map[crypto.Hash]string{
	crypto.SHA256: "sha2-256", crypto.SHA384: "sha2-384", crypto.SHA512: "sha2-512",
}

// Sign implements kms.Key.
func (k *key) Sign(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	body := map[string]any{"input": base64.StdEncoding.EncodeToString(digest), "key_version": k.version}
	if _, whole := k.public.(ed25519.PublicKey); !whole {
		name := digests[opts.HashFunc()]
		if _, salted := opts.(*rsa.PSSOptions); salted || name == "" {
			return nil, fmt.Errorf("%w: a signature of that kind", kms.ErrUnsupported)
		}
		body["prehashed"], body["hash_algorithm"] = true, name
		body["signature_algorithm"], body["marshaling_algorithm"] = "pkcs1v15", "asn1"
	}
	answer, err := k.transit.client.ask(ctx, http.MethodPut, k.transit.path("sign", k.name), body)
	if err != nil {
		return nil, err
	}
	text, _ := answer["signature"].(string)
	return decode(text, k.version)
}

// decode reads a signature: vault:v1: and base64.
func decode(text string, version int) ([]byte, error) {
	encoded, ok := strings.CutPrefix(text, fmt.Sprintf("vault:v%d:", version))
	if !ok {
		return nil, errors.New("transit: the signature is of another form, or version, than was asked for")
	}
	return base64.StdEncoding.DecodeString(encoded)
}

// Wrap implements kms.Provider. What comes back is text, which says the version of the key.
func (t *Transit) Wrap(ctx context.Context, uri kms.URI, secret []byte) ([]byte, error) {
	name, _, err := t.address.readKey(uri)
	if err != nil {
		return nil, err
	}
	// Transit would make a key that is not there.
	if found, err := t.client.ask(ctx, http.MethodGet, t.path("keys", name), nil); err != nil || found == nil {
		return nil, errors.Join(err, fmt.Errorf("%w: %s", kms.ErrNoKey, uri))
	}
	answer, err := t.client.ask(ctx, http.MethodPut, t.path("encrypt", name), map[string]any{
		"plaintext": base64.StdEncoding.EncodeToString(secret),
	})
	if err != nil {
		return nil, err
	}
	text, _ := answer["ciphertext"].(string)
	return []byte(text), nil
}

// Unwrap implements kms.Provider.
func (t *Transit) Unwrap(ctx context.Context, uri kms.URI, wrapped []byte) ([]byte, error) {
	name, _, err := t.address.readKey(uri)
	if err != nil {
		return nil, err
	}
	answer, err := t.client.ask(ctx, http.MethodPut, t.path("decrypt", name), map[string]any{"ciphertext": string(wrapped)})
	if errors.Is(err, kms.ErrUnsupported) { // 400: it does not open
		err = fmt.Errorf("%w: %w", kms.ErrWrapped, err)
	}
	if err != nil {
		return nil, err
	}
	text, _ := answer["plaintext"].(string)
	return base64.StdEncoding.DecodeString(text)
}
