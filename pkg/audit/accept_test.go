package audit_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// removeMore are removals after an accepted loss, or from what it has left.
var removeMore = []string{
	"DELETE FROM audit_events WHERE id = (SELECT min(id) FROM audit_events)",
	"DELETE FROM audit_events WHERE action = 'accept'", noChains, noPoints,
	"DELETE FROM audit_checkpoints WHERE loss <> ''", "UPDATE audit_checkpoints SET loss = '' WHERE loss <> ''",
	"UPDATE audit_checkpoints SET loss = replace(loss, 'a disk', 'no disk')", noEvents + emptyHeads,
	"DELETE FROM audit_checkpoints WHERE number = (SELECT max(number) FROM audit_checkpoints)",
	"INSERT INTO audit_events (chain, position, hash, at, actor_kind, actor_id, actor_name, address, request_id, operation, action, refused, resource," +
		" resource_id, resource_name, before, after) SELECT 99, position, hash, at, actor_kind, actor_id, actor_name, address, request_id, operation, action, refused," +
		" resource, resource_id, resource_name, before, after FROM audit_events WHERE action = 'accept'",
}

// every is the interval between the removals that are tried, by engine.
var every = map[string]int{"sqlite": 3, "postgres": 9}

// TestAudit_Accept: every loss can be accepted. Signing continues after it, and later losses are
// found.
func TestAudit_Accept(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			r, expected := removalsFrom(t, open(t))
			w := r.World
			for i, one := range removalsOfAll {
				if one.found != always || i%every[engine] != 0 { // all of them take too long
					continue
				}
				t.Run(one.what, func(t *testing.T) {
					r.run(t, one.script)
					acceptAll(t, w)
					if report := Must(w.Audit.Verify(t.Context(), expected))(t); !report.Whole() &&
						!expectsLost(report) {
						t.Errorf("what is expected: %q", report.Problems)
					}
					r.putBack(t, auditTables...)
				})
			}
			r.run(t, noPoints+lastOfSigned+headTo)
			acceptAll(t, w)
			save(t, w, "accepted")
			for i, script := range removeMore {
				if engine == "postgres" && i%3 != 0 {
					continue
				}
				r.run(t, script)
				if Must(w.Audit.Verify(t.Context()))(t).Whole() {
					t.Errorf("%s: it is not found", script)
				}
				acceptAll(t, w)
				restore(t, w, "accepted", auditTables...)
			}
		})
	}
}

// expectsLost reports whether the only problem is that the expected checkpoint is lost.
func expectsLost(report audit.Report) bool {
	return len(report.Problems) == 1 && strings.Contains(report.Problems[0], "whose loss was accepted")
}

// acceptAll accepts what is missing, and checks that the audit continues from there.
func acceptAll(t *testing.T, w *World) {
	t.Helper()
	ctx := Operator(t)
	loss := Must(w.Audit.FindLoss(ctx))(t)
	if loss.Empty() {
		t.Fatal("nothing is missing")
	}
	kept := len(checkpoints(t, w))
	other := loss.Hash
	other[31]++
	for reason, hash := range map[string][32]byte{
		"a disk": other, "": loss.Hash, " x": loss.Hash, "a\nb": loss.Hash, strings.Repeat("x", 501): loss.Hash,
	} {
		if _, err := w.Audit.Accept(ctx, hash, reason); err == nil {
			t.Errorf("%q and %x are accepted", reason, hash)
		}
	}
	WantSame(t, len(checkpoints(t, w)), kept)
	signed, err := w.Audit.Accept(ctx, loss.Hash, "a disk")
	if err != nil {
		t.Fatal(err)
	}
	report := Must(w.Audit.Verify(ctx))(t)
	if accepted := report.Accepted; !report.Whole() || len(accepted) == 0 ||
		accepted[len(accepted)-1].Reason != "a disk" || accepted[len(accepted)-1].Number != signed.Number {
		t.Fatalf("after it the audit is %+v", report)
	}
	fill(t, w, 20)
	w.Clock.Pass(2 * audit.CheckpointEvery)
	Check(t, w.Audit.Checkpoint(ctx))
	WantSame(t, w.Audit.Loss(), false)
	WantSame(t, checkpoints(t, w)[len(checkpoints(t, w))-1].Number, signed.Number+1)
	if report := Must(w.Audit.Verify(ctx))(t); !report.Whole() {
		t.Errorf("as it goes on, the audit has problems: %q", report.Problems)
	}
	if again := Must(w.Audit.FindLoss(ctx))(t); !again.Empty() {
		t.Errorf("something is missing still: %+v", again)
	}
	if _, err := w.Audit.Accept(ctx, loss.Hash, "a disk"); err == nil {
		t.Error("it is accepted twice")
	}
}

// TestAudit_Accept_More: an acceptance does not include what is lost between the look and the
// acceptance, nor what is lost between its check and its signature.
func TestAudit_Accept_More(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			fill(t, w, 80)
			Must(w.Audit.CheckpointNow(t.Context()))(t)
			w.Exec(t, "DELETE FROM audit_events WHERE id = 3")
			loss := Must(w.Audit.FindLoss(t.Context()))(t)
			fill(t, w, 40) // other changes are recorded meanwhile
			WantSame(t, Must(w.Audit.FindLoss(t.Context()))(t).Hash, loss.Hash)
			w.Exec(t, "DELETE FROM audit_events WHERE id = 20")
			if _, err := w.Audit.Accept(Operator(t), loss.Hash, "a disk"); err == nil ||
				!strings.Contains(err.Error(), "another loss") {
				t.Errorf("error is %v", err)
			}
			loss = Must(w.Audit.FindLoss(t.Context()))(t)
			audit := audit.Trail{
				Sealer: w.Audit.Sealer, Secret: w.Audit.Secret, Notary: w.Audit.Notary, Recorder: w.Audit.Recorder,
				Now: w.Audit.Now, Log: w.Audit.Log,
			}
			audit.Store = &Hooked{
				Store: w.Store, BeforeTransact: func() { w.Exec(t, "DELETE FROM audit_events WHERE id = 40") },
			}
			Must(audit.Accept(Operator(t), loss.Hash, "a disk"))(t)
			wantProblems(t, w, "missing")
		})
	}
}

// TestAudit_Accept_Together: of several concurrent acceptances one succeeds.
func TestAudit_Accept_Together(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			fill(t, w, 80)
			Must(w.Audit.CheckpointNow(t.Context()))(t)
			w.Exec(t, "DELETE FROM audit_events WHERE id = 3")
			w.Exec(t, "UPDATE audit_chains SET position = position + 1")
			loss := Must(w.Audit.FindLoss(t.Context()))(t)
			replicas := []*World{w, w.Replica(t), w.Replica(t)}
			ctx, done := Operator(t), make([]error, len(replicas))
			Check(t, Together(len(replicas), func(n int) error {
				_, done[n] = replicas[n].Audit.Accept(ctx, loss.Hash, "a disk")
				return nil
			}))
			accepted := 0
			for _, err := range done {
				if err == nil {
					accepted++
				}
			}
			if accepted != 1 {
				t.Errorf("%d accept it: %v", accepted, errors.Join(done...))
			}
			WantSame(t, countAccepts(t, w), 1)
			wantProblems(t, w)
		})
	}
}

// countAccepts returns the number of events of accepted losses.
func countAccepts(t *testing.T, w *World) int {
	t.Helper()
	n := 0
	for _, e := range w.Events(t) {
		if e.Action == domain.ActionAccept {
			n++
		}
	}
	return n
}

// TestAudit_Accept_Prune: nothing is pruned while an accepted loss is younger than the limit. Later
// the acceptance is pruned as well.
func TestAudit_Accept_Prune(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	fill(t, w, 80)
	Must(w.Audit.CheckpointNow(t.Context()))(t)
	w.Clock.Pass(Day)
	w.Exec(t, "DELETE FROM audit_events WHERE id = 70")
	loss := Must(w.Audit.FindLoss(t.Context()))(t)
	Must(w.Audit.Accept(Operator(t), loss.Hash, "a disk"))(t)
	w.Clock.Pass(Day)
	fill(t, w, 40)
	if _, err := w.Audit.Prune(Operator(t), Noon.Add(time.Hour)); err == nil ||
		!strings.Contains(err.Error(), "a loss was accepted at") {
		t.Errorf("error is %v", err)
	}
	WantSame(t, Must(w.Audit.Prune(Operator(t), Noon.Add(Day+time.Hour)))(t), 80)
	wantProblems(t, w)
	WantSame(t, len(Must(w.Audit.Verify(t.Context()))(t).Accepted), 0)
	Check(t, w.Audit.Checkpoint(t.Context()))
}
