package vault

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// idsAtOnce is how many ids are read at once.
const idsAtOnce = 10_000

// DeviceList are devices that were counted, and that are read when somebody wants them. It holds a
// byte or two for each, and nothing of the database.
type DeviceList struct {
	devices domain.Devices
	ids     idList
}

// Count is how many devices there are in the list.
func (l *DeviceList) Count() int { return l.ids.count }

// Each calls fn with the devices, some at a time, by ascending id: those that were counted, as they
// are when they are read. No connection is held while fn runs.
func (l *DeviceList) Each(ctx context.Context, fn func([]domain.Device) error) error {
	return l.ids.chunks(pageOfAll, func(ids []int64) error {
		some, err := l.devices.Some(ctx, ids)
		if err != nil {
			return err
		}
		return fn(some)
	})
}

// InUse lists the devices that are in use and that the caller sees.
func (s *Devices) InUse(ctx context.Context) (*DeviceList, error) {
	caller, enabled := domain.PrincipalOf(ctx), true
	filter := domain.DeviceFilter{Enabled: &enabled}
	var listed []int64 // that are not the caller's own
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

// idList are ascending ids, each kept as the distance from the one before.
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

// addUntil adds those of ascending ids that are not past an end, and returns the others.
func (l *idList) addUntil(ids []int64, end int64) []int64 {
	for len(ids) > 0 && ids[0] <= end {
		l.add(ids[0])
		ids = ids[1:]
	}
	return ids
}

// chunks calls fn with n ids at a time; they are valid until it returns.
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
