package masterkey

import (
	"context"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/seal"
)

// countRows is how many rows a statement counts: some ten milliseconds.
const countRows = 5000

// Counts are numbers of values by kind, and by the version of the key that has sealed them.
type Counts map[domain.SealedKind]map[uint32]int64

// Under counts the values that another version than one has sealed.
func (c Counts) Under(version uint32) (n int64) {
	for _, found := range c {
		for sealed, count := range found {
			if sealed != version {
				n += count
			}
		}
	}
	return n
}

// Of counts the values of a version.
func (c Counts) Of(version uint32) (n int64) {
	for _, found := range c {
		n += found[version]
	}
	return n
}

// Count counts all sealed values. It reads every row of their tables, part by part.
func Count(ctx context.Context, store domain.Store) (Counts, error) {
	counts := Counts{}
	for _, kind := range domain.SealedKinds() {
		found, err := countKind(ctx, store, kind)
		if err != nil {
			return nil, err
		}
		counts[kind] = found
	}
	return counts, nil
}

func countKind(ctx context.Context, store domain.Store, kind domain.SealedKind) (map[uint32]int64, error) {
	counts := map[uint32]int64{}
	header := len(seal.Header(0))
	var last domain.SealedRow
	for {
		found, next, err := store.SealedValues().Count(ctx, kind, last, countRows, header)
		if err != nil {
			return nil, err
		}
		for head, n := range found {
			if version, ok := seal.VersionOf([]byte(head)); ok {
				counts[version] += n
			}
		}
		if last = next; last == nil {
			return counts, nil
		}
	}
}
