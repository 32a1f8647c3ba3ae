package storetest

import (
	"context"
	"slices"
	"strings"
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

// testDeviceImports: an import is there until it is finished, and is decided alone; what it leaves
// is there until it is cleared.
func testDeviceImports(t *testing.T, s domain.Store) {
	ctx, imports := t.Context(), s.DeviceImports()
	of := fillImport(ctx, t, s)
	if !of.Decided {
		t.Fatal("it is not decided")
	}
	undecided := domain.DeviceImport{Author: "x", Domains: "{}", AliveAt: noon}
	check(t, imports.Begin(ctx, &undecided))
	check(t, imports.Stage(ctx, undecided.ID, domain.ImportPart{Place: 7, Text: "z"}))
	for _, id := range []int64{undecided.ID, of.ID} {
		if decided, err := imports.Decide(ctx, id, noon); err != nil || decided {
			t.Errorf("two are decided, or one twice: %v", err)
		}
	}
	place := newDomain(t, s)
	check(t, s.Transact(ctx, func(tx domain.Store) error { // the refusal dooms nothing
		wantFault(t, tx.DeviceDomains().Delete(ctx, place.ID), domain.Rule, "id", domain.ReasonInUse)
		return nil
	}))
	later := noon.Add(time.Second)
	for id, want := range map[int64]bool{undecided.ID: true, of.ID: true, 999_999: false} {
		if got, err := imports.Touch(ctx, id, later); err != nil || got != want {
			t.Errorf("Touch(%d) = %t, %v", id, got, err)
		}
	}
	of.AliveAt, undecided.AliveAt = later, later
	wantImports(t, s, of, undecided)
	for done, want := range []bool{true, false, true} { // 0 to 2 at once, then nobody can do so from 1
		if got, err := imports.Advance(ctx, of.ID, int64(done), 2, noon); err != nil || got != want {
			t.Errorf("Advance from %d = %t, %v", done, got, err)
		}
	}
	of.AliveAt, of.Done = noon, 4
	parts, err := imports.Parts(ctx, of.ID)
	check(t, err)
	if diff := cmp.Diff(fileParts, parts); diff != "" {
		t.Error(diff)
	}
	for id, want := range map[int64]bool{undecided.ID: true, of.ID: false} {
		if got, err := imports.Abandon(ctx, id); err != nil || got != want {
			t.Errorf("Abandon(%d) = %t, %v", id, got, err)
		}
	}
	if _, err := imports.Decide(ctx, undecided.ID, noon); !domain.IsKind(err, domain.Missing) {
		t.Error(err)
	}
	wantImports(t, s, of)
	wantLeft(t, s, undecided.ID)
	check(t, imports.Finish(ctx, of.ID))
	check(t, imports.Finish(ctx, of.ID))
	check(t, s.DeviceDomains().Delete(ctx, place.ID))
	wantImports(t, s)
	wantLeft(t, s, of.ID, undecided.ID)
	for _, id := range []int64{of.ID, undecided.ID} {
		for more := true; more; {
			more, err = imports.Clear(ctx, id)
			check(t, err)
		}
	}
	wantLeft(t, s)
}

func wantLeft(t *testing.T, s domain.Store, want ...int64) {
	t.Helper()
	got, err := s.DeviceImports().Left(t.Context())
	check(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// testDeviceImportSight: whatever asks for devices sees what an import has stored when that is
// finished, and before it what there was. Who changes a device meanwhile changes what is stored,
// and makes that visible.
func testDeviceImportSight(t *testing.T, s domain.Store) {
	ctx := t.Context()
	of := domain.DeviceImport{Author: "x", Domains: "{}", AliveAt: noon}
	check(t, s.DeviceImports().Begin(ctx, &of))
	v := &importSight{s: s, site: fresh("site")}
	insert := func(id int64, names ...string) {
		list := make([]domain.Device, len(names))
		for i, name := range names {
			list[i] = v.device(name, "before")
			list[i].ImportID = id
		}
		_, err := s.Devices().Insert(ctx, list)
		check(t, err)
	}
	insert(0, "a", "b", "c")
	insert(of.ID, "d", "e")
	var changes []domain.DeviceChange
	for _, name := range []string{"a", "c"} {
		before := v.stored(t, name)
		after := before
		after.IP, after.Tags, after.ImportID = "after", []string{"after"}, of.ID
		changes = append(changes, domain.DeviceChange{Before: before, After: after})
	}
	check(t, s.Transact(ctx, func(tx domain.Store) error { return tx.Devices().Update(ctx, changes) }))
	v.want(t, "a before", "b before", "c before")
	for _, name := range []string{"a", "d"} { // somebody else
		change := domain.DeviceChange{Before: v.stored(t, name)}
		change.After = change.Before
		change.After.Enabled = false
		check(
			t,
			s.Transact(
				ctx, func(tx domain.Store) error { return tx.Devices().Update(ctx, []domain.DeviceChange{change}) },
			),
		)
	}
	v.want(t, "a after", "b before", "c before", "d before")
	check(t, s.DeviceImports().Finish(ctx, of.ID))
	v.want(t, "a after", "b before", "c after", "d before", "e before")
	for more := true; more; {
		var err error
		more, err = s.DeviceImports().Clear(ctx, of.ID)
		check(t, err)
	}
	v.want(t, "a after", "b before", "c after", "d before", "e before")
}

type importSight struct {
	s    domain.Store
	site string
}

func (v *importSight) device(name, ip string) domain.Device {
	return domain.Device{
		Hostname: v.site + name, IP: ip, Model: "m", Type: "t", Vendor: "v", Site: v.site, Tags: []string{ip},
		Enabled: true, CreatedAt: noon, UpdatedAt: noon,
	}
}

func (v *importSight) stored(t *testing.T, name string) domain.Device {
	t.Helper()
	d, err := v.s.Devices().Stored(t.Context(), v.site+name)
	check(t, err)
	return d
}

// want asks in every way for the devices of the site, by name and address.
func (v *importSight) want(t *testing.T, want ...string) {
	t.Helper()
	ctx := t.Context()
	short := func(list []domain.Device) (texts []string) {
		for _, d := range list {
			texts = append(texts, d.Hostname[len(v.site):]+" "+d.IP)
		}
		return texts
	}
	wantTexts := func(what string, got []string) {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
	for _, size := range []int{1, 2, 10} {
		var all []domain.Device
		for cursor, next := int64(0), true; next; {
			page, err := v.s.Devices().
				Page(ctx, domain.DeviceFilter{Site: v.site}, domain.PageRequest{Cursor: cursor, Size: size})
			check(t, err)
			all = append(all, page.Items...)
			if next = page.Next != nil; next {
				cursor = *page.Next
			}
		}
		wantTexts("pages", short(all))
	}
	var byFilter []domain.Device
	for _, ip := range []string{"before", "after"} {
		for _, filter := range []domain.DeviceFilter{
			{IP: ip, Site: v.site}, {Tag: ip, Site: v.site}, {Text: ip, Site: v.site},
		} {
			found, err := v.s.Devices().IDs(ctx, filter, 0, 100)
			check(t, err)
			list, err := v.s.Devices().Some(ctx, found)
			check(t, err)
			if filter.IP != "" {
				byFilter = append(byFilter, list...)
			}
			for _, d := range list {
				if d.IP != ip {
					t.Errorf("%+v finds %s with %s", filter, d.Hostname, d.IP)
				}
			}
		}
	}
	slices.SortFunc(byFilter, func(a, b domain.Device) int { return strings.Compare(a.Hostname, b.Hostname) })
	wantTexts("filters", short(byFilter))
	var one []domain.Device
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		d, err := v.s.Devices().Named(ctx, v.site+name)
		if domain.IsKind(err, domain.Missing) {
			continue
		}
		check(t, err)
		same, err := v.s.Devices().Get(ctx, d.ID)
		if check(t, err); same.IP != d.IP {
			t.Errorf("%s has %s by name and %s by id", d.Hostname, d.IP, same.IP)
		}
		one = append(one, d)
	}
	wantTexts("by name", short(one))
}

func wantImports(t *testing.T, s domain.Store, want ...domain.DeviceImport) {
	t.Helper()
	got, err := s.DeviceImports().Unfinished(t.Context())
	check(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
