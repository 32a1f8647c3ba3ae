package storetest

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
)

func testDeviceLocks(t *testing.T, s domain.Store) {
	t.Run("lock gives those that there are", func(t *testing.T) { testDeviceLock(t, s) })
	t.Run("of many who insert one hostname one wins, and the others see whose it is", func(t *testing.T) {
		testHostnameRace(t, s)
	})
	t.Run("who waits for a lock gets the device, also when its names are new", func(t *testing.T) {
		testDeviceWait(t, s)
	})
	t.Run("many who insert the same in different orders do not wait for one another", func(t *testing.T) {
		testInsertOrders(t, s)
	})
}

func testDeviceLock(t *testing.T, s domain.Store) {
	ctx := t.Context()
	one, two := newDevice(t, s), newDevice(t, s)
	want := map[string]domain.Device{domain.NameKey(one.Hostname): one, domain.NameKey(two.Hostname): two}
	check(t, s.Transact(ctx, func(tx domain.Store) error {
		got, err := tx.Devices().Lock(ctx, []string{two.Hostname, "nobody", strings.ToUpper(one.Hostname), "a\x00"})
		wantSame(t, got, want)
		none, noneErr := tx.Devices().Lock(ctx, nil)
		wantSame(t, len(none), 0)
		return errors.Join(err, noneErr)
	}))
}

func testHostnameRace(t *testing.T, s domain.Store) {
	ctx := t.Context()
	d := sampleDevice()
	d.Model = fresh("contested")
	_, faults := domaintest.Together(16, func(int) (bool, error) {
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
}

func testDeviceWait(t *testing.T, s domain.Store) {
	ctx := t.Context()
	d := newDevice(t, s)
	_, faults := domaintest.Together(8, func(int) (struct{}, error) {
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
}

func testInsertOrders(t *testing.T, s domain.Store) {
	ctx := t.Context()
	list := make([]domain.Device, 60)
	for i := range list {
		list[i] = sampleDevice()
		list[i].Model, list[i].Site = fresh("model"), fresh("site")
	}
	inserted, faults := domaintest.Together(8, func(i int) (int, error) {
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
}
