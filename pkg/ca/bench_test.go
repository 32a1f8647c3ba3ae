package ca_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"math/big"
	"sync"
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

// BenchmarkIssueBesideRSA measures issuing for P-256 clients, key included, while eight callers ask
// for RSA keys of 4096 bits without pause.
func BenchmarkIssueBesideRSA(b *testing.B) {
	authority, keys := newRoot(b, ca.ECDSAP256), ca.NewKeyGenerator(workers(1))
	run := func(b *testing.B) {
		b.SetParallelism(4)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				key, err := keys.Generate(b.Context(), ca.ECDSAP256)
				if err != nil {
					b.Error(err)
					return
				}
				if _, err := authority.IssueClient(clientRequest(key.Public())); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	b.Run("alone", run)
	ctx, stop := context.WithCancel(b.Context())
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for ctx.Err() == nil {
				_, _ = keys.Generate(ctx, ca.RSA4096)
			}
		})
	}
	b.Run("beside", run)
	stop()
	callers.Wait()
}

func manyRevocations(n int) []ca.Revocation {
	list := make([]ca.Revocation, n)
	base := new(big.Int).Lsh(big.NewInt(1), 126)
	for i := range list {
		serial := new(big.Int).Add(base, big.NewInt(int64(i)))
		list[i] = ca.Revocation{Serial: serial, RevokedAt: epoch, Reason: ca.Reason(i % 2)}
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
