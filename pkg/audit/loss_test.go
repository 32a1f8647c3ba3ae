package audit_test

import (
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestAudit_Checkpoint_Loss: nothing is signed after a loss, and each attempt says so, until the
// loss is mended.
func TestAudit_Checkpoint_Loss(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			fill(t, w, 64)
			Must(w.Audit.CheckpointNow(t.Context()))(t)
			save(t, w, "early")
			fill(t, w, 64)
			Must(w.Audit.CheckpointNow(t.Context()))(t)
			fill(t, w, 48)
			save(t, w, "whole")
			w.Exec(
				t,
				"CREATE TABLE later AS SELECT id FROM audit_events WHERE id NOT IN (SELECT id FROM early_audit_events)",
			)
			r := newRemovals(t, w)
			for _, script := range []string{
				"DELETE FROM audit_checkpoints WHERE number = {LAST}", noPoints, noEvents, noChains,
				noEvents + emptyHeads, lastOfSigned + headTo,
				noPoints + noEvents + emptyHeads,
				"UPDATE audit_checkpoints SET signature = previous WHERE number = {LAST}",
				"DELETE FROM audit_events WHERE chain = {C} AND position = {SIGNED}",
				"UPDATE audit_events SET hash = {ZEROS} WHERE chain = {C} AND position = {SIGNED}",
				"UPDATE audit_checkpoints SET number = number + 1 WHERE number = {LAST}",
			} {
				r.run(t, script)
				kept := checkpoints(t, w)
				w.Clock.Pass(2 * audit.CheckpointEvery)
				for range 2 {
					err := w.Audit.Checkpoint(t.Context())
					if err == nil || !strings.Contains(err.Error(), "the audit is not signed over that") {
						t.Errorf("%s: error is %v", script, err)
					}
				}
				if _, err := w.Audit.CheckpointNow(t.Context()); err == nil {
					t.Errorf("%s: it is signed on demand", script)
				}
				Check(t, w.Replica(t).Audit.Begin(t.Context())) // the server starts nevertheless
				WantSame(t, w.Audit.Loss(), true)
				WantSame(t, checkpoints(t, w), kept)
				restore(t, w, "whole", auditTables[:3]...)
				Must(w.Audit.CheckpointNow(t.Context()))(t)
				WantSame(t, w.Audit.Loss(), false)
				restore(t, w, "whole", auditTables...)
			}
		})
	}
}

// TestAudit_Begin: the audit of a database that an earlier version has used continues. Its
// checkpoints have no numbers, and the hashes of its events leave out the id.
func TestAudit_Begin(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	WantSame(t, len(checkpoints(t, w)), 1)
	old := earlierVersion(t, w)
	WantSame(t, checkpoints(t, w), []domain.Checkpoint{old})
	next := w.Replica(t)
	kept := checkpoints(t, w)
	WantSame(t, len(kept), 2)
	WantSame(t, kept[1].Number, 1)
	WantSame(t, kept[1].Previous, auth.CheckpointHash(old))
	WantSame(t, Must(next.Audit.Verify(t.Context()))(t), audit.Report{Events: 5, Checkpoints: 2})
	fill(t, w, 5)
	// of a replica of the earlier version
	late := domain.Checkpoint{At: Noon, Links: Must(w.Store.Audit().Ends(t.Context()))(t)}
	w.Audit.Notary.Sign(&late)
	Check(t, w.Store.Audit().AddCheckpoint(t.Context(), &late))
	Must(next.Audit.CheckpointNow(t.Context()))(t)
	WantSame(t, Must(next.Audit.Verify(t.Context()))(t), audit.Report{Events: 10, Checkpoints: 4})
	w.Exec(t, "DELETE FROM audit_checkpoints WHERE id = ?", old.ID)
	wantProblems(t, next, "checkpoint 1 does not follow the one before it")
}

// TestAudit_Begin_Loss: the loss of something that an earlier version has signed is not covered up,
// and does not keep the server from starting.
func TestAudit_Begin_Loss(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	old := earlierVersion(t, w)
	w.Exec(t, "DELETE FROM audit_events")
	next := w.Replica(t)
	WantSame(t, checkpoints(t, w), []domain.Checkpoint{old})
	if err := next.Audit.Checkpoint(t.Context()); err == nil || !next.Audit.Loss() {
		t.Errorf("error is %v", err)
	}
}

// earlierVersion makes the audit of an earlier version: five events of one chain, a checkpoint, and
// a secret without the number of a checkpoint.
func earlierVersion(t *testing.T, w *World) domain.Checkpoint {
	t.Helper()
	w.Exec(t, "DELETE FROM audit_checkpoints")
	w.Exec(
		t, "UPDATE secrets SET sealed = ? WHERE name = 'audit'", w.Settings.Keys.Seal(w.Audit.Secret, "secret/audit"),
	)
	fill(t, w, 5)
	ends := Must(w.Store.Audit().Ends(t.Context()))(t)
	for chain := range ends {
		end := domain.Link{Chain: chain}
		for _, e := range Must(w.Store.Audit().After(t.Context(), chain, 0, 10))(t) {
			e.Digest = w.Audit.Notary.Digest(e)
			end = e.FollowWithoutID(end)
			w.Exec(t, "UPDATE audit_events SET hash = ? WHERE id = ?", end.Hash[:], e.ID)
		}
		w.Exec(t, "UPDATE audit_chains SET hash = ? WHERE chain = ?", end.Hash[:], chain)
	}
	c := domain.Checkpoint{At: Noon, Links: Must(w.Store.Audit().Ends(t.Context()))(t)}
	w.Audit.Notary.Sign(&c)
	Check(t, w.Store.Audit().AddCheckpoint(t.Context(), &c))
	return c
}

// TestParseExpected reads the texts that operators have.
func TestParseExpected(t *testing.T) {
	t.Parallel()
	hash := strings.Repeat("0a", 32)
	want := audit.ExpectedCheckpoint{Hash: [32]byte(slices.Repeat([]byte{10}, 32))}
	numbered := want
	numbered.Number = 7
	line := `{"time":"2026-03-04T12:00:00Z","level":"INFO","msg":"audit checkpoint","number":7,"hash":"` + hash + `"}`
	for text, want := range map[string][]audit.ExpectedCheckpoint{
		hash:                                     {want},
		" " + strings.ToUpper(hash) + "\r\n":     {want},
		line:                                     {numbered},
		"{}\nx\n" + line + "\n" + line + "\n":    {numbered, numbered},
		strings.Repeat("x", 1<<17) + "\n" + line: {numbered},
		"":                                       nil,
		hash[1:]:                                 nil,
		hash + "00":                              nil,
		strings.Replace(line, "audit checkpoint", "an audit checkpoint", 1): nil,
		strings.Replace(line, hash, hash[2:], 1):                            nil,
	} {
		got, err := audit.ParseExpected(strings.NewReader(text))
		WantSame(t, got, want)
		WantSame(t, err == nil, want != nil)
	}
}
