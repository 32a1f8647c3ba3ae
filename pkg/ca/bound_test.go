package ca_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

// TestParsePrivateKey_RSABits: the error states the size of an RSA key that is too long, whatever
// format encloses it.
func TestParsePrivateKey_RSABits(t *testing.T) {
	t.Parallel()
	pkcs1 := longRSA(t, 16384)
	pkcs8, err := asn1.Marshal(struct {
		Version   int
		Algorithm pkix.AlgorithmIdentifier
		Key       []byte
	}{
		0, pkix.AlgorithmIdentifier{
			Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}, Parameters: asn1.NullRawValue,
		}, pkcs1,
	})
	if err != nil {
		t.Fatal(err)
	}
	for pemType, der := range map[string][]byte{"RSA PRIVATE KEY": pkcs1, "PRIVATE KEY": pkcs8} {
		_, err := ca.ParsePrivateKey(pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der}), "")
		bound, ok := errors.AsType[*ca.BoundError](err)
		if !ok || *bound != (ca.BoundError{What: ca.RSABits, Found: "16384", Most: 8192}) ||
			!errors.Is(err, ca.ErrUnsupportedKey) {
			t.Errorf("%s: %v", pemType, err)
		}
	}
}

// longRSA is a key of the right form whose numbers do not fit together: a good
// one of that size takes minutes to make.
func longRSA(t *testing.T, bits int) []byte {
	t.Helper()
	random := func(bits int) *big.Int {
		n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(bits)))
		if err != nil {
			t.Fatal(err)
		}
		return n.SetBit(n.SetBit(n, 0, 1), bits-1, 1)
	}
	half := bits / 2
	der, err := asn1.Marshal(struct {
		Version                        int
		N, E, D, P, Q, DP, DQ, Inverse *big.Int
	}{
		0, random(bits), big.NewInt(65537), random(bits), random(half), random(half), random(half), random(half),
		random(half),
	})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// TestReadPrivateKey: an encrypted key is checked as far as possible before its password is tried.
func TestReadPrivateKey(t *testing.T) {
	t.Parallel()
	key := newKey(t, ca.ECDSAP256)
	plain, err := ca.MarshalPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	encrypted, err := ca.EncryptPrivateKey(key, "secret")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		pem    []byte
		costly bool
	}{{plain, false}, {encrypted, true}} {
		file, err := ca.ReadPrivateKey(test.pem)
		if err != nil || file.Costly() != test.costly {
			t.Errorf("%v, %v", file, err)
		}
	}
	damaged := bytes.Replace(encrypted, []byte("MI"), []byte("NI"), 1)
	_, err = ca.ReadPrivateKey(damaged)
	wantError(t, err, ca.ErrMalformed)
	if strings.Contains(err.Error(), "MI") {
		t.Errorf("it quotes the key: %v", err)
	}
}
