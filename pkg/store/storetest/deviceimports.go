package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// fillImport makes an import that is decided, with a row, and returns it.
func fillImport(ctx context.Context, t testing.TB, s domain.Store) domain.DeviceImport {
	t.Helper()
	of := domain.DeviceImport{Author: `{"name":"é"}`, AliveAt: noon}
	check(t, s.DeviceImports().Begin(ctx, &of))
	check(t, s.DeviceImports().Stage(ctx, of.ID, []domain.StagedRow{{Place: 1, Spec: "a"}, {Place: 2, Spec: "b"}, {Place: 3, Spec: "c"}}))
	check(t, s.DeviceImports().Decide(ctx, of.ID, noon))
	of.Decided = true
	return of
}

// testDeviceImports: an import is there until it is finished, its rows until they are removed, and its devices are in no list before that.
func testDeviceImports(t *testing.T, s domain.Store) {
	ctx, imports := t.Context(), s.DeviceImports()
	of := fillImport(ctx, t, s)
	undecided := domain.DeviceImport{Author: "x", AliveAt: noon}
	check(t, imports.Begin(ctx, &undecided))
	check(t, imports.Stage(ctx, undecided.ID, []domain.StagedRow{{Place: 7, Spec: "z"}}))
	later := noon.Add(time.Second)
	for id, want := range map[int64]bool{undecided.ID: true, of.ID: true, 999_999: false} {
		if got, err := imports.Touch(ctx, id, later); err != nil || got != want {
			t.Errorf("Touch(%d) = %t, %v", id, got, err)
		}
	}
	of.AliveAt, undecided.AliveAt = later, later
	wantImports(t, s, of, undecided)
	check(t, imports.Remove(ctx, of.ID, 2))
	rows, err := imports.Rows(ctx, of.ID, 5)
	check(t, err)
	if diff := cmp.Diff([]domain.StagedRow{{Place: 3, Spec: "c"}}, rows); diff != "" {
		t.Error(diff)
	}
	for id, want := range map[int64]bool{undecided.ID: true, of.ID: false} {
		if got, err := imports.Abandon(ctx, id); err != nil || got != want {
			t.Errorf("Abandon(%d) = %t, %v", id, got, err)
		}
	}
	if err := imports.Decide(ctx, undecided.ID, noon); !domain.IsKind(err, domain.Missing) {
		t.Error(err)
	}
	abandoned, err := imports.Abandoned(ctx)
	check(t, err)
	if diff := cmp.Diff([]int64{undecided.ID}, abandoned); diff != "" {
		t.Error(diff)
	}
	check(t, imports.Remove(ctx, undecided.ID, 7))
	wantImports(t, s, of)
	list := []domain.Device{{Hostname: fresh("device"), Model: "m", Type: "t", Vendor: "v", Site: fresh("site"), Enabled: true, ImportID: of.ID, CreatedAt: noon, UpdatedAt: noon}}
	_, err = s.Devices().Insert(ctx, list)
	check(t, err)
	count := func() int {
		page, err := s.Devices().Page(ctx, domain.DeviceFilter{Site: list[0].Site}, domain.PageRequest{Size: 10})
		check(t, err)
		ids, err := s.Devices().IDs(ctx, domain.DeviceFilter{Text: list[0].Hostname}, 0, 10)
		check(t, err)
		return len(page.Items) + len(ids)
	}
	if got := count(); got != 0 {
		t.Errorf("%d listed before the import is finished", got)
	}
	if _, err := s.Devices().Named(ctx, list[0].Hostname); err != nil {
		t.Error(err)
	}
	check(t, imports.Finish(ctx, of.ID))
	if got := count(); got != 2 {
		t.Errorf("%d listed", got)
	}
	wantImports(t, s)
}

func wantImports(t *testing.T, s domain.Store, want ...domain.DeviceImport) {
	t.Helper()
	got, err := s.DeviceImports().Unfinished(t.Context())
	check(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
