package store

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// nameUse is a name as a device uses it: label is the spelling that was read, wanted is the
// spelling that the device has.
type nameUse struct {
	id     nameID
	ref    int64
	label  string
	wanted string
}

func (n nameUse) respelled() bool { return n.label != n.wanted }

// namePlace is a field of a device that holds a name.
type namePlace struct {
	kind  string
	label *string
}

// namesOf are the fields of a device that hold names.
func namesOf(d *domain.Device) [4]namePlace {
	return [4]namePlace{{kindModel, &d.Model}, {kindType, &d.Type}, {kindVendor, &d.Vendor}, {kindSite, &d.Site}}
}

// use returns how a device uses names that were read. In a transaction the first new spelling of a
// name counts: use sets it in all devices that follow.
func (s *Store) use(names namesFound, d *domain.Device) []nameUse {
	uses := make([]nameUse, 4)
	for i, name := range namesOf(d) {
		id := nameID{name.kind, domain.NameKey(*name.label)}
		found := names[id]
		if s.inTx && found.label != *name.label {
			found = s.respellOnce(names, id, *name.label)
			*name.label = found.label
		}
		uses[i] = nameUse{id, found.ref, found.inDatabase(), *name.label}
	}
	return uses
}

// respellOnce records the new spelling of a name, unless the transaction has recorded one already.
func (s *Store) respellOnce(names namesFound, id nameID, label string) knownName {
	name, ok := s.madeNames[id]
	if !ok {
		name = names[id]
	}
	if !name.respelled {
		name.stored, name.label, name.respelled = name.label, label, true
		s.madeNames[id] = name
	}
	names[id] = name
	return name
}

// respellLater records the spellings of a saved device. The transaction stores them at its end.
func (s *Store) respellLater(row deviceRow) {
	for _, n := range row.names {
		if n.respelled() {
			s.madeNames[n.id] = knownName{ref: n.ref, label: n.wanted, stored: n.label, respelled: true}
		}
	}
}

// respelledNow records that a saved device has respelled its names. A transaction keeps that to
// itself until it commits.
func (s *Store) respelledNow(row deviceRow) {
	if !s.inTx {
		s.cachedNames.respell(row)
		return
	}
	for _, n := range row.names {
		if n.respelled() {
			s.madeNames[n.id] = knownName{ref: n.ref, label: n.wanted, stored: n.wanted, respelled: true}
		}
	}
}

// respell stores the spellings that a transaction has recorded, as its last statements: a
// transaction that waits for a name then holds all other locks that it needs. All transactions lock
// the names by ascending reference, so they can't deadlock.
func (s *Store) respell(ctx context.Context, names namesFound) error {
	list := slices.SortedFunc(maps.Values(names), func(a, b knownName) int { return cmp.Compare(a.ref, b.ref) })
	for _, name := range list {
		if err := s.write.WithContext(ctx).
			Exec("UPDATE device_names SET label = ? WHERE ref = ?", name.label, name.ref).Error; err != nil {
			return err
		}
	}
	return nil
}

// respelledNames are the names whose spelling a transaction has recorded.
func (s *Store) respelledNames() namesFound {
	found := namesFound{}
	for id, name := range s.madeNames {
		if name.respelled {
			found[id] = knownName{ref: name.ref, label: name.label}
		}
	}
	return found
}

// refs are the references of the names.
func (r deviceRow) refs() []any {
	return []any{r.names[0].ref, r.names[1].ref, r.names[2].ref, r.names[3].ref}
}

// asRead are the references of the names, each with the label that was read.
func (r deviceRow) asRead() []any {
	n := r.names
	return []any{n[0].ref, n[0].label, n[1].ref, n[1].label, n[2].ref, n[2].label, n[3].ref, n[3].label}
}

// expect requires of a name that the device keeps that it is still spelled as in the state before.
func (r *deviceRow) expect(before domain.Device) {
	for i, name := range namesOf(&before) {
		n := &r.names[i]
		if *name.label == n.wanted || domain.NameKey(*name.label) == n.id.key {
			n.label = *name.label
		}
	}
}

// addSpellings adds the update of names that are respelled, if any. It locks them by ascending
// reference.
func (q *statement) addSpellings(row deviceRow) {
	var refs []int64
	var labels []string
	for _, n := range row.names {
		if n.respelled() {
			refs, labels = append(refs, n.ref), append(labels, n.wanted)
		}
	}
	if len(refs) == 0 {
		return
	}
	q.add(`, mine AS (SELECT ref FROM device_names WHERE ref = ANY (?::bigint[]) ORDER BY ref FOR UPDATE),
		respelled AS (UPDATE device_names n SET label = w.label FROM device, mine, unnest(?::bigint[], ?::text[]) AS w (ref, label)
			WHERE n.ref = mine.ref AND n.ref = w.ref)`, refs, refs, labels)
}

// respell caches how a saved device spells its names.
func (c *deviceNameCache) respell(row deviceRow) {
	for _, n := range row.names {
		if n.respelled() {
			c.put(namesFound{n.id: {ref: n.ref, label: n.wanted}})
		}
	}
}

// put updates the names that are in the cache.
func (c *deviceNameCache) put(names namesFound) {
	if len(names) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, name := range names {
		if _, ok := c.known[id]; ok {
			c.known[id] = name
		}
	}
}

// drop removes the names of a device from the cache.
func (c *deviceNameCache) drop(d domain.Device) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range namesOf(&d) {
		delete(c.known, nameID{name.kind, domain.NameKey(*name.label)})
	}
}
