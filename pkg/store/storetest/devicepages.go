package storetest

import (
	"context"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// testDevicePages compares the pages with those that a model in memory gives, while devices are
// added and changed.
func testDevicePages(t *testing.T, s domain.Store) {
	var model []domain.Device
	rapid.Check(t, func(rt *rapid.T) {
		for range rapid.IntRange(0, min(6, modelRows-len(model))).Draw(rt, "new devices") {
			model = append(model, addDevice(rt, s))
		}
		if len(model) > 0 && rapid.Bool().Draw(rt, "change one") {
			changeDevice(rt, s, &model[rapid.IntRange(0, len(model)-1).Draw(rt, "which")])
		}
		filter := drawDeviceFilter(rt, model)
		size := rapid.OneOf(rapid.IntRange(1, 9), rapid.Just(100)).Draw(rt, "size")
		pages := func(ctx context.Context, req domain.PageRequest) (domain.Page[domain.Device], error) {
			return s.Devices().Page(ctx, filter, req)
		}
		ids := selectedDevices(model, filter)
		walk(rt, pages, ids, size)
		cursor := rapid.Int64Range(0, 2*modelRows).Draw(rt, "cursor")
		page, err := pages(rt.Context(), domain.PageRequest{Cursor: cursor, Size: size})
		wantPage(rt, page, err, ids, cursor, size)
	})
	if len(model) < modelRows/2 && !testing.Short() { // rapid checks less with -short
		t.Errorf("the model has %d devices only", len(model))
	}
}

var (
	drawnNames = []string{"a", "A", "b", "É", "é", "a b", "%", `_'"`}
	drawnTags  = []string{"api", "App", "two words", "é"}
)

func drawDevice(rt *rapid.T) domain.Device {
	d := domain.Device{CreatedAt: noon, UpdatedAt: noon}
	d.IP = rapid.SampledFrom([]string{"10.0.0.1", "10.0.0.2", "Host.example.com"}).Draw(rt, "ip")
	for _, name := range []*string{&d.Model, &d.Type, &d.Vendor, &d.Site} {
		*name = rapid.SampledFrom(drawnNames).Draw(rt, "name")
	}
	list := func(of []string, what string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(of), 0, len(of), rapid.ID).Draw(rt, what)
	}
	d.Tags, d.Domains = list(drawnTags, "tags"), list([]string{"corp", "B.example.com"}, "domains")
	d.Enabled = rapid.Bool().Draw(rt, "enabled")
	d.CreatorID = rapid.Int64Range(0, 2).Draw(rt, "creator")
	return d
}

func addDevice(rt *rapid.T, s domain.Store) domain.Device {
	d := drawDevice(rt)
	d.Hostname = fresh(rapid.SampledFrom([]string{"web api", "WEB", "db.é"}).Draw(rt, "hostname"))
	list := []domain.Device{d}
	if lost, err := s.Devices().Insert(rt.Context(), list); err != nil || len(lost) > 0 {
		rt.Fatal(lost, err)
	}
	return list[0]
}

func changeDevice(rt *rapid.T, s domain.Store, d *domain.Device) {
	after := drawDevice(rt)
	after.ID, after.Hostname, after.CreatorID = d.ID, d.Hostname, d.CreatorID
	changes := []domain.DeviceChange{{Before: *d, After: after}}
	if err := s.Devices().Update(rt.Context(), changes); err != nil {
		rt.Fatal(err)
	}
	*d = changes[0].After
}

func drawDeviceFilter(rt *rapid.T, model []domain.Device) domain.DeviceFilter {
	pick := func(what string, of ...string) string {
		return rapid.SampledFrom(append(slices.Repeat([]string{""}, 2*len(of)), of...)).Draw(rt, what)
	}
	names := append(drawnNames, "nothing", "a\x00", "\xff")
	f := domain.DeviceFilter{
		Hostname: pick("hostname", "nobody"), IP: pick("ip", "10.0.0.1", "10.0.0", "host.example.com", "\xff"),
		Model: pick("model", names...),
		Type:  pick("type", names...), Vendor: pick("vendor", names...), Site: pick("site", names...),
		Tag: pick("tag", "API", "two words", "É", "tw", "a\x00"), Domain: pick("domain", "CORP", "b.example.com", "b"),
		Text: pick(
			"text", "api", "WEB api", "--", "10 0 1", "é words two", "host db", "10.0.0.1 web", "ap", "none",
			"a\x00\xff",
		),
	}
	if len(model) > 0 && rapid.IntRange(0, 9).Draw(rt, "one hostname") == 0 {
		f.Hostname = strings.ToUpper(rapid.SampledFrom(model).Draw(rt, "hostname of").Hostname)
	}
	if rapid.IntRange(0, 3).Draw(rt, "by creator") == 0 {
		f.CreatorID = rapid.Int64Range(1, 3).Draw(rt, "creator")
	}
	if rapid.Bool().Draw(rt, "by enabled") {
		f.Enabled = new(rapid.Bool().Draw(rt, "only enabled"))
	}
	return f
}

// selectedDevices is what a filter means, in the simplest words.
func selectedDevices(model []domain.Device, f domain.DeviceFilter) []int64 {
	ids := []int64{}
	same := func(filter, value string) bool {
		return filter == "" || domain.NameKey(filter) == domain.NameKey(value)
	}
	among := func(filter string, list []string) bool {
		return filter == "" || slices.ContainsFunc(list, func(one string) bool { return same(filter, one) })
	}
	for _, d := range model {
		words := domain.Words(append([]string{d.Hostname, d.IP}, d.Tags...)...)
		hasAll := !slices.ContainsFunc(
			domain.Words(f.Text), func(word string) bool { return !slices.Contains(words, word) },
		)
		if same(f.Hostname, d.Hostname) && (f.IP == "" || f.IP == d.IP) && same(f.Model, d.Model) &&
			same(f.Type, d.Type) && same(f.Vendor, d.Vendor) &&
			same(f.Site, d.Site) && among(f.Tag, d.Tags) && among(f.Domain, d.Domains) &&
			(f.Enabled == nil || *f.Enabled == d.Enabled) &&
			(f.CreatorID == 0 || f.CreatorID == d.CreatorID) && hasAll {
			ids = append(ids, d.ID)
		}
	}
	return ids
}
