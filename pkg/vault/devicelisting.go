package vault

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// idsAtOnce is how many ids one query reads.
const idsAtOnce = 10_000

// DeviceList is a list of devices that were counted and are read later, by Each. It takes a byte or
// two of memory for each device and holds no resource of the database.
type DeviceList struct {
	devices domain.Devices
	ids     idList
}

// Count returns the number of devices in the list.
func (l *DeviceList) Count() int { return l.ids.count }

// Each calls fn with the devices of the list in batches, by ascending id. The set of devices is
// that of the count; their content is that of the moment when they are read. No connection is held
// while fn runs.
func (l *DeviceList) Each(ctx context.Context, fn func([]domain.Device) error) error {
	return l.ids.chunks(pageOfAll, func(ids []int64) error {
		some, err := l.devices.Some(ctx, ids)
		if err != nil {
			return err
		}
		return fn(some)
	})
}

// InUse lists the enabled devices that the caller sees.
func (s *Devices) InUse(ctx context.Context) (*DeviceList, error) {
	caller, enabled := domain.PrincipalOf(ctx), true
	filter := domain.DeviceFilter{Enabled: &enabled}
	var listed []int64 // the devices of the caller's list that it has not created
	if len(caller.Devices) > 0 {
		some, err := s.Store.Devices().Some(ctx, caller.Devices)
		if err != nil {
			return nil, err
		}
		filter.CreatorID = caller.Creator()
		for _, d := range some {
			if d.Enabled && d.CreatorID != filter.CreatorID {
				listed = append(listed, d.ID)
			}
		}
	}
	list := &DeviceList{devices: s.Store.Devices()}
	for cursor, more := int64(0), true; more; {
		ids, err := s.Store.Devices().IDs(ctx, filter, cursor, idsAtOnce)
		if err != nil {
			return nil, err
		}
		if more = len(ids) == idsAtOnce; more {
			cursor = ids[len(ids)-1]
		}
		for _, id := range ids {
			listed = list.ids.addUntil(listed, id)
			list.ids.add(id)
		}
	}
	list.ids.addUntil(listed, domain.MaxID)
	return list, nil
}

// idList holds ascending ids, each as its distance from the one before.
type idList struct {
	distances []byte
	last      int64
	count     int
}

func (l *idList) add(id int64) {
	l.distances = binary.AppendUvarint(l.distances, uint64(id-l.last))
	l.last = id
	l.count++
}

// addUntil adds the ids up to and including end, and returns the rest. The ids are ascending.
func (l *idList) addUntil(ids []int64, end int64) []int64 {
	for len(ids) > 0 && ids[0] <= end {
		l.add(ids[0])
		ids = ids[1:]
	}
	return ids
}

// chunks calls fn with n ids at a time.
func (l *idList) chunks(n int, fn func([]int64) error) error {
	rest, last := l.distances, int64(0)
	ids := make([]int64, 0, n)
	for len(rest) > 0 {
		distance, size := binary.Uvarint(rest)
		rest, last = rest[size:], last+int64(distance)
		if ids = append(ids, last); len(ids) < n && len(rest) > 0 {
			continue
		}
		if err := fn(slices.Clone(ids)); err != nil {
			return err
		}
		ids = ids[:0]
	}
	return nil
}
