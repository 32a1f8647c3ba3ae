package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// deviceSaving saves a device that is in a domain.
type deviceSaving struct {
	domain.Store
	place int64         // the id of the domain
	saved domain.Device // as it is stored
}

// testDeviceSave checks that a change is stored with its nonce, its search terms and its event.
// When somebody else was faster, nothing of it is stored.
func testDeviceSave(t *testing.T, s domain.Store) {
	d := &deviceSaving{Store: s}
	t.Run("a new device is stored whole, with its event", d.testNew)
	t.Run("a change moves the search terms and counts", d.testChange)
	t.Run("of two changes of one state the second is not stored, nor a second device of the name", d.testStale)
	t.Run("a device in a domain that does not exist is not stored", d.testNoDomain)
	t.Run("nothing is stored when the rights have moved", d.testRightsMoved)
	t.Run("nothing is stored with a nonce that was spent", d.testSpentNonce)
	t.Run("in a transaction a new device respells a name, and the next one has that", d.testInTransaction)
	t.Run("what was remembered can be forgotten", d.testForget)
	t.Run("a change that was not stored has spent no nonce", d.testUnspent)
}

// save saves a change with an event of its own. It reports whether the change was stored.
func (d *deviceSaving) save(
	t *testing.T, before, after domain.Device, nonce *domain.Nonce, domains ...int64,
) (domain.DeviceSave, bool) {
	t.Helper()
	e := sampleEvent()
	all := domain.DeviceSave{
		DeviceChange: domain.DeviceChange{Before: before, After: after}, DomainIDs: domains, Nonce: nonce, Event: &e,
	}
	saved, err := d.Devices().Save(t.Context(), &all)
	check(t, err)
	return all, saved
}

func nonceOf(value string) *domain.Nonce {
	return &domain.Nonce{Key: "key", Token: "token", Value: value, At: noon}
}

func (d *deviceSaving) testNew(t *testing.T) {
	ctx := t.Context()
	place := domain.DeviceDomain{Name: fresh("domain"), CreatedAt: noon, UpdatedAt: noon}
	check(t, d.DeviceDomains().Create(ctx, &place))
	d.place = place.ID
	asked := sampleDevice()
	check(t, d.Devices().MakeNames(ctx, &asked))
	made, saved := d.save(t, domain.Device{}, asked, nonceOf("1"), place.ID)
	asked.ID, asked.Revision = made.After.ID, 1
	wantSame(t, saved, true)
	wantSame(t, must(d.Devices().Get(ctx, asked.ID))(t), asked)
	event := must(d.Audit().Get(ctx, made.Event.ID))(t)
	wantSame(t, event, stored(*made.Event))
	wantSame(t, event.ResourceID, asked.ID)
	d.saved = asked
}

func (d *deviceSaving) testChange(t *testing.T) {
	after := d.saved
	after.Tags, after.UpdatedAt = []string{fresh("tag")}, noon.Add(time.Hour)
	changed, saved := d.save(t, d.saved, after, nil)
	after.Revision = 2
	wantSame(t, saved, true)
	wantSame(t, changed.After, after)
	wantSame(t, must(d.Devices().Get(t.Context(), after.ID))(t), after)
	wantSame(t, deviceIDs(t, d, domain.DeviceFilter{Tag: after.Tags[0]}), []int64{after.ID})
}

// testStale saves changes of the device as it was before its change.
func (d *deviceSaving) testStale(t *testing.T) {
	events := must(d.Audit().Ends(t.Context()))(t)
	after := d.saved
	after.IP = "somewhere else"
	_, again := d.save(t, d.saved, after, nonceOf("2"))
	_, twice := d.save(t, domain.Device{}, d.saved, nonceOf("3"))
	wantSame(t, []bool{again, twice}, []bool{false, false})
	wantSame(t, must(d.Audit().Ends(t.Context()))(t), events)
	wantSame(t, deviceIDs(t, d, domain.DeviceFilter{IP: "somewhere else"}), []int64{})
}

func (d *deviceSaving) testNoDomain(t *testing.T) {
	_, saved := d.save(t, domain.Device{}, sampleDevice(), nil, d.place, absent)
	wantSame(t, saved, false)
}

func (d *deviceSaving) testRightsMoved(t *testing.T) {
	device, e := sampleDevice(), sampleEvent()
	e.Point = domain.AccessPoint{Epoch: 1, Mark: "of another history"}
	all := domain.DeviceSave{DeviceChange: domain.DeviceChange{After: device}, Event: &e}
	wantSame(t, must(d.Devices().Save(t.Context(), &all))(t), false)
	_, err := d.Devices().Named(t.Context(), device.Hostname)
	wantMissing(t, err)
}

func (d *deviceSaving) testSpentNonce(t *testing.T) {
	device, e := sampleDevice(), sampleEvent()
	all := domain.DeviceSave{DeviceChange: domain.DeviceChange{After: device}, Nonce: nonceOf("1"), Event: &e}
	_, err := d.Devices().Save(t.Context(), &all)
	wantSpent(t, err)
	_, err = d.Devices().Named(t.Context(), device.Hostname)
	wantMissing(t, err)
}

func (d *deviceSaving) testInTransaction(t *testing.T) {
	ctx := t.Context()
	first, next := sampleDevice(), sampleDevice()
	first.Model, next.Model = strings.ToUpper(d.saved.Model), strings.ToUpper(d.saved.Model)
	check(t, d.Transact(ctx, func(tx domain.Store) error {
		for _, one := range []*domain.Device{&first, &next} {
			e := sampleEvent()
			all := domain.DeviceSave{
				DeviceChange: domain.DeviceChange{After: *one}, DomainIDs: []int64{d.place}, Event: &e,
			}
			saved, err := tx.Devices().Save(ctx, &all)
			if err != nil || !saved {
				return fmt.Errorf("saved is %t, %w", saved, err)
			}
			one.ID = all.After.ID
		}
		return nil
	}))
	for _, one := range must(d.Devices().Some(ctx, []int64{d.saved.ID, first.ID, next.ID, d.saved.ID}))(t) {
		wantSame(t, one.Model, first.Model)
	}
}

func (d *deviceSaving) testForget(t *testing.T) {
	d.Forget()
	_, saved := d.save(t, domain.Device{}, sampleDevice(), nil, d.place)
	wantSame(t, saved, true)
}

func (d *deviceSaving) testUnspent(t *testing.T) {
	for _, value := range []string{"2", "3"} {
		_, saved := d.save(t, domain.Device{}, sampleDevice(), nonceOf(value))
		wantSame(t, saved, true)
	}
}
