package store

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// nameUse is a name as a device uses it: how it was spelled when it was read, and how the device
// spells it.
type nameUse struct {
	id     nameID
	ref    int64
	label  string
	wanted string
}

func (n nameUse) respelled() bool { return n.label != n.wanted }

// namePlace is where a device has a name.
type namePlace struct {
	kind  string
	label *string
}

// namesOf are the names of a device.
func namesOf(d *domain.Device) [4]namePlace {
	return [4]namePlace{{kindModel, &d.Model}, {kindType, &d.Type}, {kindVendor, &d.Vendor}, {kindSite, &d.Site}}
}

// use says what a device makes of names that were read. In a transaction the first other spelling
// of a name counts, for all that follow.
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

// respellOnce notes how a name is spelled from now on, unless that is noted already.
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

// respellLater notes how a device that was stored by itself spells its names.
func (s *Store) respellLater(row deviceRow) {
	for _, n := range row.names {
		if n.respelled() {
			s.madeNames[n.id] = knownName{ref: n.ref, label: n.wanted, stored: n.label, respelled: true}
		}
	}
}

// respelledNow notes that a device that was stored by itself has respelled its names: where it is
// in a transaction, that knows it, and others when it ends.
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

// respell writes the spellings that a transaction has noted. It is the last that it does: who waits
// for a name holds all that it needs, so that nobody waits for one who waits for them; and all take
// the names in one order.
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

// respelledNames are those that a transaction has noted.
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

// asRead are the references, each with how the name was spelled when it was read.
func (r deviceRow) asRead() []any {
	n := r.names
	return []any{n[0].ref, n[0].label, n[1].ref, n[1].label, n[2].ref, n[2].label, n[3].ref, n[3].label}
}

// expect makes the spelling of the names that a device keeps that which its state before has shown.
func (r *deviceRow) expect(before domain.Device) {
	for i, name := range namesOf(&before) {
		n := &r.names[i]
		if *name.label == n.wanted || domain.NameKey(*name.label) == n.id.key {
			n.label = *name.label
		}
	}
}

// addSpellings adds how names are spelled from now on, if there are such. All take the names in one
// order.
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

// respell remembers how a device that was stored spells its names.
func (c *deviceNameCache) respell(row deviceRow) {
	for _, n := range row.names {
		if n.respelled() {
			c.put(namesFound{n.id: {ref: n.ref, label: n.wanted}})
		}
	}
}

// put remembers what was written of names that are known.
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

// drop forgets the names of a device.
func (c *deviceNameCache) drop(d domain.Device) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range namesOf(&d) {
		delete(c.known, nameID{name.kind, domain.NameKey(*name.label)})
	}
}
