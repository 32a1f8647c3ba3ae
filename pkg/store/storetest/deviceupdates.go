package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func testDeviceUpdates(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("an update changes all but what never changes", func(t *testing.T) { testDeviceUpdate(t, s) })
	t.Run("nothing is inserted and nothing updated", func(t *testing.T) {
		insertDevices(t, s)
		check(t, s.Devices().Update(ctx, nil))
	})
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
	changes := []domain.DeviceChange{{Before: before, After: after}}
	check(t, s.Devices().Update(ctx, changes))
	after.Revision++
	wantSame(t, changes[0].After, after)
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

func testDeviceSpelling(t *testing.T, s domain.Store) {
	t.Run("names have one spelling, the last", func(t *testing.T) { testDeviceNames(t, s) })
}

// testDeviceNames checks that a name has one spelling, regardless of case: that of the device that
// was stored last. Each kind of name has spellings of its own. A transaction that was rolled back
// leaves none.
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

// withNamesOf is another device with the names of one.
func withNamesOf(d domain.Device) domain.Device {
	other := sampleDevice()
	other.Model, other.Type, other.Vendor, other.Site = d.Model, d.Type, d.Vendor, d.Site
	return other
}
