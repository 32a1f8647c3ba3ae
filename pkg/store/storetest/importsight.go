package storetest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// testDeviceImportSight checks that all reads see the devices of an import once it is finished, and
// before that the devices as they were. A change by another caller meanwhile applies to the stored
// state, and makes that state visible.
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
	clearImport(t, s, of.ID)
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
	for what, list := range map[string][]domain.Device{
		"pages of one":  v.paged(t, 1),
		"pages of two":  v.paged(t, 2),
		"one page":      v.paged(t, 10),
		"by filter":     v.filtered(t),
		"by name or id": v.named(t),
	} {
		var got []string
		for _, d := range list {
			got = append(got, d.Hostname[len(v.site):]+" "+d.IP)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
}

// paged walks through the pages of the site.
func (v *importSight) paged(t *testing.T, size int) (all []domain.Device) {
	t.Helper()
	filter := domain.DeviceFilter{Site: v.site}
	for cursor, next := int64(0), true; next; {
		page := must(v.s.Devices().Page(t.Context(), filter, domain.PageRequest{Cursor: cursor, Size: size}))(t)
		all = append(all, page.Items...)
		if next = page.Next != nil; next {
			cursor = *page.Next
		}
	}
	return all
}

// filtered finds the devices by address, tag and text, and checks that all three find the same
// state. It returns those that the address finds.
func (v *importSight) filtered(t *testing.T) (byIP []domain.Device) {
	t.Helper()
	ctx := t.Context()
	for _, ip := range []string{"before", "after"} {
		for _, filter := range []domain.DeviceFilter{
			{IP: ip, Site: v.site}, {Tag: ip, Site: v.site}, {Text: ip, Site: v.site},
		} {
			found := must(v.s.Devices().IDs(ctx, filter, 0, 100))(t)
			list := must(v.s.Devices().Some(ctx, found))(t)
			if filter.IP != "" {
				byIP = append(byIP, list...)
			}
			for _, d := range list {
				if d.IP != ip {
					t.Errorf("%+v finds %s with %s", filter, d.Hostname, d.IP)
				}
			}
		}
	}
	slices.SortFunc(byIP, func(a, b domain.Device) int { return strings.Compare(a.Hostname, b.Hostname) })
	return byIP
}

// named gets the devices by name, and checks that the id finds the same.
func (v *importSight) named(t *testing.T) (list []domain.Device) {
	t.Helper()
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		d, err := v.s.Devices().Named(t.Context(), v.site+name)
		if domain.IsKind(err, domain.Missing) {
			continue
		}
		check(t, err)
		if same := must(v.s.Devices().Get(t.Context(), d.ID))(t); same.IP != d.IP {
			t.Errorf("%s has %s by name and %s by id", d.Hostname, d.IP, same.IP)
		}
		list = append(list, d)
	}
	return list
}
