package access_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// BenchmarkAccess_Authenticate measures the authentication that every request pays for, and the
// cost of refusing a false token.
func BenchmarkAccess_Authenticate(b *testing.B) {
	w := NewWorld(b)
	ctx := From(b.Context(), "192.0.2.1")
	access := Must(w.Access.Exchange(ctx, w.NewAPIKey(b).Token))(b).Token
	limited := w.NewAPIKey(b, func(k *domain.APIKey) { k.RateLimit = domain.MaxRateLimit }).Token
	forged := access[:len(access)-4] + "AAAA"
	run := func(name string, authenticate func(context.Context) error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := authenticate(ctx); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+" at once", func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := authenticate(ctx); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
	known := func(token domain.Secret) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := w.Access.Authenticate(ctx, token, auth.Access, auth.Refresh)
			return err
		}
	}
	unknown := func(token domain.Secret) func(context.Context) error {
		return func(ctx context.Context) error {
			if _, err := w.Access.Authenticate(ctx, token, auth.Access, auth.Refresh); !domain.IsKind(
				err, domain.Unauthenticated,
			) {
				return fmt.Errorf("error is %v", err)
			}
			return nil
		}
	}
	run("a known token", known(access))
	run("a forged token", unknown(forged))
	run("no token", unknown("garbage"))
	b.Run("a known token with a limit", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = w.Access.Authenticate(ctx, limited, auth.Refresh)
		}
	})
}
