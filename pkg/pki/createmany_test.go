package pki_test

import (
	"context"
	"crypto"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/pki"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// batchOf is a batch of clients of these names.
func batchOf(caID int64, each bool, names ...string) domain.ClientBatch {
	batch := domain.ClientBatch{Each: each, Place: func(i int) string { return fmt.Sprintf("clients[%d]", i) }}
	for _, name := range names {
		spec := Spec(caID)
		spec.Name = name
		batch.Rows = append(batch.Rows, domain.ClientRow{Spec: spec})
	}
	return batch
}

// wantBatched checks that a client with a certificate, a key and an event is there for each row
// without a fault. It returns the rows with one.
func wantBatched(t *testing.T, w *World, done []domain.BatchedClient) (failed []int) {
	t.Helper()
	for i, one := range done {
		if one.Err != nil {
			failed = append(failed, i)
			continue
		}
		WantSame(t, Must(w.Clients.Get(t.Context(), one.Client.ID))(t), one.Client)
		key := Must(ca.ParsePrivateKey(Must(w.Clients.Key(Operator(t), one.Client.ID))(t), ""))(t)
		cert := Must(ca.ReadCertificate(PEMBytes(Must(w.Clients.Certificate(t.Context(), one.Client.ID))(t))))(t)
		if !cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool }).Equal(key.Public()) ||
			ca.FormatSerial(cert.SerialNumber) != one.Client.Serial {
			t.Errorf("%s has another key or certificate", one.Client.Name)
		}
	}
	return failed
}

// TestClients_CreateMany: all clients of several CAs are stored, each with its own event.
func TestClients_CreateMany(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			batch := batchOf(w.NewCA(t).ID, false, "z-1", "A-2", "m-3", "b-4")
			batch.Rows[1].Spec.CAID, batch.Rows[2].Spec.KeyAlgorithm = w.NewCA(t).ID, "rsa-2048"
			before := w.CountEvents(t)
			done := Must(w.Clients.CreateMany(Operator(t), batch, nil))(t)
			events := w.Events(t)[before:]
			WantSame(t, len(wantBatched(t, w, done)), 0)
			for i, row := range batch.Rows {
				WantSame(t, done[i].Client.Name, row.Spec.Name)
				WantSame(t, done[i].Client.CAID, row.Spec.CAID)
			}
			WantSame(t, done[2].Client.KeyAlgorithm, "rsa-2048")
			names := map[string]int64{}
			for _, e := range events {
				names[e.ResourceName] = e.ResourceID
			}
			WantSame(t, names, map[string]int64{
				"z-1": done[0].Client.ID, "A-2": done[1].Client.ID, "m-3": done[2].Client.ID, "b-4": done[3].Client.ID,
			})
		})
	}
}

// TestClients_CreateMany_Faults: all faults are told before a key is made; each row for itself if
// that is asked for.
func TestClients_CreateMany_Faults(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	caID := w.NewCA(t).ID
	taken := w.NewClient(t, caID)
	batch := batchOf(caID, false, "good", strings.ToUpper(taken.Name), "Good", "..", "other")
	batch.Rows[4].Spec.CAID = 99
	before := w.CountEvents(t)
	_, err := w.Clients.CreateMany(Operator(t), batch, nil)
	WantFaults(t, err, NewFault(domain.Duplicated, "clients[1].name", domain.ReasonDuplicated),
		NewFault(domain.Duplicated, "clients[2].name", domain.ReasonTwice),
		NewFault(domain.Invalid, "clients[3].name", domain.ReasonReserved),
		NewFault(domain.NotFound, "clients[4].ca_id", domain.ReasonNotFound))
	WantSame(t, w.CountEvents(t), before)
	batch.Each = true
	done := Must(w.Clients.CreateMany(Operator(t), batch, nil))(t)
	WantSame(t, w.CountEvents(t), before+1)
	WantSame(t, wantBatched(t, w, done), []int{1, 2, 3, 4})
	WantFaults(t, done[3].Err, NewFault(domain.Invalid, "name", domain.ReasonReserved))
}

// TestClients_CreateMany_Expired: names that only expired clients hold come free; an expired CA and
// one without a life that is asked for are faults of their rows.
func TestClients_CreateMany_Expired(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	authority := w.NewCA(t)
	old := endingSoon(t, w, authority.ID, 1)[0]
	w.Clock.Pass(11 * Day)
	done := Must(w.Clients.CreateMany(Operator(t), batchOf(authority.ID, false, old.Name), nil))(t)
	WantSame(t, len(wantBatched(t, w, done)), 0)
	w.Clock.Pass(authority.ExpiresAt.Sub(w.Clock.Now()) + time.Second)
	_, err := w.Clients.CreateMany(Operator(t), batchOf(authority.ID, false, "late"), nil)
	WantFaults(t, err, NewFault(domain.Rule, "clients[0].ca_id", domain.ReasonCAExpired))
}

// TestClients_CreateMany_Race: a name that another takes while the keys are made is a fault of its
// row. The others are stored, or none.
func TestClients_CreateMany_Race(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			caID := w.NewCA(t).ID
			for _, each := range []bool{false, true} {
				stolen := fmt.Sprintf("stolen-%t", each)
				clients, once := pki.Clients{Issuing: w.Clients.Issuing}, false
				results, recorder := *w.Clients.Recorder.Results, *w.Clients.Recorder
				recorder.Results, clients.Recorder = &results, &recorder
				results.Store = &Hooked{Store: w.Store, BeforeTransact: func() {
					if !once {
						once = true
						spec := Spec(caID)
						spec.Name = strings.ToUpper(stolen)
						Must(w.Clients.Create(Operator(t), spec))(t)
					}
				}}
				done, err := clients.CreateMany(Operator(t), batchOf(caID, each, "a", stolen, "b"), nil)
				if !each {
					WantFaults(t, err, NewFault(domain.Duplicated, "clients[1].name", domain.ReasonDuplicated))
					continue
				}
				Check(t, err)
				WantSame(t, wantBatched(t, w, done), []int{1})
				WantFaults(t, done[1].Err, NewFault(domain.Duplicated, "name", domain.ReasonDuplicated))
			}
		})
	}
}

// TestClients_CreateMany_Together: of batches that share names, in either order, each name has one
// client, and none fails otherwise.
func TestClients_CreateMany_Together(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			first, second := w.NewCA(t).ID, w.NewCA(t).ID
			results := make([][]domain.BatchedClient, 8)
			Check(t, Together(len(results), func(i int) (err error) {
				batch := batchOf(first, true, "n-1", "n-2", "n-3", "n-4")
				if i%2 == 1 {
					batch = batchOf(second, true, "n-4", "n-3", "n-2", "n-1")
				}
				results[i], err = w.Clients.CreateMany(Operator(t), batch, nil)
				return err
			}))
			made := map[string]int{}
			for _, done := range results {
				wantBatched(t, w, done)
				for _, one := range done {
					if one.Err == nil {
						made[one.Client.Name]++
					}
				}
			}
			WantSame(t, made, map[string]int{"n-1": 1, "n-2": 1, "n-3": 1, "n-4": 1})
		})
	}
}

// TestClients_CreateMany_RightsLost: who loses the right while the keys are made stores nothing.
func TestClients_CreateMany_RightsLost(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	caID := w.NewCA(t).ID
	key := w.NewAPIKey(t)
	w.NewAPIKey(t) // another superuser, who must remain
	ctx := w.RequestOf(t, key.Token, domain.ScopeClients)
	Check(t, w.APIKeys.Delete(Operator(t), key.ID))
	for _, dry := range []bool{true, false} {
		origin := domain.OriginOf(ctx)
		origin.DryRun = dry
		_, err := w.Clients.CreateMany(domain.WithOrigin(ctx, origin), batchOf(caID, true, "a", "b"), nil)
		WantFaults(t, err, Unauthenticated)
	}
	page := Must(w.Clients.Page(t.Context(), domain.ClientFilter{}, domain.PageRequest{Size: 10}))(t)
	WantSame(t, len(page.Items), 0)
}

// TestClients_CreateMany_OutOfTime: rows whose keys are not made in time have a fault.
func TestClients_CreateMany_OutOfTime(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	batch := batchOf(w.NewCA(t).ID, false, "a", "b")
	for i := range batch.Rows {
		batch.Rows[i].Spec.KeyAlgorithm = "rsa-4096"
	}
	ctx, cancel := context.WithDeadline(Operator(t), time.Now().Add(50*time.Millisecond))
	defer cancel()
	_, err := w.Clients.CreateMany(ctx, batch, nil)
	WantFaults(t, err, NewFault(domain.Rule, "clients[0]", domain.ReasonOutOfTime),
		NewFault(domain.Rule, "clients[1]", domain.ReasonOutOfTime))
}
