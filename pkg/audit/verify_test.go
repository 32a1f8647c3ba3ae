package audit_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// fill appends events with a value in every field.
func fill(t testing.TB, w *World, n int) {
	t.Helper()
	for range n {
		e := domain.Event{
			At: w.Clock.Now(), ActorKind: domain.PrincipalUser, ActorID: 7, ActorName: "ana", Address: "192.0.2.1",
			RequestID: "01J", Operation: "updateUser",
			Action: domain.ActionUpdate, Resource: domain.ScopeUsers, ResourceID: 9, ResourceName: Fresh("user"),
			Before: `{"enabled":true}`, After: `{"enabled":false}`,
		}
		e.Digest = w.Audit.Notary.Digest(e)
		Check(t, w.Store.Audit().Append(t.Context(), &e))
	}
}

// longest returns the end of the longest chain.
func longest(t testing.TB, w *World) (last domain.Link) {
	t.Helper()
	for _, end := range Must(w.Store.Audit().Ends(t.Context()))(t) {
		if end.Position > last.Position {
			last = end
		}
	}
	return last
}

// wantProblems checks that a check finds problems that contain these words, in this order.
func wantProblems(t testing.TB, w *World, want ...string) {
	t.Helper()
	report := Must(w.Audit.Verify(t.Context()))(t)
	same := len(report.Problems) == len(want)
	for i := 0; same && i < len(want); i++ {
		same = strings.Contains(report.Problems[i], want[i])
	}
	if !same {
		t.Errorf("the problems are %q, not %q", report.Problems, want)
	}
}

// TestAudit_Verify_Columns: every column of an event is authenticated.
func TestAudit_Verify_Columns(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	fill(t, w, 80)
	last := longest(t, w)
	const where = " WHERE chain = ? AND position = ?"
	wantProblems(t, w)
	for column, value := range map[string]any{
		"id": 1000, "at": Noon.Add(time.Microsecond), "actor_kind": "apikey", "actor_id": 8, "actor_name": "rui",
		"address": "192.0.2.2", "request_id": "01K",
		"operation": "deleteUser", "action": "delete", "refused": true, "resource": "auth.roles", "resource_id": 10,
		"resource_name": "other",
		"before":        "{}", "after": "",
	} {
		t.Run(column, func(t *testing.T) {
			w.Exec(t, "CREATE TABLE kept AS SELECT * FROM audit_events"+where, last.Chain, 3)
			w.Exec(t, "UPDATE audit_events SET "+column+" = ?"+where, value, last.Chain, 3)
			wantProblems(t, w, fmt.Sprintf("(chain %d, position 3) was altered", last.Chain))
			w.Exec(t, "UPDATE audit_events SET "+column+" = (SELECT "+column+" FROM kept)"+where, last.Chain, 3)
			w.Exec(t, "DROP TABLE kept")
			wantProblems(t, w)
		})
	}
	t.Run("hash", func(t *testing.T) {
		w.Exec(t, "UPDATE audit_events SET hash = zeroblob(32)"+where, last.Chain, 3)
		wantProblems(t, w, "position 3) was altered", "position 4) was altered")
	})
}

// TestAudit_Verify_Tampering does what an attacker could do who can write to the database and does
// not have the secret. %d is the chain.
func TestAudit_Verify_Tampering(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	const headBack = "; UPDATE audit_chains SET position = position - 1, hash = (SELECT hash FROM audit_events e WHERE e.chain = %[1]d AND e.position = audit_chains.position - 1) WHERE chain = %[1]d"
	for sentence, test := range map[string]struct {
		sql        string
		checkpoint bool // a checkpoint is signed before
		want       []string
	}{
		"nothing": {"SELECT 1", true, nil},
		"an event in the middle is removed": {
			"DELETE FROM audit_events WHERE chain = %[1]d AND position = 3", false,
			[]string{"positions 3 to 3 are missing"},
		},
		"the first events are removed": {
			"DELETE FROM audit_events WHERE chain = %[1]d AND position < 3", false,
			[]string{"positions 1 to 2 are missing"},
		},
		"the last event is removed": {
			"DELETE FROM audit_events WHERE chain = %[1]d AND position = %[2]d", false,
			[]string{"positions %[2]d to %[2]d are missing"},
		},
		"the last event, and the head set back": {
			"DELETE FROM audit_events WHERE chain = %[1]d AND position = %[2]d" + headBack, true,
			[]string{"and a checkpoint has seen position %[2]d"},
		},
		"all events of a chain, and its head": {
			"DELETE FROM audit_events WHERE chain = %[1]d; UPDATE audit_chains SET position = 0, hash = zeroblob(32) WHERE chain = %[1]d", true, []string{
				"and a checkpoint has seen position %[2]d",
			},
		},
		"all events of a chain": {
			"DELETE FROM audit_events WHERE chain = %[1]d", false, []string{"positions 1 to %[2]d are missing"},
		},
		"all events": {
			"DELETE FROM audit_events; UPDATE audit_chains SET position = 0, hash = zeroblob(32)", true, nil,
		},
		"a chain": {
			"DELETE FROM audit_chains WHERE chain = %[1]d", false,
			[]string{"there are 15 chains, not 16", "chain %[1]d is missing"},
		},
		"a chain, and another in its place": {
			"UPDATE audit_chains SET chain = 99 WHERE chain = %[1]d", false, []string{"chain %[1]d is missing"},
		},
		"a chain more": {
			"INSERT INTO audit_chains (chain, position, hash) SELECT 16, 0, zeroblob(32)", false,
			[]string{"there are 17 chains, not 16"},
		},
		"an event on another chain": {
			"UPDATE audit_events SET chain = 99 WHERE chain = %[1]d AND position = 3", false,
			[]string{"positions 3 to 3 are missing", "chain 99 does not exist, and events are on it: 1"},
		},
		"events on chains that do not exist": {
			forgedEvent("9", "16") + ";" + forgedEvent("7", "16") + ";" + forgedEvent("-5", "-8000000"), false,
			[]string{
				"chain -8000000 does not exist, and events are on it: 1",
				"chain 16 does not exist, and events are on it: 2",
			},
		},
		"a chain and events that do not exist": {
			"INSERT INTO audit_chains (chain, position, hash) SELECT 16, 1, zeroblob(32);" + forgedEvent("1", "16"),
			false, []string{"there are 17 chains, not 16", "chain 16 does not exist, and events are on it: 1"},
		},
		"two events in each other's place": {
			"UPDATE audit_events SET position = -position WHERE chain = %[1]d AND position IN (2, 3); UPDATE audit_events SET position = 5 + position WHERE chain = %[1]d AND position < 0", false, []string{
				"position 2) was altered", "position 3) was altered", "position 4) was altered",
			},
		},
		"an event behind the end": {
			forgedEvent("%[2]d + 1", "chain"), false, []string{"position %[3]d) was altered"},
		},
		"an event far behind the end": {
			forgedEvent("%[2]d + 1000", "chain"), false, []string{"are missing"},
		},
		"an event at the end, and the head on it": {
			forgedEvent("%[2]d + 1", "chain") +
				"; UPDATE audit_chains SET position = position + 1, hash = zeroblob(32) WHERE chain = %[1]d", false,
			[]string{
				"position %[3]d) was altered",
			},
		},
		"an event in another's place": {
			"DELETE FROM audit_events WHERE chain = %[1]d AND position = 3; " + forgedEvent("3", "chain"), false,
			[]string{"position 3) was altered", "position 4) was altered"},
		},
		"a head without its event": {
			"UPDATE audit_chains SET position = position + 1 WHERE chain = %[1]d", false,
			[]string{"positions %[3]d to %[3]d are missing"},
		},
		"a head with another hash": {
			"UPDATE audit_chains SET hash = zeroblob(32) WHERE chain = %[1]d", false,
			[]string{"its end is not its last event"},
		},
		"a checkpoint with another time": {
			"UPDATE audit_checkpoints SET at = '2026-03-04 11:00:00+00:00' WHERE number = 2", true,
			[]string{"checkpoint 2: the signature is not good"},
		},
		"a checkpoint that is a base": {
			"UPDATE audit_checkpoints SET base = true WHERE number = 2", true,
			[]string{"checkpoint 2: the signature is not good"},
		},
		"a checkpoint with other links": {
			"UPDATE audit_checkpoints SET links = '[]' WHERE number = 2", true,
			[]string{"checkpoint 2: the signature is not good"},
		},
		"a checkpoint with links of no form": {
			"UPDATE audit_checkpoints SET links = 'x' WHERE number = 2", true,
			[]string{"checkpoint 2: the signature is not good"},
		},
		"a checkpoint with another signature": {
			"UPDATE audit_checkpoints SET signature = zeroblob(64) WHERE number = 2", true,
			[]string{"checkpoint 2: the signature is not good"},
		},
		"a checkpoint made up": {
			"INSERT INTO audit_checkpoints (at, base, links, signature) SELECT at, true, links, signature FROM audit_checkpoints WHERE number = 2", true, []string{
				"checkpoint 3: the signature is not good",
			},
		},
		"events removed under a base made up": {"INSERT INTO audit_checkpoints (at, base, links, signature) SELECT at, true, links, signature FROM audit_checkpoints WHERE number = 2; DELETE FROM audit_events WHERE chain = %[1]d AND position < 3", true,
			[]string{"checkpoint 3: the signature is not good", "positions 1 to 2 are missing"}},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := NewWorld(t)
			fill(t, w, 80)
			if test.checkpoint {
				Must(w.Audit.CheckpointNow(t.Context()))(t)
			}
			last := longest(t, w)
			spell := func(text string) string {
				return fmt.Sprintf(text+"%[4]s", last.Chain, last.Position, last.Position+1, "")
			}
			for _, query := range strings.Split(spell(test.sql), ";") {
				w.Exec(t, query)
			}
			if sentence == "all events" {
				// the last chain had no events
				WantSame(t, len(Must(w.Audit.Verify(t.Context()))(t).Problems), domain.AuditChains-1)
				return
			}
			for i := range test.want {
				test.want[i] = spell(test.want[i])
			}
			wantProblems(t, w, test.want...)
			if test.want != nil {
				if _, err := w.Audit.Prune(t.Context(), Noon.Add(time.Hour)); err == nil ||
					!strings.Contains(err.Error(), "the audit is not whole") {
					t.Errorf("it was pruned all the same: %v", err)
				}
			}
		})
	}
}

// forgedEvent inserts an event at a position of a chain, as well as an attacker can without the
// secret.
func forgedEvent(position, chain string) string {
	return `INSERT INTO audit_events (chain, position, hash, at, actor_kind, actor_id, actor_name, address, request_id, operation, action, refused, resource, resource_id,
		resource_name, before, after) SELECT ` + chain + `, ` + position + `, zeroblob(32), at, actor_kind, actor_id, 'mallory', address, request_id, operation, action, refused, resource,
		resource_id, resource_name, before, after FROM audit_events WHERE chain = %[1]d AND position = 1`
}

// TestAudit_Verify_Rewritten: a check notices a chain that was rewritten from some event on, with
// all its hashes right but for the secret.
func TestAudit_Verify_Rewritten(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	fill(t, w, 80)
	Must(w.Audit.CheckpointNow(t.Context()))(t)
	last := longest(t, w)
	events := Must(w.Store.Audit().After(t.Context(), last.Chain, last.Position-2, 2))(t)
	// The last event is made to follow the one before it, with a guessed digest.
	digest := sha256.Sum256([]byte("guess"))
	numbers := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, 9), uint64(events[1].ID))
	hash := sha256.Sum256(append(append(events[0].Hash[:], digest[:]...), numbers...))
	w.Exec(t, "UPDATE audit_events SET after = '', hash = ? WHERE id = ?", hash[:], events[1].ID)
	w.Exec(t, "UPDATE audit_chains SET hash = ? WHERE chain = ?", hash[:], last.Chain)
	wantProblems(t, w, "was altered", "is not the one that a checkpoint has seen")
}

// TestAudit_Verify_Concurrency: while many requests change things, check, sign and prune, the audit
// is whole at any time, and has every change once.
func TestAudit_Verify_Concurrency(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			replicas := []*World{w, w.Replica(t)}
			authority, key := w.NewCA(t), w.NewAPIKey(t)
			begun := w.CountEvents(t)
			ctx := Operator(t)
			const workers, rounds = 6, 5
			Check(t, Together(workers+2, func(n int) error {
				mine := replicas[n%2]
				for range rounds {
					if n >= workers {
						if err := checkWhole(ctx, mine); err != nil {
							return err
						}
						continue
					}
					if err := fiveChanges(ctx, mine, authority.ID, key.ID); err != nil {
						return err
					}
				}
				return nil
			}))
			report := Must(w.Audit.Verify(ctx))(t)
			WantSame(t, report, audit.Report{Events: int64(begun + 5*workers*rounds), Checkpoints: report.Checkpoints})
		})
	}
}

// fiveChanges makes five events.
func fiveChanges(ctx context.Context, w *World, caID, keyID int64) error {
	_, roleErr := w.Roles.Create(ctx, domain.Role{Name: Fresh("role")})
	client, err := w.Clients.Create(ctx, Spec(caID))
	if err != nil {
		return err
	}
	_, err = w.Clients.Key(ctx, client.ID)
	w.Refusals.Record(ctx, domain.ScopeCAs, caID, domain.Fault(domain.Forbidden, "authorization", domain.ReasonScope))
	_, rotateErr := w.APIKeys.Rotate(ctx, keyID, 0)
	return errors.Join(err, roleErr, rotateErr)
}

func checkWhole(ctx context.Context, w *World) error {
	report, err := w.Audit.Verify(ctx)
	if err == nil && len(report.Problems) > 0 {
		err = fmt.Errorf("while it is in use: %q", report.Problems)
	}
	_, signErr := w.Audit.CheckpointNow(ctx)
	return errors.Join(err, signErr)
}
