package pki_test

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// BenchmarkClients measures enrolments and renewals without HTTP: key, signature and transaction.
// The renewals take two thousand clients in turn.
func BenchmarkClients(b *testing.B) {
	for engine, open := range Engines {
		b.Run(engine, func(b *testing.B) {
			w := WorldOn(b, open(b), slog.DiscardHandler)
			caID, renewed := w.NewCA(b).ID, 0
			var ids []int64
			create := func() error {
				client, err := w.Clients.Create(b.Context(), Spec(caID))
				ids = append(ids, client.ID)
				return err
			}
			for range 2000 {
				Check(b, create())
			}
			b.Run("create", func(b *testing.B) { measure(b, create) })
			b.Run("renew", func(b *testing.B) {
				measure(b, func() error {
					renewed++
					_, err := w.Clients.Renew(b.Context(), ids[renewed%2000], domain.ClientRenewal{Overlap: new(Day)})
					return err
				})
			})
		})
	}
}

func measure(b *testing.B, do func() error) {
	var took []time.Duration
	for b.Loop() {
		begin := time.Now()
		if err := do(); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/10].Microseconds()), "p10-µs")
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
}
