package audit_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// auditTables are the tables of the audit. The last one has the secret of the audit.
var auditTables = []string{"audit_events", "audit_chains", "audit_checkpoints", "secrets"}

// save copies the tables aside, and restore puts them back.
func save(t testing.TB, w *World, as string) {
	t.Helper()
	for _, table := range auditTables {
		w.Exec(t, "CREATE TABLE "+as+"_"+table+" AS SELECT * FROM "+table)
	}
}

func restore(t testing.TB, w *World, from string, tables ...string) {
	t.Helper()
	for _, table := range tables {
		w.Exec(t, "DELETE FROM "+table)
		w.Exec(t, "INSERT INTO "+table+" SELECT * FROM "+from+"_"+table)
	}
}

// zeros is the hash at which a chain begins, in SQL.
func zeros(w *World) string {
	if w.Store.Engine() == store.SQLite {
		return "zeroblob(32)"
	}
	return "decode(repeat('00', 32), 'hex')"
}

// removals tampers with an audit as an attacker does who has the whole database and not the master
// key. In a script, {C} is a chain, {END} the position of its end, {SIGNED} the position at which
// the last checkpoint has seen it, and {LAST} the number of that checkpoint.
type removals struct {
	*World
	names *strings.Replacer
}

func newRemovals(t *testing.T, w *World) *removals {
	t.Helper()
	kept := checkpoints(t, w)
	last := kept[len(kept)-1]
	for chain, end := range Must(w.Store.Audit().Ends(t.Context()))(t) {
		if signed := last.Links[chain].Position; signed > 3 && end.Position > signed {
			return &removals{w,
				strings.NewReplacer("{C}", fmt.Sprint(chain), "{END}", fmt.Sprint(end.Position), "{SIGNED}",
					fmt.Sprint(signed),
					"{LAST}", fmt.Sprint(last.Number), "{ZEROS}", zeros(w))}
		}
	}
	t.Fatal("there is no chain with events before and after the last checkpoint")
	return nil
}

func (r *removals) run(t *testing.T, script string) {
	t.Helper()
	for statement := range strings.SplitSeq(r.names.Replace(script), ";") {
		if strings.TrimSpace(statement) != "" {
			r.Exec(t, statement)
		}
	}
}

// removalsFrom returns an audit with events before, between and after two checkpoints, saved as
// early and as whole, and the last checkpoint.
func removalsFrom(t *testing.T, s *store.Store) (*removals, audit.ExpectedCheckpoint) {
	t.Helper()
	w := WorldOn(t, s, slog.DiscardHandler)
	fill(t, w, 64)
	Must(w.Audit.CheckpointNow(t.Context()))(t)
	save(t, w, "early")
	fill(t, w, 64)
	expected := expect(Must(w.Audit.CheckpointNow(t.Context()))(t))
	fill(t, w, 48)
	save(t, w, "whole")
	w.Exec(t, "CREATE TABLE later AS SELECT id FROM audit_events WHERE id NOT IN (SELECT id FROM early_audit_events)")
	return newRemovals(t, w), expected
}

// putBack restores some tables of the audit from whole, with the indexes.
func (r *removals) putBack(t *testing.T, tables ...string) {
	t.Helper()
	restore(t, r.World, "whole", tables...)
	r.run(t, "CREATE UNIQUE INDEX IF NOT EXISTS audit_events_position ON audit_events (chain, position)")
	r.run(
		t, "CREATE UNIQUE INDEX IF NOT EXISTS audit_checkpoints_number ON audit_checkpoints (number) WHERE number > 0",
	)
}

// found says when a removal is found.
type found int

const (
	always       found = iota
	withExpect         // only with a checkpoint that was seen outside the database
	notYetSigned       // never: no checkpoint has seen it
)

// headTo sets the chains' ends back to the last events that are left.
const headTo = `UPDATE audit_chains SET position = COALESCE((SELECT max(position) FROM audit_events e WHERE e.chain = audit_chains.chain), 0),
	hash = COALESCE((SELECT hash FROM audit_events e WHERE e.chain = audit_chains.chain ORDER BY position DESC LIMIT 1), {ZEROS});`

const (
	emptyHeads   = "UPDATE audit_chains SET position = 0, hash = {ZEROS};"
	noEvents     = "DELETE FROM audit_events;"
	noChains     = "DELETE FROM audit_chains;"
	noPoints     = "DELETE FROM audit_checkpoints;"
	afterSigned  = "DELETE FROM audit_events WHERE chain = {C} AND position > {SIGNED};"
	lastOfSigned = "DELETE FROM audit_events WHERE chain = {C} AND position >= {SIGNED};"
	copyEvent    = `INSERT INTO audit_events (chain, position, hash, at, actor_kind, actor_id, actor_name, address, request_id, operation, action, refused, resource,
		resource_id, resource_name, before, after) SELECT chain, %s, hash, at, actor_kind, actor_id, actor_name, address, request_id, operation, action, refused,
		resource, resource_id, resource_name, before, after FROM audit_events WHERE chain = {C} AND position = {SIGNED};`
)

var removalsOfAll = []struct {
	what   string
	script string
	found  found
}{
	{"an event in the middle", "DELETE FROM audit_events WHERE chain = {C} AND position = 2", always},
	{"the first event", "DELETE FROM audit_events WHERE chain = {C} AND position = 1", always},
	{"the first event of each chain", "DELETE FROM audit_events WHERE position = 1", always},
	{"the last event", "DELETE FROM audit_events WHERE chain = {C} AND position = {END}", always},
	{
		"an event after the last checkpoint", "DELETE FROM audit_events WHERE chain = {C} AND position = {SIGNED} + 1",
		always,
	},
	{"the end of a chain, signed", lastOfSigned, always},
	{"the end of a chain, signed, with the head", lastOfSigned + headTo, always},
	{"the ends of all chains, signed, with the heads", "DELETE FROM audit_events WHERE position > 1;" + headTo, always},
	{"the end of a chain that was not signed yet", afterSigned, always},
	{"the end of a chain that was not signed yet, with the head", afterSigned + headTo, notYetSigned},
	{"a chain", "DELETE FROM audit_events WHERE chain = {C}", always},
	{"a chain with its head", "DELETE FROM audit_events WHERE chain = {C};" + headTo, always},
	{
		"a chain with its row",
		"DELETE FROM audit_events WHERE chain = {C}; DELETE FROM audit_chains WHERE chain = {C}", always,
	},
	{"all events", noEvents, always},
	{"all events and heads", noEvents + emptyHeads, always},
	{"all events and chains", noEvents + noChains, always},
	{"all chains", noChains, always},
	{"all heads", emptyHeads, always},
	{"a head", "UPDATE audit_chains SET position = 0, hash = {ZEROS} WHERE chain = {C}", always},
	{"all checkpoints", noPoints, always},
	{"the first checkpoint", "DELETE FROM audit_checkpoints WHERE number = 1", always},
	{"a checkpoint in the middle", "DELETE FROM audit_checkpoints WHERE number = 2", always},
	{
		"a checkpoint in the middle, and the gap closed",
		"DELETE FROM audit_checkpoints WHERE number = 2; UPDATE audit_checkpoints SET number = 2 WHERE number = 3",
		always,
	},
	{"the last checkpoint", "DELETE FROM audit_checkpoints WHERE number = {LAST}", always},
	{"all checkpoints but the first", "DELETE FROM audit_checkpoints WHERE number > 1", always},
	{"the numbers of the checkpoints", "UPDATE audit_checkpoints SET number = 0", always},
	{
		"the last checkpoint and what was since the one before",
		"DELETE FROM audit_checkpoints WHERE number = {LAST}; DELETE FROM audit_events WHERE id IN (SELECT id FROM later);" + headTo, always,
	},
	{
		"the last checkpoint and the end of a chain", "DELETE FROM audit_checkpoints WHERE number = {LAST};" +
			lastOfSigned + headTo, always,
	},
	{"all checkpoints and the end of a chain", noPoints + lastOfSigned + headTo, always},
	{"all checkpoints and events", noPoints + noEvents, always},
	{"all checkpoints and chains", noPoints + noChains, always},
	{"all checkpoints, events and heads", noPoints + noEvents + emptyHeads, always},
	{"all checkpoints, events and chains", noPoints + noEvents + noChains, always},
	{"the id of an event", "UPDATE audit_events SET id = 100000 WHERE chain = {C} AND position = 2", always},
	{
		"the id of an event that was not signed yet",
		"UPDATE audit_events SET id = 100000 WHERE chain = {C} AND position = {END}", always,
	},
	{"all ids", "UPDATE audit_events SET id = id + 100000", always},
	{"the order of ids", "UPDATE audit_events SET id = -id; UPDATE audit_events SET id = 100000 + id", always},
	{
		"the ids of two events",
		`UPDATE audit_events SET id = -id WHERE id IN (3, 4); UPDATE audit_events SET id = 7 + id WHERE id IN (-3, -4)`,
		always,
	},
	{
		"an event, and another in its place", "DELETE FROM audit_events WHERE chain = {C} AND position = 2;" +
			fmt.Sprintf(copyEvent, "2"), always,
	},
	{"nothing, and an event before the beginning", fmt.Sprintf(copyEvent, "0"), always},
	{"nothing, and an event far before the beginning", fmt.Sprintf(copyEvent, "-7000"), always},
	{"nothing, and an event behind the end", fmt.Sprintf(copyEvent, "{END} + 1"), always},
	{"nothing, and an event twice", "DROP INDEX audit_events_position;" + fmt.Sprintf(copyEvent, "{SIGNED}"), always},
	{"nothing, and a checkpoint without its number", `INSERT INTO audit_checkpoints (at, base, links, signature) SELECT at, base, links, signature FROM audit_checkpoints
		WHERE number = {LAST}`, always},
	{"nothing, and a checkpoint twice", `DROP INDEX audit_checkpoints_number; INSERT INTO audit_checkpoints (number, previous, at, base, links, signature) SELECT number, previous, at,
		base, links, signature FROM audit_checkpoints WHERE number = 2`, always},
}

// TestAudit_Verify_Removals: which removals a check finds, and which it finds only with a
// checkpoint that was seen elsewhere.
func TestAudit_Verify_Removals(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			r, expected := removalsFrom(t, open(t))
			w := r.World
			for _, one := range removalsOfAll {
				t.Run(one.what, func(t *testing.T) {
					r.run(t, one.script)
					wantFound(t, w, expected, one.found)
					r.putBack(t, auditTables[:3]...)
					wantRestored(t, w, expected)
				})
			}
			t.Run("everything is set back", func(t *testing.T) {
				restore(t, w, "early", auditTables...)
				wantFound(t, w, expected, withExpect)
				fill(t, w, 40) // the audit continues as if nothing had been removed
				Must(w.Audit.CheckpointNow(t.Context()))(t)
				wantFound(t, w, expected, withExpect)
				fill(t, w, 40)
				Must(w.Audit.CheckpointNow(t.Context()))(t)
				wantFound(t, w, expected, withExpect)
			})
			t.Run("everything and the secret is removed", func(t *testing.T) {
				r.run(t, noPoints+noEvents+emptyHeads+"DELETE FROM secrets WHERE name = 'audit'")
				if _, err := w.Audit.Verify(t.Context()); err == nil {
					t.Error("a running server does not miss it")
				}
				wantFound(t, w.Replica(t), expected, withExpect)
			})
		})
	}
}

func expect(c domain.Checkpoint) audit.ExpectedCheckpoint {
	return audit.ExpectedCheckpoint{Number: c.Number, Hash: auth.CheckpointHash(c)}
}

// wantFound checks what a check finds without an expected checkpoint, with its number and hash, and
// with its hash alone.
func wantFound(t *testing.T, w *World, expected audit.ExpectedCheckpoint, want found) {
	t.Helper()
	report := Must(w.Audit.Verify(t.Context()))(t)
	if report.Whole() != (want != always) {
		t.Errorf("it is found: %v, want %d: %q", !report.Whole(), want, report.Problems)
	}
	for _, e := range []audit.ExpectedCheckpoint{expected, {Hash: expected.Hash}} {
		report = Must(w.Audit.Verify(t.Context(), e))(t)
		if report.Whole() != (want == notYetSigned) {
			t.Errorf("it is found beside %+v: %v, want %d: %q", e, !report.Whole(), want, report.Problems)
		}
	}
}

// wantRestored checks that everything is there again: an audit that is whole with an expected
// checkpoint is whole without it.
func wantRestored(t *testing.T, w *World, expected audit.ExpectedCheckpoint) {
	t.Helper()
	report := Must(w.Audit.Verify(t.Context(), expected, audit.ExpectedCheckpoint{Hash: expected.Hash}))(t)
	if !report.Whole() {
		t.Errorf("it is not as it was: %q", report.Problems)
	}
}

// TestAudit_Verify_RemovalsAfterPrune: what a prune leaves is as well protected as before.
func TestAudit_Verify_RemovalsAfterPrune(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			fill(t, w, 64)
			before := expect(Must(w.Audit.CheckpointNow(t.Context()))(t))
			w.Clock.Pass(Day)
			fill(t, w, 64)
			WantSame(t, Must(w.Audit.Prune(Operator(t), Noon.Add(time.Microsecond)))(t), 64)
			kept := checkpoints(t, w)
			WantSame(t, [2]int64{kept[0].Number, kept[1].Number}, [2]int64{3, 4})
			fill(t, w, 48)
			save(t, w, "whole")
			r := newRemovals(t, w)
			for _, one := range []string{
				"DELETE FROM audit_checkpoints WHERE base", "DELETE FROM audit_checkpoints WHERE NOT base", noPoints,
				"DELETE FROM audit_events WHERE chain = {C} AND position = {SIGNED}", lastOfSigned + headTo,
				noEvents + headTo, noEvents + noPoints + emptyHeads,
				"DELETE FROM audit_checkpoints WHERE base; UPDATE audit_checkpoints SET number = 3",
				"UPDATE audit_checkpoints SET base = true",
				fmt.Sprintf(copyEvent, "1"), fmt.Sprintf(copyEvent, "0"),
			} {
				r.run(t, one)
				wantFound(t, w, expect(kept[1]), always)
				restore(t, w, "whole", auditTables[:3]...)
				wantRestored(t, w, expect(kept[1]))
			}
			wantFound(t, w, before, notYetSigned) // the base follows it
			first := expect(kept[0])
			first.Number, first.Hash[0] = 1, first.Hash[0]+1
			report := Must(w.Audit.Verify(t.Context(), first, expect(kept[0])))(t)
			WantSame(t, len(report.Problems), 0) // an old line of a log is no problem when the log has newer ones
			wantProblemsBeside(t, w, first, "older than the last prune")
			first.Number = 4
			wantProblemsBeside(t, w, first, "another history")
			first.Number = 7
			wantProblemsBeside(t, w, first, "its last checkpoint is 4, and checkpoint 7")
		})
	}
}

func wantProblemsBeside(t *testing.T, w *World, e audit.ExpectedCheckpoint, want string) {
	t.Helper()
	report := Must(w.Audit.Verify(t.Context(), e))(t)
	if len(report.Problems) != 1 || !strings.Contains(report.Problems[0], want) {
		t.Errorf("the problems are %q, want %q", report.Problems, want)
	}
}
