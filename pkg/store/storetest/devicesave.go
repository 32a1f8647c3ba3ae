package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// testDeviceSave: a change is stored with its nonce, its terms and its event, or not at all when
// somebody was faster.
func testDeviceSave(t *testing.T, s domain.Store) {
	ctx := t.Context()
	save := func(before, after domain.Device, nonce *domain.Nonce, domains ...int64) (domain.DeviceSave, bool) {
		t.Helper()
		e := sampleEvent()
		all := domain.DeviceSave{
			DeviceChange: domain.DeviceChange{Before: before, After: after}, DomainIDs: domains, Nonce: nonce,
			Event: &e,
		}
		saved, err := s.Devices().Save(ctx, &all)
		check(t, err)
		return all, saved
	}
	nonce := func(value string) *domain.Nonce {
		return &domain.Nonce{Key: "key", Token: "token", Value: value, At: noon}
	}
	place := domain.DeviceDomain{Name: fresh("domain"), CreatedAt: noon, UpdatedAt: noon}
	check(t, s.DeviceDomains().Create(ctx, &place))

	asked := sampleDevice()
	check(t, s.Devices().MakeNames(ctx, &asked))
	made, saved := save(domain.Device{}, asked, nonce("1"), place.ID)
	asked.ID, asked.Revision = made.After.ID, 1
	wantSame(t, saved, true)
	wantSame(t, must(s.Devices().Get(ctx, asked.ID))(t), asked)
	event := must(s.Audit().Get(ctx, made.Event.ID))(t)
	wantSame(t, event, stored(*made.Event))
	wantSame(t, event.ResourceID, asked.ID)

	t.Run("a change moves the terms and counts", func(t *testing.T) {
		after := asked
		after.Tags, after.UpdatedAt = []string{fresh("tag")}, noon.Add(time.Hour)
		changed, saved := save(asked, after, nil)
		after.Revision = 2
		wantSame(t, saved, true)
		wantSame(t, changed.After, after)
		wantSame(t, must(s.Devices().Get(ctx, asked.ID))(t), after)
		wantSame(t, deviceIDs(t, s, domain.DeviceFilter{Tag: after.Tags[0]}), []int64{asked.ID})
	})
	t.Run("of two changes of one state the second is not stored, nor a second device of the name", func(t *testing.T) {
		events := must(s.Audit().Ends(ctx))(t)
		after := asked
		after.IP = "somewhere else"
		_, again := save(asked, after, nonce("2"))
		_, twice := save(domain.Device{}, asked, nonce("3"))
		wantSame(t, []bool{again, twice}, []bool{false, false})
		wantSame(t, must(s.Audit().Ends(ctx))(t), events)
		wantSame(t, deviceIDs(t, s, domain.DeviceFilter{IP: "somewhere else"}), []int64{})
	})
	t.Run("nor into a domain that is gone", func(t *testing.T) {
		_, saved := save(domain.Device{}, sampleDevice(), nil, place.ID, absent)
		wantSame(t, saved, false)
	})
	t.Run("nor when the rights have moved", func(t *testing.T) {
		device, e := sampleDevice(), sampleEvent()
		e.Point = domain.AccessPoint{Epoch: 1, Mark: "of another history"}
		all := domain.DeviceSave{DeviceChange: domain.DeviceChange{After: device}, Event: &e}
		wantSame(t, must(s.Devices().Save(ctx, &all))(t), false)
		_, err := s.Devices().Named(ctx, device.Hostname)
		wantMissing(t, err)
	})
	t.Run("nor with a nonce that was spent", func(t *testing.T) {
		device, e := sampleDevice(), sampleEvent()
		all := domain.DeviceSave{DeviceChange: domain.DeviceChange{After: device}, Nonce: nonce("1"), Event: &e}
		_, err := s.Devices().Save(ctx, &all)
		wantFault(t, err, domain.Duplicated, "oauth_nonce", domain.ReasonNonce)
		_, err = s.Devices().Named(ctx, device.Hostname)
		wantMissing(t, err)
	})
	t.Run("in a transaction a new device respells a name, and the next one has that", func(t *testing.T) {
		first, next := sampleDevice(), sampleDevice()
		first.Model, next.Model = strings.ToUpper(asked.Model), strings.ToUpper(asked.Model)
		check(t, s.Transact(ctx, func(tx domain.Store) error {
			for _, d := range []*domain.Device{&first, &next} {
				e := sampleEvent()
				all := domain.DeviceSave{
					DeviceChange: domain.DeviceChange{After: *d}, DomainIDs: []int64{place.ID}, Event: &e,
				}
				saved, err := tx.Devices().Save(ctx, &all)
				if err != nil || !saved {
					return fmt.Errorf("saved is %t, %w", saved, err)
				}
				d.ID = all.After.ID
			}
			return nil
		}))
		for _, d := range must(s.Devices().Some(ctx, []int64{asked.ID, first.ID, next.ID, asked.ID}))(t) {
			wantSame(t, d.Model, first.Model)
		}
	})
	t.Run("what was remembered can be forgotten", func(t *testing.T) {
		s.Forget()
		_, saved := save(domain.Device{}, sampleDevice(), nil, place.ID)
		wantSame(t, saved, true)
	})
	t.Run("a change that was not stored has spent no nonce", func(t *testing.T) {
		for _, value := range []string{"2", "3"} {
			_, saved := save(domain.Device{}, sampleDevice(), nonce(value))
			wantSame(t, saved, true)
		}
	})
}
