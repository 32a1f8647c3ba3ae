package ca

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"strings"
	"testing"
)

func number(n int64) *big.Int { return big.NewInt(n) }

func deriveKey(kdf pkix.AlgorithmIdentifier, keyBytes int) ([]byte, error) {
	derive, err := readKDF(kdf, keyBytes)
	if err != nil {
		return nil, err
	}
	return derive("secret")
}

// The bounds on the cost of an encrypted key are checked before the work begins.
func TestDeriveKey_Bounds(t *testing.T) {
	t.Parallel()
	sha256 := pkix.AlgorithmIdentifier{Algorithm: oidHMACWithSHA256}
	unknown := asn1.ObjectIdentifier{1, 2, 3}
	tests := []struct {
		name   string
		oid    asn1.ObjectIdentifier
		params any
		want   error
	}{
		{"PBKDF2", oidPBKDF2, pbkdf2Params{[]byte("salt"), number(2), 32, sha256}, nil},
		{"PBKDF2 without salt", oidPBKDF2, pbkdf2Params{[]byte{}, number(2), 0, sha256}, nil},
		{"no iterations", oidPBKDF2, pbkdf2Params{[]byte("salt"), number(0), 0, sha256}, ErrMalformed},
		{"negative iterations", oidPBKDF2, pbkdf2Params{[]byte("salt"), number(-1), 0, sha256}, ErrMalformed},
		{
			"too many iterations", oidPBKDF2, pbkdf2Params{[]byte("salt"), number(maxIterations + 1), 0, sha256},
			ErrUnsupportedEncryption,
		},
		{
			"a key length of another cipher", oidPBKDF2, pbkdf2Params{[]byte("salt"), number(2), 16, sha256},
			ErrMalformed,
		},
		{
			"an unknown PRF", oidPBKDF2, pbkdf2Params{
				[]byte("salt"), number(2), 0, pkix.AlgorithmIdentifier{Algorithm: unknown},
			}, ErrUnsupportedEncryption,
		},
		{"scrypt", oidScrypt, scryptParams{[]byte("salt"), number(16), number(1), number(1), 32}, nil},
		{
			"scrypt, N no power of two", oidScrypt, scryptParams{[]byte("salt"), number(17), number(1), number(1), 0},
			ErrMalformed,
		},
		{"scrypt, N of one", oidScrypt, scryptParams{[]byte("salt"), number(1), number(1), number(1), 0}, ErrMalformed},
		{"scrypt, no r", oidScrypt, scryptParams{[]byte("salt"), number(16), number(0), number(1), 0}, ErrMalformed},
		{
			"scrypt, N too large", oidScrypt, scryptParams{[]byte("salt"), number(1 << 62), number(1), number(1), 0},
			ErrUnsupportedEncryption,
		},
		{
			"scrypt, r too large", oidScrypt, scryptParams{[]byte("salt"), number(1 << 17), number(9), number(1), 0},
			ErrUnsupportedEncryption,
		},
		{
			"scrypt, p too large", oidScrypt, scryptParams{
				[]byte("salt"), number(1 << 10), number(8), number(1 << 40), 0,
			}, ErrUnsupportedEncryption,
		},
		{"another derivation", unknown, 5, ErrUnsupportedEncryption},
		{"PBKDF2 with the parameters of nothing", oidPBKDF2, 5, ErrMalformed},
		{"scrypt with the parameters of nothing", oidScrypt, 5, ErrMalformed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			kdf, err := withParams(test.oid, test.params)
			if err != nil {
				t.Fatal(err)
			}
			key, err := deriveKey(kdf, 32)
			if !errors.Is(err, test.want) || (len(key) == 32) != (test.want == nil) {
				t.Errorf("%d bytes, %v", len(key), err)
			}
		})
	}
}

// TestReadKDF_Names: what is refused as too costly names what was found and how
// much is allowed, however large it is.
func TestReadKDF_Names(t *testing.T) {
	t.Parallel()
	sha := func(last int) pkix.AlgorithmIdentifier {
		return pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 2, last}}
	}
	huge := new(big.Int).Lsh(number(1), 5000)
	salt := []byte("salt")
	for name, test := range map[string]struct {
		oid    asn1.ObjectIdentifier
		params any
		want   BoundError
	}{
		"SHA-256": {
			oidPBKDF2, pbkdf2Params{salt, number(5_000_001), 0, sha(9)}, BoundError{Iterations, "5000001", 5_000_000},
		},
		"SHA-224, twice": {
			oidPBKDF2, pbkdf2Params{salt, number(2_500_001), 0, sha(8)}, BoundError{Iterations, "2500001", 2_500_000},
		},
		"SHA-1, twice": {
			oidPBKDF2, pbkdf2Params{salt, number(2_500_001), 0, pkix.AlgorithmIdentifier{}},
			BoundError{Iterations, "2500001", 2_500_000},
		},
		"SHA-512": {
			oidPBKDF2, pbkdf2Params{salt, number(1_666_667), 0, sha(11)}, BoundError{Iterations, "1666667", 1_666_666},
		},
		"no machine's int": {
			oidPBKDF2, pbkdf2Params{salt, huge, 0, sha(9)}, BoundError{Iterations, "2^5000", 5_000_000},
		},
		"scrypt, memory": {
			oidScrypt, scryptParams{salt, number(1 << 20), number(8), number(1), 0},
			BoundError{ScryptWork, "8388608", 1 << 20},
		},
		"scrypt, p": {
			oidScrypt, scryptParams{salt, number(1 << 14), number(8), number(9), 0},
			BoundError{ScryptWork, "1179648", 1 << 20},
		},
		"scrypt, a huge p": {
			oidScrypt, scryptParams{salt, number(2), number(1), huge, 0}, BoundError{ScryptWork, "2^5001", 1 << 20},
		},
		"scrypt, r and p": {
			oidScrypt, scryptParams{salt, number(2), number(1 << 9), number(1 << 8), 0},
			BoundError{ScryptWide, "131072", 1 << 16},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kdf, err := withParams(test.oid, test.params)
			if err != nil {
				t.Fatal(err)
			}
			_, err = readKDF(kdf, 32)
			got, ok := errors.AsType[*BoundError](err)
			if !ok || *got != test.want || !errors.Is(err, ErrUnsupportedEncryption) ||
				!strings.Contains(err.Error(), test.want.Found) {
				t.Errorf("got %v, want %v", err, &test.want)
			}
		})
	}
}

func BenchmarkDeriveKey_Worst(b *testing.B) {
	sha256 := pkix.AlgorithmIdentifier{Algorithm: oidHMACWithSHA256}
	sha512 := pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 11}}
	for name, params := range map[string]any{
		"pbkdf2 sha1":   pbkdf2Params{[]byte("salt"), number(maxIterations / 2), 0, pkix.AlgorithmIdentifier{}},
		"pbkdf2 sha256": pbkdf2Params{[]byte("salt"), number(maxIterations), 0, sha256},
		"pbkdf2 sha512": pbkdf2Params{[]byte("salt"), number(maxIterations / 3), 0, sha512},
		"scrypt":        scryptParams{[]byte("salt"), number(1 << 17), number(8), number(1), 0},
		"scrypt p":      scryptParams{[]byte("salt"), number(16), number(1), number(1 << 16), 0},
	} {
		b.Run(name, func(b *testing.B) {
			oid := oidPBKDF2
			if _, ok := params.(scryptParams); ok {
				oid = oidScrypt
			}
			kdf, err := withParams(oid, params)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := deriveKey(kdf, 32); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
