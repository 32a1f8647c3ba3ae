package storetest

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// sampleDevice has a value in every field.
func sampleDevice() domain.Device {
	return domain.Device{
		Hostname: fresh("Win 1"), IP: "https://10.0.0.1/x", Model: "RHEL", Type: "Server", Vendor: "Red Hat",
		Site:    "São Paulo",
		Domains: []string{"corp.example.com"}, Connectivities: []domain.Connectivity{
			{Type: "SSH", Port: 22}, {Type: "SQL Server", Port: 1433},
		},
		Remote:  []domain.RemoteExpression{{Connectivity: "SSH", Expect: `User:\s<"é">`, Fill: "[username]"}},
		Tags:    []string{"API", "two words"},
		Enabled: true, CreatorID: 7, CreatedAt: noon, UpdatedAt: noon.Add(time.Second),
	}
}

func insertDevices(t testing.TB, s domain.Store, list ...domain.Device) []domain.Device {
	t.Helper()
	wantSame(t, len(must(s.Devices().Insert(t.Context(), list))(t)), 0)
	return list
}

func newDevice(t testing.TB, s domain.Store) domain.Device {
	t.Helper()
	return insertDevices(t, s, sampleDevice())[0]
}

// deviceRules is the contract of domain.Devices, except for Save and pages.
var deviceRules = rules{
	{storedForm, testDeviceForm},
	{missing, testDeviceMissing},
	{unique, testDeviceUnique},
	{updates, testDeviceUpdates},
	{"Spelling", testDeviceSpelling},
	{order, testDeviceOrder},
	{locks, testDeviceLocks},
	{"Batches", testManyDevices}, // last, because a page of its many devices has no room for others
}

func testDeviceForm(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("a device is read back whole", func(t *testing.T) {
		want := newDevice(t, s)
		wantSame(t, must(s.Devices().Get(ctx, want.ID))(t), want)
		plain := insertDevices(
			t, s, domain.Device{
				Hostname: fresh("plain"), IP: "b", Model: "c", Type: "d", Vendor: "e", Site: "f", CreatedAt: noon,
				UpdatedAt: noon,
			},
		)[0]
		wantEmptyLists(t, must(s.Devices().Get(ctx, plain.ID))(t), plain)
	})
	t.Run("a device is found by hostname regardless of case", func(t *testing.T) {
		want := newDevice(t, s)
		for _, name := range []string{want.Hostname, strings.ToUpper(want.Hostname), strings.ToLower(want.Hostname)} {
			wantSame(t, must(s.Devices().Named(ctx, name))(t), want)
		}
	})
}

func testDeviceMissing(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("what does not exist is missing, also a name that no database can hold", func(t *testing.T) {
		for _, id := range []int64{0, -1, absent} {
			_, err := s.Devices().Get(ctx, id)
			wantMissing(t, err)
		}
		for _, name := range []string{"", "nobody", "%", "a\x00b", "a\xffb"} {
			_, err := s.Devices().Named(ctx, name)
			wantMissing(t, err)
		}
	})
}

func testDeviceUnique(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("a hostname that is taken is lost, and nothing of it is stored", func(t *testing.T) {
		taken := newDevice(t, s)
		list := []domain.Device{sampleDevice(), sampleDevice(), sampleDevice()}
		list[1].Hostname, list[1].Tags = strings.ToUpper(taken.Hostname), []string{"lost"}
		wantSame(t, must(s.Devices().Insert(ctx, list))(t), []int{1})
		wantSame(t, must(s.Devices().Get(ctx, list[0].ID))(t), list[0])
		wantSame(t, must(s.Devices().Get(ctx, list[2].ID))(t), list[2])
		wantSame(t, must(s.Devices().Named(ctx, taken.Hostname))(t), taken)
		wantSame(t, deviceIDs(t, s, domain.DeviceFilter{Tag: "lost"}), []int64{})
	})
}

func testDeviceOrder(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("some are those of the ids that there are, by id", func(t *testing.T) {
		one, two, three := newDevice(t, s), newDevice(t, s), newDevice(t, s)
		wantSame(
			t, must(s.Devices().Some(ctx, []int64{three.ID, absent, one.ID, three.ID, -1}))(t),
			[]domain.Device{one, three},
		)
		wantSame(t, len(must(s.Devices().Some(ctx, nil))(t)), 0)
		many := make([]int64, 1500)
		many[0], many[1499] = two.ID, one.ID
		wantSame(t, must(s.Devices().Some(ctx, many))(t), []domain.Device{one, two})
	})
}

// wantEmptyLists compares a device whose lists may be nil or empty.
func wantEmptyLists(t testing.TB, got, want domain.Device) {
	t.Helper()
	wantSame(t, len(got.Domains)+len(got.Connectivities)+len(got.Remote)+len(got.Tags), 0)
	got.Domains, got.Connectivities, got.Remote, got.Tags = nil, nil, nil, nil
	wantSame(t, got, want)
}

func testManyDevices(t *testing.T, s domain.Store) {
	ctx := t.Context()
	const many = 1300
	list := make([]domain.Device, many)
	hostnames := make([]string, many)
	for i := range list {
		list[i] = sampleDevice()
		list[i].Model = fresh("model")
		hostnames[i] = list[i].Hostname
	}
	check(t, s.Transact(ctx, func(tx domain.Store) error {
		lost, err := tx.Devices().Insert(ctx, list)
		wantSame(t, len(lost), 0)
		return err
	}))
	was := slices.Clone(list)
	check(t, s.Transact(ctx, func(tx domain.Store) error {
		present, err := tx.Devices().Lock(ctx, hostnames)
		wantSame(t, len(present), many)
		changes := make([]domain.DeviceChange, many)
		for i, before := range was {
			wantSame(t, present[domain.NameKey(before.Hostname)], before)
			list[i].IP = "changed"
			changes[i] = domain.DeviceChange{Before: before, After: list[i]}
		}
		return errors.Join(err, tx.Devices().Update(ctx, changes))
	}))
	list[many-1].Revision++
	wantSame(t, must(s.Devices().Get(ctx, list[many-1].ID))(t), list[many-1])
	wantSame(
		t,
		len(
			must(s.Devices().Page(ctx, domain.DeviceFilter{Text: "changed"}, domain.PageRequest{Size: many + 1}))(t).
				Items,
		), many,
	)
}

func deviceIDs(t testing.TB, s domain.Store, f domain.DeviceFilter) []int64 {
	t.Helper()
	return pageIDs(must(s.Devices().Page(t.Context(), f, domain.PageRequest{Size: 100}))(t))
}
