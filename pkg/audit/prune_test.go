package audit_test

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// checkpoints returns all checkpoints, the oldest first.
func checkpoints(t testing.TB, w *World) []domain.Checkpoint {
	t.Helper()
	return Must(w.Store.Audit().Checkpoints(t.Context()))(t)
}

func TestAudit_Checkpoint(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	signed := func() (n int) {
		t.Helper()
		Check(t, w.Audit.Checkpoint(t.Context()))
		Check(t, w.Replica(t).Audit.Checkpoint(t.Context()))
		return len(checkpoints(t, w))
	}
	WantSame(t, signed(), 1) // the beginnings of the chains
	fill(t, w, 3)
	w.Clock.Pass(time.Hour - time.Microsecond)
	WantSame(t, signed(), 1) // it is not an hour yet
	w.Clock.Pass(time.Microsecond)
	WantSame(t, signed(), 2)
	fill(t, w, 3)
	w.Clock.Pass(time.Hour - time.Microsecond)
	WantSame(t, signed(), 2) // it is not an hour yet
	w.Clock.Pass(time.Microsecond)
	WantSame(t, signed(), 3)
	w.Clock.Pass(time.Hour)
	WantSame(t, signed(), 3) // nothing has happened
	fill(t, w, 1)
	WantSame(t, signed(), 4)
	for i, c := range checkpoints(t, w) {
		WantSame(t, c.Number, int64(i+1))
	}
	last := checkpoints(t, w)[3]
	WantSame(t, last.At, Noon.Add(3*time.Hour))
	WantSame(t, last.Links, Must(w.Store.Audit().Ends(t.Context()))(t))
	WantSame(t, Must(w.Audit.Verify(t.Context()))(t), audit.Report{Events: 7, Checkpoints: 4})
}

// TestAudit_Checkpoint_ClockAhead: a checkpoint that was signed while the clock was ahead does not
// prevent later checkpoints.
func TestAudit_Checkpoint_ClockAhead(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	w.Clock.Pass(365 * Day)
	fill(t, w, 3)
	Check(t, w.Audit.Checkpoint(t.Context()))
	w.Clock.Pass(-365 * Day)
	fill(t, w, 3)
	Check(t, w.Audit.Checkpoint(t.Context()))
	WantSame(t, len(checkpoints(t, w)), 3)
	fill(t, w, 3)
	Check(t, w.Audit.Checkpoint(t.Context())) // the last checkpoint is younger than an hour again
	WantSame(t, len(checkpoints(t, w)), 3)
	wantProblems(t, w)
}

func TestAudit_Prune(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			fill(t, w, 100)
			w.Clock.Pass(Day)
			Check(t, w.Audit.Checkpoint(t.Context()))
			fill(t, w, 60)
			newer := w.Events(t)[100:]
			t.Run("what is older goes, what is newer stays and is whole", func(t *testing.T) {
				WantSame(t, Must(w.Audit.Prune(Operator(t), Noon.Add(time.Microsecond)))(t), 100)
				events := w.Events(t)
				WantSame(t, events[:60], newer)
				WantSame(t, len(events), 61)
				WantEvent(t, events[60], domain.Event{
					ActorKind: domain.PrincipalCommand, ActorName: "operator", Action: domain.ActionPrune,
					Resource: domain.ScopeAudit, ResourceID: checkpoints(t, w)[0].ID,
					After: `{"before":"2026-03-04T12:00:00.000001Z"}`,
				})
				WantSame(t, Must(w.Audit.Verify(t.Context()))(t), audit.Report{Events: 61, Checkpoints: 2})
			})
			t.Run("the earlier checkpoints are needless", func(t *testing.T) {
				kept := checkpoints(t, w)
				WantSame(t, []bool{kept[0].Base, kept[1].Base}, []bool{true, false})
				WantSame(t, len(kept), 2)
			})
			t.Run("with nothing to remove it begins where it did", func(t *testing.T) {
				WantSame(t, Must(w.Audit.Prune(Operator(t), Noon))(t), 0)
				WantSame(t, Must(w.Audit.Prune(Operator(t), Noon.Add(time.Hour)))(t), 0)
				WantSame(t, Must(w.Audit.Verify(t.Context()))(t), audit.Report{Events: 63, Checkpoints: 2})
			})
			t.Run("everything may go, and it goes on", func(t *testing.T) {
				WantSame(t, Must(w.Audit.Prune(Operator(t), Noon.Add(2*Day)))(t), 63)
				WantSame(t, len(w.Events(t)), 1)
				fill(t, w, 40)
				WantSame(t, Must(w.Audit.Verify(t.Context()))(t), audit.Report{Events: 41, Checkpoints: 2})
			})
		})
	}
}

// TestAudit_Prune_Tampering: what a prune leaves is as well protected as before.
func TestAudit_Prune_Tampering(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	fill(t, w, 80)
	w.Clock.Pass(Day)
	fill(t, w, 80)
	Must(w.Audit.Prune(Operator(t), Noon.Add(time.Hour)))(t)
	wantProblems(t, w)
	kept, ends := checkpoints(t, w), Must(w.Store.Audit().Ends(t.Context()))(t)
	var last domain.Link // of a chain without the event of the prune itself, which no checkpoint has seen yet
	for chain, signed := range kept[1].Links {
		if signed.Position-kept[0].Links[chain].Position > 2 && signed == ends[chain] {
			last = signed
		}
	}
	w.Exec(t, "DELETE FROM audit_events WHERE chain = ? AND position = ?", last.Chain, last.Position)
	w.Exec(t,
		"UPDATE audit_chains SET position = ?, hash = (SELECT hash FROM audit_events WHERE chain = ? AND position = ?) WHERE chain = ?",
		last.Position-1, last.Chain, last.Position-1, last.Chain)
	wantProblems(t, w, "and a checkpoint has seen")
}

// TestAudit_Prune_Crash: events before the signed beginnings that a crash has left behind do no
// harm, and the next prune removes them.
func TestAudit_Prune_Crash(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	fill(t, w, 50)
	w.Clock.Pass(Day)
	fill(t, w, 50)
	crash, left := errors.New("crash"), 7 // chains to prune before the crash
	crashing := w.With(t, func(s *service.Settings) {
		s.Store = &Hooked{Store: w.Store, BeforePrune: func() error {
			if left--; left < 0 {
				return crash
			}
			return nil
		}}
	})
	removed, err := crashing.Audit.Prune(Operator(t), Noon.Add(time.Hour))
	if !errors.Is(err, crash) || removed == 0 || removed == 50 {
		t.Fatalf("%d events were removed, error is %v", removed, err)
	}
	WantSame(t, Must(w.Audit.Verify(t.Context()))(t), audit.Report{Events: 51, Checkpoints: 2, Remains: 50 - removed})
	fill(t, w, 5)
	WantSame(t, Must(w.Audit.Prune(Operator(t), Noon.Add(time.Hour)))(t), 50-removed)
	WantSame(t, Must(w.Audit.Verify(t.Context()))(t), audit.Report{Events: 57, Checkpoints: 2})
	WantSame(t, w.CountEvents(t), 57)
}

// TestAudit_Prune_Race: what is pruned while a check runs does not count as missing.
func TestAudit_Prune_Race(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	fill(t, w, 50)
	w.Clock.Pass(Day)
	fill(t, w, 50)
	var store *Hooked
	checking := w.With(t, func(s *service.Settings) {
		store = &Hooked{Store: w.Store, BeforeRead: func() {
			store.BeforeRead = nil
			WantSame(t, Must(w.Audit.Prune(Operator(t), Noon.Add(time.Hour)))(t), 50)
		}}
		s.Store = store
	})
	WantSame(t, Must(checking.Audit.Verify(t.Context()))(t), audit.Report{Events: 51, Checkpoints: 2})
}

// TestAudit_Prune_Refused: nothing is removed from an audit that is not whole.
func TestAudit_Prune_Refused(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	fill(t, w, 50)
	w.Exec(t, "UPDATE audit_events SET after = '{}' WHERE id = 20")
	removed, err := w.Audit.Prune(Operator(t), Noon.Add(time.Hour))
	if err == nil || removed != 0 {
		t.Errorf("%d events were removed, error is %v", removed, err)
	}
	WantSame(t, w.CountEvents(t), 50)
	WantSame(t, len(checkpoints(t, w)), 1)
}
