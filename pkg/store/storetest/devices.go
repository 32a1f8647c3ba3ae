package storetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// sampleDevice has something in every field.
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

func testDevices(t *testing.T, s domain.Store) {
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
	testDevicesTaken(t, s)
	t.Run("many are inserted, locked and updated at once", func(t *testing.T) { testManyDevices(t, s) })
	t.Run("an update changes all but what never changes", func(t *testing.T) { testDeviceUpdate(t, s) })
	t.Run("names have one spelling, the last", func(t *testing.T) { testDeviceNames(t, s) })
	t.Run("an ended context is an error", func(t *testing.T) {
		ended, cancel := context.WithCancel(ctx)
		cancel()
		_, getErr := s.Devices().Get(ended, 1)
		_, lockErr := s.Devices().Lock(ended, []string{"a"})
		_, insertErr := s.Devices().Insert(ended, []domain.Device{sampleDevice()})
		_, pageErr := s.Devices().
			Page(ended, domain.DeviceFilter{Model: "RHEL", Text: "a"}, domain.PageRequest{Size: 1})
		for i, err := range []error{getErr, lockErr, insertErr, pageErr} {
			if err == nil || domain.Faults(err) != nil {
				t.Errorf("%d: error is %v", i, err)
			}
		}
	})
}

func testDevicesTaken(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("lock gives those that there are", func(t *testing.T) {
		one, two := newDevice(t, s), newDevice(t, s)
		want := map[string]domain.Device{domain.NameKey(one.Hostname): one, domain.NameKey(two.Hostname): two}
		check(t, s.Transact(ctx, func(tx domain.Store) error {
			got, err := tx.Devices().Lock(ctx, []string{two.Hostname, "nobody", strings.ToUpper(one.Hostname), "a\x00"})
			wantSame(t, got, want)
			none, noneErr := tx.Devices().Lock(ctx, nil)
			wantSame(t, len(none), 0)
			return errors.Join(err, noneErr)
		}))
	})
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
	t.Run("nothing is inserted and nothing updated", func(t *testing.T) {
		insertDevices(t, s)
		check(t, s.Devices().Update(ctx, nil))
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
	check(t, s.Transact(ctx, func(tx domain.Store) error {
		present, err := tx.Devices().Lock(ctx, hostnames)
		wantSame(t, len(present), many)
		changes := make([]domain.DeviceChange, many)
		for i, before := range list {
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

func testDeviceUpdate(t *testing.T, s domain.Store) {
	ctx := t.Context()
	other, before := newDevice(t, s), newDevice(t, s)
	after := domain.Device{
		ID: before.ID, Hostname: before.Hostname, IP: "other ip", Model: "other model", Type: "other type",
		Vendor: "other vendor", Site: "other site",
		Domains: []string{"d2"}, Connectivities: []domain.Connectivity{{Type: "RDP", Port: 1}},
		Remote: []domain.RemoteExpression{{Connectivity: "RDP"}},
		Tags:   []string{"t2"}, CreatorID: before.CreatorID, Revision: before.Revision, CreatedAt: before.CreatedAt,
		UpdatedAt: noon.Add(time.Hour),
	}
	check(t, s.Devices().Update(ctx, []domain.DeviceChange{{Before: before, After: after}}))
	after.Revision++
	wantSame(t, must(s.Devices().Get(ctx, before.ID))(t), after)
	wantSame(t, must(s.Devices().Get(ctx, other.ID))(t), other)
	for _, f := range []domain.DeviceFilter{
		{Tag: "T2"}, {Domain: "D2"}, {Text: "t2"}, {IP: "other ip"}, {Site: "Other Site"},
	} {
		wantSame(t, deviceIDs(t, s, f), []int64{before.ID})
	}
	for _, f := range []domain.DeviceFilter{{Tag: "api"}, {Domain: "corp.example.com"}, {Text: "two words"}} {
		wantSame(t, slices.Contains(deviceIDs(t, s, f), before.ID), false)
	}
	bare := after
	bare.Domains, bare.Connectivities, bare.Remote, bare.Tags, bare.Enabled = nil, nil, nil, nil, true
	check(t, s.Devices().Update(ctx, []domain.DeviceChange{{Before: after, After: bare}}))
	bare.Revision++
	wantEmptyLists(t, must(s.Devices().Get(ctx, before.ID))(t), bare)
	wantSame(t, deviceIDs(t, s, domain.DeviceFilter{Tag: "t2"}), []int64{})
}

// withNamesOf is another device with the names of one.
func withNamesOf(d domain.Device) domain.Device {
	other := sampleDevice()
	other.Model, other.Type, other.Vendor, other.Site = d.Model, d.Type, d.Vendor, d.Site
	return other
}

// testDeviceNames: regardless of case a name has one spelling, that of who was stored last; kinds
// are apart; what was rolled back was never there.
func testDeviceNames(t *testing.T, s domain.Store) {
	ctx := t.Context()
	first := sampleDevice()
	first.Model, first.Vendor = "Spelled", "SPELLED"
	first = insertDevices(t, s, first)[0]
	list := insertDevices(t, s, sampleDevice(), sampleDevice())
	list[0].Model, list[0].Vendor = "SPELLED", "sPELLED"
	list[1].Model, list[1].Site = "spelled", "spelled"
	changes := []domain.DeviceChange{{After: list[0]}, {After: list[1]}}
	check(t, s.Devices().Update(ctx, changes))
	for i, id := range []int64{list[0].ID, list[1].ID, first.ID} {
		got := must(s.Devices().Get(ctx, id))(t)
		wantSame(t, got.Model, "SPELLED")
		if i < 2 {
			wantSame(
				t, []string{got.Model, got.Vendor, got.Site},
				[]string{changes[i].After.Model, changes[i].After.Vendor, changes[i].After.Site},
			)
		}
	}
	first.Model = "Spelled"
	_, err := s.Devices().Insert(ctx, []domain.Device{withNamesOf(first)})
	check(t, err)
	wantSame(t, must(s.Devices().Get(ctx, list[0].ID))(t).Model, "Spelled")

	failure := errors.New("rolled back")
	err = s.Transact(ctx, func(tx domain.Store) error {
		d := []domain.Device{sampleDevice(), sampleDevice()}
		d[0].Model, d[1].Model = "Rolled Back", "rolled back"
		for i := range d {
			if _, err := tx.Devices().Insert(ctx, d[i:i+1]); err != nil {
				return err
			}
		}
		wantSame(t, d[1].Model, "rolled back")
		_, err := tx.Devices().Page(ctx, domain.DeviceFilter{Model: "rolled back"}, domain.PageRequest{Size: 1})
		return errors.Join(failure, err)
	})
	wantSame(t, errors.Is(err, failure), true)
	again := sampleDevice()
	again.Model = "rolled back"
	again = insertDevices(t, s, again)[0]
	wantSame(t, must(s.Devices().Get(ctx, again.ID))(t).Model, "rolled back")
}

func deviceIDs(t testing.TB, s domain.Store, f domain.DeviceFilter) []int64 {
	t.Helper()
	return pageIDs(must(s.Devices().Page(t.Context(), f, domain.PageRequest{Size: 100}))(t))
}

func testDeviceConcurrency(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("of many who insert one hostname one wins, and the others see whose it is", func(t *testing.T) {
		d := sampleDevice()
		d.Model = fresh("contested")
		_, faults := together(t, 16, func(int) (bool, error) {
			list := []domain.Device{d}
			lost := []int{}
			err := s.Transact(ctx, func(tx domain.Store) (err error) {
				if lost, err = tx.Devices().Insert(ctx, list); err != nil || len(lost) == 0 {
					return err
				}
				present, err := tx.Devices().Lock(ctx, []string{d.Hostname})
				if err == nil && present[domain.NameKey(d.Hostname)].ID == 0 {
					err = errors.New("lost, and not there")
				}
				return err
			})
			return len(lost) == 0, err
		})
		checkAll(t, faults)
		wantSame(t, len(deviceIDs(t, s, domain.DeviceFilter{Model: d.Model})), 1)
	})
	t.Run("who waits for a lock gets the device, also when its names are new", func(t *testing.T) {
		d := newDevice(t, s)
		_, faults := together(t, 8, func(int) (struct{}, error) {
			for range 10 {
				err := s.Transact(ctx, func(tx domain.Store) error {
					present, err := tx.Devices().Lock(ctx, []string{d.Hostname})
					before, there := present[domain.NameKey(d.Hostname)]
					if err != nil || !there {
						return errors.Join(err, errors.New("the device is not there"))
					}
					after := before
					after.Model, after.Tags = fresh("model"), append(slices.Clone(before.Tags), fresh("tag"))
					return tx.Devices().Update(ctx, []domain.DeviceChange{{Before: before, After: after}})
				})
				if err != nil {
					return struct{}{}, err
				}
			}
			return struct{}{}, nil
		})
		checkAll(t, faults)
		wantSame(t, len(must(s.Devices().Get(ctx, d.ID))(t).Tags), 2+80)
	})
	testDeviceOrder(t, s)
}

func testDeviceOrder(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("many who insert the same in different orders do not wait for one another", func(t *testing.T) {
		list := make([]domain.Device, 60)
		for i := range list {
			list[i] = sampleDevice()
			list[i].Model, list[i].Site = fresh("model"), fresh("site")
		}
		inserted, faults := together(t, 8, func(i int) (int, error) {
			mine := slices.Clone(list)
			if i%2 == 1 {
				slices.Reverse(mine)
			}
			lost, err := s.Devices().Insert(ctx, mine)
			return len(mine) - len(lost), err
		})
		checkAll(t, faults)
		sum := 0
		for _, n := range inserted {
			sum += n
		}
		wantSame(t, sum, len(list))
	})
}
