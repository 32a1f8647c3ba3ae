package ca_test

import (
	"crypto/x509"
	"fmt"
	"math/big"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

func BenchmarkIssueClient(b *testing.B) {
	for _, algorithm := range []ca.KeyAlgorithm{ca.ECDSAP256, ca.ECDSAP384, ca.Ed25519, ca.RSA2048} {
		b.Run(string(algorithm), func(b *testing.B) {
			authority := newRoot(b, algorithm)
			req := clientRequest(newKey(b, ca.ECDSAP256).Public())
			b.ReportAllocs()
			for b.Loop() {
				if _, err := authority.IssueClient(req); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func manyRevocations(n int) []ca.Revocation {
	list := make([]ca.Revocation, n)
	base := new(big.Int).Lsh(big.NewInt(1), 126)
	for i := range list {
		list[i] = ca.Revocation{Serial: new(big.Int).Add(base, big.NewInt(int64(i))), RevokedAt: epoch, Reason: i % 2}
	}
	return list
}

func BenchmarkSignCRL(b *testing.B) {
	for _, n := range []int{1_000, 50_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			authority := newRoot(b, ca.ECDSAP256)
			req := crlRequest(manyRevocations(n))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := authority.SignCRL(req); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkStandardLibraryCRL is what SignCRL is measured against.
func BenchmarkStandardLibraryCRL(b *testing.B) {
	authority := newRoot(b, ca.ECDSAP256)
	template := stdTemplate(crlRequest(manyRevocations(50_000)))
	for b.Loop() {
		if _, err := x509.CreateRevocationList(nil, template, authority.Certificate, authority.Signer); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncryptPrivateKey(b *testing.B) {
	key := newKey(b, ca.ECDSAP256)
	for b.Loop() {
		if _, err := ca.EncryptPrivateKey(key, "secret"); err != nil {
			b.Fatal(err)
		}
	}
}
