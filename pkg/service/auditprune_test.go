package service_test

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

// checkpoints are all that there are, the oldest first.
func (w *world) checkpoints(t testing.TB) []domain.Checkpoint {
	t.Helper()
	return must(w.store.Audit().Checkpoints(t.Context()))(t)
}

func TestAudit_Checkpoint(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	signed := func() (n int) {
		t.Helper()
		check(t, w.Audit.Checkpoint(t.Context()))
		check(t, w.replica(t).Audit.Checkpoint(t.Context()))
		return len(w.checkpoints(t))
	}
	wantSame(t, signed(), 1) // that the chains began
	w.fill(t, 3)
	w.clock.pass(time.Hour - time.Microsecond)
	wantSame(t, signed(), 1) // it is not an hour yet
	w.clock.pass(time.Microsecond)
	wantSame(t, signed(), 2)
	w.fill(t, 3)
	w.clock.pass(time.Hour - time.Microsecond)
	wantSame(t, signed(), 2) // it is not an hour yet
	w.clock.pass(time.Microsecond)
	wantSame(t, signed(), 3)
	w.clock.pass(time.Hour)
	wantSame(t, signed(), 3) // nothing has happened
	w.fill(t, 1)
	wantSame(t, signed(), 4)
	for i, c := range w.checkpoints(t) {
		wantSame(t, c.Number, int64(i+1))
	}
	last := w.checkpoints(t)[3]
	wantSame(t, last.At, noon.Add(3*time.Hour))
	wantSame(t, last.Links, must(w.store.Audit().Ends(t.Context()))(t))
	wantSame(t, must(w.Audit.Verify(t.Context()))(t), service.AuditReport{Events: 7, Checkpoints: 4})
}

// TestAudit_Checkpoint_ClockAhead: a checkpoint that was signed by a clock that was ahead does not keep others from being signed.
func TestAudit_Checkpoint_ClockAhead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.clock.pass(365 * day)
	w.fill(t, 3)
	check(t, w.Audit.Checkpoint(t.Context()))
	w.clock.pass(-365 * day)
	w.fill(t, 3)
	check(t, w.Audit.Checkpoint(t.Context()))
	wantSame(t, len(w.checkpoints(t)), 3)
	w.fill(t, 3)
	check(t, w.Audit.Checkpoint(t.Context())) // now it is an hour again
	wantSame(t, len(w.checkpoints(t)), 3)
	wantProblems(t, w)
}

func TestAudit_Prune(t *testing.T) {
	t.Parallel()
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := worldOn(t, open(t), slog.DiscardHandler)
			w.fill(t, 100)
			w.clock.pass(day)
			check(t, w.Audit.Checkpoint(t.Context()))
			w.fill(t, 60)
			newer := w.events(t)[100:]
			t.Run("what is older goes, what is newer stays and is whole", func(t *testing.T) {
				wantSame(t, must(w.Audit.Prune(operator(t), noon.Add(time.Microsecond)))(t), 100)
				events := w.events(t)
				wantSame(t, events[:60], newer)
				wantSame(t, len(events), 61)
				wantEvent(t, events[60], domain.Event{
					ActorKind: domain.PrincipalCommand, ActorName: "operator", Action: domain.ActionPrune, Resource: domain.ScopeAudit, ResourceID: w.checkpoints(t)[0].ID,
					After: `{"before":"2026-03-04T12:00:00.000001Z"}`,
				})
				wantSame(t, must(w.Audit.Verify(t.Context()))(t), service.AuditReport{Events: 61, Checkpoints: 2})
			})
			t.Run("the earlier checkpoints are needless", func(t *testing.T) {
				kept := w.checkpoints(t)
				wantSame(t, []bool{kept[0].Base, kept[1].Base}, []bool{true, false})
				wantSame(t, len(kept), 2)
			})
			t.Run("with nothing to remove it begins where it did", func(t *testing.T) {
				wantSame(t, must(w.Audit.Prune(operator(t), noon))(t), 0)
				wantSame(t, must(w.Audit.Prune(operator(t), noon.Add(time.Hour)))(t), 0)
				wantSame(t, must(w.Audit.Verify(t.Context()))(t), service.AuditReport{Events: 63, Checkpoints: 2})
			})
			t.Run("everything may go, and it goes on", func(t *testing.T) {
				wantSame(t, must(w.Audit.Prune(operator(t), noon.Add(2*day)))(t), 63)
				wantSame(t, len(w.events(t)), 1)
				w.fill(t, 40)
				wantSame(t, must(w.Audit.Verify(t.Context()))(t), service.AuditReport{Events: 41, Checkpoints: 2})
			})
		})
	}
}

// TestAudit_Prune_Tampering: a prune takes no protection from what it leaves.
func TestAudit_Prune_Tampering(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(t, 80)
	w.clock.pass(day)
	w.fill(t, 80)
	must(w.Audit.Prune(operator(t), noon.Add(time.Hour)))(t)
	wantProblems(t, w)
	kept, ends := w.checkpoints(t), must(w.store.Audit().Ends(t.Context()))(t)
	var last domain.Link // of a chain that the prune's own event, which no checkpoint has seen yet, is not on
	for chain, signed := range kept[1].Links {
		if signed.Position-kept[0].Links[chain].Position > 2 && signed == ends[chain] {
			last = signed
		}
	}
	w.exec(t, "DELETE FROM audit_events WHERE chain = ? AND position = ?", last.Chain, last.Position)
	w.exec(t, "UPDATE audit_chains SET position = ?, hash = (SELECT hash FROM audit_events WHERE chain = ? AND position = ?) WHERE chain = ?",
		last.Position-1, last.Chain, last.Position-1, last.Chain)
	wantProblems(t, w, "and a checkpoint has seen")
}

// TestAudit_Prune_Crash: what was signed as the beginning and not removed does no harm, and goes the next time.
func TestAudit_Prune_Crash(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(t, 50)
	w.clock.pass(day)
	w.fill(t, 50)
	crash, left := errors.New("crash"), 7 // chains before the crash
	crashing := w.with(t, func(s *service.Settings) {
		s.Store = &hooked{Store: w.store, prune: func() error {
			if left--; left < 0 {
				return crash
			}
			return nil
		}}
	})
	removed, err := crashing.Audit.Prune(operator(t), noon.Add(time.Hour))
	if !errors.Is(err, crash) || removed == 0 || removed == 50 {
		t.Fatalf("%d events were removed, error is %v", removed, err)
	}
	wantSame(t, must(w.Audit.Verify(t.Context()))(t), service.AuditReport{Events: 51, Checkpoints: 2, Remains: 50 - removed})
	w.fill(t, 5)
	wantSame(t, must(w.Audit.Prune(operator(t), noon.Add(time.Hour)))(t), 50-removed)
	wantSame(t, must(w.Audit.Verify(t.Context()))(t), service.AuditReport{Events: 57, Checkpoints: 2})
	wantSame(t, w.countEvents(t), 57)
}

// TestAudit_Prune_Race: what is pruned while somebody checks is not missed.
func TestAudit_Prune_Race(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(t, 50)
	w.clock.pass(day)
	w.fill(t, 50)
	var store *hooked
	checking := w.with(t, func(s *service.Settings) {
		store = &hooked{Store: w.store, after: func() {
			store.after = nil
			wantSame(t, must(w.Audit.Prune(operator(t), noon.Add(time.Hour)))(t), 50)
		}}
		s.Store = store
	})
	wantSame(t, must(checking.Audit.Verify(t.Context()))(t), service.AuditReport{Events: 51, Checkpoints: 2})
}

// TestAudit_Prune_Refused: of an audit that is not whole nothing is removed.
func TestAudit_Prune_Refused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill(t, 50)
	w.exec(t, "UPDATE audit_events SET after = '{}' WHERE id = 20")
	removed, err := w.Audit.Prune(operator(t), noon.Add(time.Hour))
	if err == nil || removed != 0 {
		t.Errorf("%d events were removed, error is %v", removed, err)
	}
	wantSame(t, w.countEvents(t), 50)
	wantSame(t, len(w.checkpoints(t)), 1)
}
