package ca

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"testing"
)

// What an encrypted key asks for is decided before the work begins.
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
		{"PBKDF2", oidPBKDF2, pbkdf2Params{[]byte("salt"), 2, 32, sha256}, nil},
		{"PBKDF2 without salt", oidPBKDF2, pbkdf2Params{[]byte{}, 2, 0, sha256}, nil},
		{"no iterations", oidPBKDF2, pbkdf2Params{[]byte("salt"), 0, 0, sha256}, ErrMalformed},
		{"negative iterations", oidPBKDF2, pbkdf2Params{[]byte("salt"), -1, 0, sha256}, ErrMalformed},
		{"too many iterations", oidPBKDF2, pbkdf2Params{[]byte("salt"), maxIterations + 1, 0, sha256}, ErrUnsupportedEncryption},
		{"a key length of another cipher", oidPBKDF2, pbkdf2Params{[]byte("salt"), 2, 16, sha256}, ErrMalformed},
		{"an unknown PRF", oidPBKDF2, pbkdf2Params{[]byte("salt"), 2, 0, pkix.AlgorithmIdentifier{Algorithm: unknown}}, ErrUnsupportedEncryption},
		{"scrypt", oidScrypt, scryptParams{[]byte("salt"), 16, 1, 1, 32}, nil},
		{"scrypt, N no power of two", oidScrypt, scryptParams{[]byte("salt"), 17, 1, 1, 0}, ErrMalformed},
		{"scrypt, N of one", oidScrypt, scryptParams{[]byte("salt"), 1, 1, 1, 0}, ErrMalformed},
		{"scrypt, no r", oidScrypt, scryptParams{[]byte("salt"), 16, 0, 1, 0}, ErrMalformed},
		{"scrypt, N too large", oidScrypt, scryptParams{[]byte("salt"), 1 << 62, 1, 1, 0}, ErrUnsupportedEncryption},
		{"scrypt, r too large", oidScrypt, scryptParams{[]byte("salt"), 1 << 17, 9, 1, 0}, ErrUnsupportedEncryption},
		{"scrypt, p too large", oidScrypt, scryptParams{[]byte("salt"), 1 << 10, 8, 1 << 40, 0}, ErrUnsupportedEncryption},
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
			key, err := deriveKey(kdf, "secret", 32)
			if !errors.Is(err, test.want) || (len(key) == 32) != (test.want == nil) {
				t.Errorf("%d bytes, %v", len(key), err)
			}
		})
	}
}

func BenchmarkDeriveKey_Worst(b *testing.B) {
	sha512 := pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 11}}
	for name, params := range map[string]any{
		"pbkdf2 sha1":   pbkdf2Params{[]byte("salt"), maxIterations, 0, pkix.AlgorithmIdentifier{}},
		"pbkdf2 sha512": pbkdf2Params{[]byte("salt"), maxIterations, 0, sha512},
		"scrypt":        scryptParams{[]byte("salt"), 1 << 17, 8, 1, 0},
		"scrypt p":      scryptParams{[]byte("salt"), 2, 1, 1 << 19, 0},
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
				if _, err := deriveKey(kdf, "secret", 32); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
