package storetest

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func testAuditChains(t *testing.T, s domain.Store) {
	all := make([][]domain.Event, domain.AuditChains)
	for i := range 8 * domain.AuditChains {
		e := sampleEvent()
		e.At = noon.Add(time.Duration(i) * time.Second)
		check(t, s.Audit().Append(t.Context(), &e))
		all[e.Chain] = append(all[e.Chain], stored(e))
	}
	chain := slices.IndexFunc(all, func(list []domain.Event) bool { return len(list) >= 6 })
	t.Run(
		"what follows a position is given in order, up to a number",
		func(t *testing.T) { testAfter(t, s, chain, all[chain]) },
	)
	t.Run("the last link before a time", func(t *testing.T) { testLastBefore(t, s, chain, all[chain]) })
	t.Run("pruning removes the beginning of one chain", func(t *testing.T) { testPrune(t, s, chain, all) })
	t.Run("events between two positions are counted", func(t *testing.T) { testCount(t, s, chain) })
	t.Run("ends are mended", func(t *testing.T) { testMendEnds(t, s) })
	t.Run("checkpoints", func(t *testing.T) { testCheckpoints(t, s) })
}

func testAfter(t *testing.T, s domain.Store, chain int, list []domain.Event) {
	ctx := t.Context()
	n := int64(len(list))
	wantSame(t, must(s.Audit().After(ctx, chain, 0, 1000))(t), list)
	wantSame(t, must(s.Audit().After(ctx, chain, 0, 2))(t), list[:2])
	wantSame(t, must(s.Audit().After(ctx, chain, 3, 2))(t), list[3:5])
	wantSame(t, must(s.Audit().After(ctx, chain, n-1, 2))(t), list[n-1:])
	for _, position := range []int64{n, n + 1, absent} {
		wantSame(t, len(must(s.Audit().After(ctx, chain, position, 2))(t)), 0)
	}
	wantSame(t, len(must(s.Audit().After(ctx, domain.AuditChains, 0, 2))(t)), 0)
}

func testLastBefore(t *testing.T, s domain.Store, chain int, list []domain.Event) {
	ctx := t.Context()
	before := func(at time.Time) domain.Link { return must(s.Audit().LastBefore(ctx, chain, at))(t) }
	none := domain.Link{Chain: chain}
	wantSame(t, before(list[0].At), none)
	wantSame(t, before(list[0].At.Add(time.Microsecond)), list[0].Link)
	for i := range list[1:] {
		wantSame(t, before(list[i+1].At), list[i].Link)
		wantSame(t, before(list[i+1].At.In(time.FixedZone("-03", -3*60*60))), list[i].Link)
	}
	wantSame(t, before(noon.AddDate(1, 0, 0)), list[len(list)-1].Link)
	wantSame(
		t, must(s.Audit().LastBefore(ctx, domain.AuditChains, noon.AddDate(1, 0, 0)))(t),
		domain.Link{Chain: domain.AuditChains},
	)

	// A clock that is behind wrote an event after one that is not older than the time: all before a
	// link must be.
	behind := sampleEvent()
	behind.At = noon.Add(-time.Hour)
	for behind.Chain = -1; behind.Chain != chain; {
		check(t, s.Audit().Append(ctx, &behind))
	}
	wantSame(t, before(list[0].At), none)
	wantSame(t, before(list[2].At), list[1].Link)
	wantSame(t, before(noon.AddDate(1, 0, 0)), behind.Link)
}

func testPrune(t *testing.T, s domain.Store, chain int, all [][]domain.Event) {
	ctx := t.Context()
	ends := must(s.Audit().Ends(ctx))(t)
	whole := make([][]domain.Event, domain.AuditChains)
	for i := range whole {
		whole[i] = chainOf(t, s, i)
	}
	prune := func(position int64, limit int) int { return must(s.Audit().Prune(ctx, chain, position, limit))(t) }
	wantSame(t, prune(0, 100), 0)
	wantSame(t, prune(5, 3), 3)
	wantSame(t, chainOf(t, s, chain), whole[chain][3:])
	wantSame(t, prune(5, 3), 2)
	wantSame(t, prune(5, 3), 0)
	whole[chain] = whole[chain][5:]
	for i := range whole {
		wantSame(t, chainOf(t, s, i), whole[i])
	}
	_, err := s.Audit().Get(ctx, all[chain][4].ID)
	wantMissing(t, err)
	wantSame(t, must(s.Audit().Ends(ctx))(t), ends)

	wantSame(t, prune(absent, 1000), len(whole[chain]))
	wantSame(t, must(s.Audit().LastBefore(ctx, chain, noon.AddDate(1, 0, 0)))(t), domain.Link{Chain: chain})
	wantSame(t, must(s.Audit().Ends(ctx))(t), ends)
	next := sampleEvent()
	for next.Chain = -1; next.Chain != chain; {
		check(t, s.Audit().Append(ctx, &next))
	}
	if next.Position <= ends[chain].Position {
		t.Errorf("a chain that was emptied goes on at %d, it ended at %d", next.Position, ends[chain].Position)
	}
}

// testCount has a chain that ends in one event, after pruning.
func testCount(t *testing.T, s domain.Store, chain int) {
	count := func(after, upTo int64) int64 { return must(s.Audit().Count(t.Context(), chain, after, upTo))(t) }
	last := must(s.Audit().Ends(t.Context()))(t)[chain].Position
	wantSame(t, count(math.MinInt64, math.MaxInt64), 1)
	wantSame(t, count(last-1, last), 1)
	wantSame(t, count(last, math.MaxInt64), 0)
	wantSame(t, count(math.MinInt64, last-1), 0)
}

func testMendEnds(t *testing.T, s domain.Store) {
	ctx := t.Context()
	old := sampleEvent()
	old.At = noon.AddDate(-7, 0, 0)
	check(t, s.Transact(ctx, func(tx domain.Store) error { // the last chain is for those who reserve it
		return errors.Join(tx.Audit().Reserve(ctx), tx.Audit().Append(ctx, &old))
	}))
	was := must(s.Audit().Ends(ctx))(t)
	ends := slices.Clone(was)
	ends[2].Position, ends[2].Hash = ends[2].Position+3, [32]byte{7}
	wantSame(t, must(s.Audit().MendEnds(ctx, was, was))(t), true)
	wantSame(t, must(s.Audit().Ends(ctx))(t), was)
	wantSame(t, must(s.Audit().MendEnds(ctx, was, ends))(t), true)
	wantSame(t, must(s.Audit().Ends(ctx))(t), ends)
	wantSame(t, must(s.Audit().MendEnds(ctx, was, ends))(t), false) // it does not end there any more
	wantSame(t, must(s.Audit().MendEnds(ctx, ends, ends[:15]))(t), true)
	wantSame(t, must(s.Audit().Ends(ctx))(t), ends[:15])
	// though it is long before the others
	wantSame(t, lastOf(t, s, domain.AuditFilter{From: old.At, To: old.At.Add(time.Second)}), old.ID)
	wantSame(t, must(s.Audit().MendEnds(ctx, ends[:15], was))(t), true)
	wantSame(t, must(s.Audit().MendEnds(ctx, ends[:15], was))(t), false) // it has been added already
	wantSame(t, lastOf(t, s, domain.AuditFilter{From: old.At, To: old.At.Add(time.Second)}), old.ID)
	wantSame(t, must(s.Audit().Ends(ctx))(t), was)
}

// lastOf is the id of the last event that a filter finds.
func lastOf(t testing.TB, s domain.Store, filter domain.AuditFilter) int64 {
	t.Helper()
	filter.Descending = true
	page := must(s.Audit().Page(t.Context(), filter, domain.PageRequest{Size: 1}))(t)
	if len(page.Items) == 0 {
		return 0
	}
	return page.Items[0].ID
}

func testCheckpoints(t *testing.T, s domain.Store) {
	ctx := t.Context()
	wantSame(t, len(must(s.Audit().Checkpoints(ctx))(t)), 0)
	add := func(at time.Time, base bool, links []domain.Link) domain.Checkpoint {
		c := domain.Checkpoint{At: at, Base: base, Links: links, Signature: []byte{0, 0xff, 1}}
		check(t, s.Audit().AddCheckpoint(ctx, &c))
		return c
	}
	ends := must(s.Audit().Ends(ctx))(t)
	first := add(noon, false, ends)
	second := add(noon.Add(-time.Hour), false, ends[:2])
	wantSame(t, must(s.Audit().Checkpoints(ctx))(t), []domain.Checkpoint{first, second})
	base := add(noon.Add(time.Hour), true, ends)
	wantSame(t, must(s.Audit().Checkpoints(ctx))(t), []domain.Checkpoint{base})
	later := add(noon.Add(2*time.Hour), false, nil)
	wantSame(t, must(s.Audit().Checkpoints(ctx))(t), []domain.Checkpoint{base, later})
	numbered := func(number int64, base bool) domain.Checkpoint {
		return domain.Checkpoint{
			Number: number, Previous: [32]byte{7, byte(number)}, At: noon, Base: base, Links: ends,
			Signature: []byte{1},
		}
	}
	two, one := numbered(2, false), numbered(1, false)
	check(t, s.Audit().AddCheckpoint(ctx, &two))
	check(t, s.Audit().AddCheckpoint(ctx, &one))
	again := one
	wantFault(t, s.Audit().AddCheckpoint(ctx, &again), domain.Duplicated, "number", domain.ReasonDuplicated)
	wantSame(t, must(s.Audit().Checkpoints(ctx))(t), []domain.Checkpoint{base, later, one, two})
	base = numbered(3, true)
	check(t, s.Audit().AddCheckpoint(ctx, &base))
	later = numbered(4, false)
	later.Loss = `{"reason":"não há"}`
	check(t, s.Audit().AddCheckpoint(ctx, &later))
	wantSame(t, must(s.Audit().Checkpoints(ctx))(t), []domain.Checkpoint{base, later})
	err := s.Transact(ctx, func(tx domain.Store) error {
		check(t, tx.Audit().AddCheckpoint(ctx, &domain.Checkpoint{At: noon, Base: true, Signature: []byte{1}}))
		return domain.Fault(domain.Rule, "", domain.ReasonForbidden)
	})
	wantFault(t, err, domain.Rule, "", domain.ReasonForbidden)
	wantSame(t, must(s.Audit().Checkpoints(ctx))(t), []domain.Checkpoint{base, later})
}
