package pki_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// BenchmarkCRL measures how soon a revocation is on the list of a CA that has revoked many: the
// revocation, one new list, signed and stored.
func BenchmarkCRL(b *testing.B) {
	for engine, open := range Engines {
		b.Run(engine, func(b *testing.B) {
			w := WorldOn(b, open(b), slog.DiscardHandler)
			caID := w.NewCA(b).ID
			revokeMany(b, w, caID, 50_000)
			Must(w.CRLs.Current(b.Context(), caID))(b)
			measure(b, func() error {
				revokeMany(b, w, caID, 1)
				_, err := w.CRLs.Current(b.Context(), caID)
				return err
			})
		})
	}
}

func revokeMany(b *testing.B, w *World, caID int64, many int) {
	Check(b, w.Store.Transact(b.Context(), func(tx domain.Store) error {
		return addRevocations(b.Context(), tx, caID, many)
	}))
}

// addRevocations stores revocations of serials that no certificate has.
func addRevocations(ctx context.Context, tx domain.Store, caID int64, many int) error {
	epoch, err := tx.Revocations().Advance(ctx, caID)
	if err != nil {
		return err
	}
	all := make([]domain.Revocation, many)
	for i := range all {
		serial := make([]byte, 16)
		rand.Read(serial)
		serial[0] |= 0x40
		serial[0] &= 0x7f
		all[i] = domain.Revocation{
			CAID: caID, Serial: hex.EncodeToString(serial), RevokedAt: Noon, NotAfter: Noon.Add(365 * Day),
			Epoch: epoch,
		}
	}
	return tx.Revocations().Add(ctx, all)
}
