package store

import (
	"cmp"
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// The kinds of names.
const (
	kindModel  = "model"
	kindType   = "type"
	kindVendor = "vendor"
	kindSite   = "site"
)

// nameID identifies a name regardless of its spelling.
type nameID struct{ kind, key string }

// knownName is a name with its spelling. Names are never removed, and a reference is valid as long
// as the database keeps its history; the spelling may change.
type knownName struct {
	ref       int64
	label     string
	stored    string // the label in the database, if respelled
	respelled bool   // by this transaction, which stores label at its end
}

// inDatabase is the label that the database has.
func (n knownName) inDatabase() string {
	if n.respelled {
		return n.stored
	}
	return n.label
}

// deviceNameCache caches committed names.
type deviceNameCache struct {
	// mu guards known and age, for a look-up. It is not held during a query.
	mu    sync.RWMutex
	known map[nameID]knownName
	age   int // counts the calls of forget
}

// maxCachedNames bounds the cache, which is emptied when it has more.
const maxCachedNames = 20000

func (c *deviceNameCache) get(id nameID) (knownName, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	name, ok := c.known[id]
	return name, ok
}

// begin returns the age for a call of add.
func (c *deviceNameCache) begin() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.age
}

func (c *deviceNameCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known = nil
	c.age++
}

// add caches names that were read after begin, unless forget was called in between.
func (c *deviceNameCache) add(age int, names namesFound) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if age != c.age {
		return
	}
	if c.known == nil || len(c.known) > maxCachedNames {
		c.known = map[nameID]knownName{}
	}
	for id, name := range names {
		c.known[id] = name
	}
}

// namesFound are names by what identifies them.
type namesFound map[nameID]knownName

// names returns the names of devices, and creates those that are new. Those of a transaction may be
// rolled back, so the transaction keeps them to itself.
func (s *Store) names(ctx context.Context, devices []*domain.Device) (namesFound, error) {
	found, missing, age := namesFound{}, map[nameID]string{}, s.cachedNames.begin()
	for _, d := range devices {
		for kind, label := range map[string]string{
			kindModel: d.Model, kindType: d.Type, kindVendor: d.Vendor, kindSite: d.Site,
		} {
			id := nameID{kind, domain.NameKey(label)}
			if name, ok := s.knownName(id); ok {
				found[id] = name
			} else if _, before := missing[id]; !before {
				missing[id] = label
			}
		}
	}
	if len(missing) == 0 {
		return found, nil
	}
	present, err := s.selectNames(ctx, missing)
	if err != nil {
		return nil, err
	}
	if s.inTx {
		maps.Copy(s.madeNames, present)
	} else {
		s.cachedNames.add(age, present)
	}
	maps.Copy(found, present)
	maps.DeleteFunc(missing, func(id nameID, _ string) bool { _, ok := present[id]; return ok })
	if len(missing) == 0 {
		return found, nil
	}
	made, err := s.makeNames(ctx, missing)
	if s.inTx {
		maps.Copy(s.madeNames, made)
	} else {
		s.cachedNames.add(age, made)
	}
	maps.Copy(found, made)
	return found, err
}

// knownName returns a name that was read before. A transaction uses only what it has read itself:
// an outdated name would doom it, and with it the changes of many devices.
func (s *Store) knownName(id nameID) (knownName, bool) {
	if s.inTx {
		name, ok := s.madeNames[id]
		return name, ok
	}
	return s.cachedNames.get(id)
}

// newRef is random, so that two histories of the database never give the same reference to
// different names: a reference that was cached in another history does not exist.
func newRef() int64 { return 1 + rand.Int64N(domain.MaxID) }

// makeNames inserts names in ascending order, so that transactions can't deadlock.
func (s *Store) makeNames(ctx context.Context, wanted map[nameID]string) (namesFound, error) {
	ids := slices.SortedFunc(
		maps.Keys(wanted),
		func(a, b nameID) int { return cmp.Or(strings.Compare(a.kind, b.kind), strings.Compare(a.key, b.key)) },
	)
	rows := make([][]any, len(ids))
	for i, id := range ids {
		rows[i] = []any{newRef(), id.kind, wanted[id], id.key}
	}
	if err := s.insertRows(
		ctx, insertion{"device_names", "ref, kind, label, label_key", " ON CONFLICT (kind, label_key) DO NOTHING"},
		rows, nil,
	); err != nil {
		return nil, err
	}
	return s.selectNames(ctx, wanted)
}

func (s *Store) selectNames(ctx context.Context, wanted map[nameID]string) (namesFound, error) {
	keys := map[string][]string{}
	for id := range wanted {
		keys[id.kind] = append(keys[id.kind], id.key)
	}
	found := namesFound{}
	for kind, all := range keys {
		for batch := range slices.Chunk(all, insertBatch) {
			query := "SELECT ref, label, label_key FROM device_names WHERE kind = ? AND label_key IN ?"
			err := returned(ctx, s.read, query, []any{kind, batch}, func(scan func(...any) error) error {
				var name knownName
				var key string
				err := scan(&name.ref, &name.label, &key)
				found[nameID{kind, key}] = name
				return err
			})
			if err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}
