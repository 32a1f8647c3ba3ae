package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

var fileParts = []domain.ImportPart{{Place: 1, Text: "a"}, {Place: 2, Text: "é,\n"}, {Place: 3, Text: "c"}}

// fillImport makes an import with a file and a change, decided unless another is, and returns it.
func fillImport(ctx context.Context, t testing.TB, s domain.Store) domain.DeviceImport {
	t.Helper()
	of := domain.DeviceImport{Author: `{"name":"é"}`, Domains: `{"é":"É"}`, AliveAt: noon}
	check(t, s.DeviceImports().Begin(ctx, &of))
	for _, part := range fileParts {
		check(t, s.DeviceImports().Stage(ctx, of.ID, part))
	}
	decided, err := s.DeviceImports().Decide(ctx, of.ID, noon)
	check(t, err)
	of.Decided = decided
	list := []domain.Device{
		{Hostname: fresh("device"), Model: "m", Type: "t", Vendor: "v", Site: "s", CreatedAt: noon, UpdatedAt: noon},
	}
	_, err = s.Devices().Insert(ctx, list)
	check(t, err)
	change := domain.DeviceChange{Before: list[0], After: list[0]}
	change.After.IP, change.After.ImportID = "1", of.ID
	check(t, s.Devices().Update(ctx, []domain.DeviceChange{change}))
	return of
}

// testDeviceImports follows two imports, of which one is decided and finished, and the other is
// abandoned. Each step begins where the one before has ended.
func testDeviceImports(t *testing.T, s domain.Store) {
	decided := fillImport(t.Context(), t, s)
	undecided := domain.DeviceImport{Author: "x", Domains: "{}", AliveAt: noon}
	check(t, s.DeviceImports().Begin(t.Context(), &undecided))
	check(t, s.DeviceImports().Stage(t.Context(), undecided.ID, domain.ImportPart{Place: 7, Text: "z"}))
	place := newDomain(t, s)
	t.Run("one import is decided at a time, and once", func(t *testing.T) {
		testDecide(t, s, decided, undecided, place)
	})
	t.Run("an import is alive from the last touch on", func(t *testing.T) { testTouch(t, s, &decided, &undecided) })
	t.Run("the work goes on from where it is", func(t *testing.T) { testImportAdvance(t, s, &decided) })
	t.Run("an import is abandoned unless it is decided", func(t *testing.T) {
		testAbandon(t, s, decided, undecided)
	})
	t.Run("a finished import leaves its rows until they are cleared", func(t *testing.T) {
		testFinish(t, s, decided, undecided, place)
	})
}

// testDecide also checks that domains stay while an import is decided, because it may use them.
func testDecide(t *testing.T, s domain.Store, decided, undecided domain.DeviceImport, place domain.DeviceDomain) {
	ctx := t.Context()
	wantSame(t, decided.Decided, true)
	for _, id := range []int64{undecided.ID, decided.ID} {
		wantSame(t, must(s.DeviceImports().Decide(ctx, id, noon))(t), false)
	}
	check(t, s.Transact(ctx, func(tx domain.Store) error { // the refusal dooms nothing
		wantFault(t, tx.DeviceDomains().Delete(ctx, place.ID), domain.Rule, "id", domain.ReasonInUse)
		return nil
	}))
}

func testTouch(t *testing.T, s domain.Store, decided, undecided *domain.DeviceImport) {
	later := noon.Add(time.Second)
	for id, want := range map[int64]bool{undecided.ID: true, decided.ID: true, 999_999: false} {
		wantSame(t, must(s.DeviceImports().Touch(t.Context(), id, later))(t), want)
	}
	decided.AliveAt, undecided.AliveAt = later, later
	wantImports(t, s, *decided, *undecided)
}

func testImportAdvance(t *testing.T, s domain.Store, decided *domain.DeviceImport) {
	ctx := t.Context()
	for done, want := range []bool{true, false, true} { // 0 to 2 at once, then nobody can do so from 1
		wantSame(t, must(s.DeviceImports().Advance(ctx, decided.ID, int64(done), 2, noon))(t), want)
	}
	decided.AliveAt, decided.Done = noon, 4
	wantSame(t, must(s.DeviceImports().Parts(ctx, decided.ID))(t), fileParts)
}

func testAbandon(t *testing.T, s domain.Store, decided, undecided domain.DeviceImport) {
	ctx := t.Context()
	for id, want := range map[int64]bool{undecided.ID: true, decided.ID: false} {
		wantSame(t, must(s.DeviceImports().Abandon(ctx, id))(t), want)
	}
	if _, err := s.DeviceImports().Decide(ctx, undecided.ID, noon); !domain.IsKind(err, domain.Missing) {
		t.Error(err)
	}
	wantImports(t, s, decided)
	wantLeft(t, s, undecided.ID)
}

func testFinish(t *testing.T, s domain.Store, decided, undecided domain.DeviceImport, place domain.DeviceDomain) {
	ctx := t.Context()
	check(t, s.DeviceImports().Finish(ctx, decided.ID))
	check(t, s.DeviceImports().Finish(ctx, decided.ID))
	check(t, s.DeviceDomains().Delete(ctx, place.ID))
	wantImports(t, s)
	wantLeft(t, s, decided.ID, undecided.ID)
	clearImport(t, s, decided.ID)
	clearImport(t, s, undecided.ID)
	wantLeft(t, s)
}

// clearImport removes all that an import has left.
func clearImport(t *testing.T, s domain.Store, id int64) {
	t.Helper()
	for must(s.DeviceImports().Clear(t.Context(), id))(t) {
	}
}

func wantLeft(t *testing.T, s domain.Store, want ...int64) {
	t.Helper()
	got, err := s.DeviceImports().Left(t.Context())
	check(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func wantImports(t *testing.T, s domain.Store, want ...domain.DeviceImport) {
	t.Helper()
	got, err := s.DeviceImports().Unfinished(t.Context())
	check(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
