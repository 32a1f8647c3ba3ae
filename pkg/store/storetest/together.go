package storetest

import (
	"strconv"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
)

func checkAll(t *testing.T, faults []error) {
	t.Helper()
	for _, err := range faults {
		check(t, err)
	}
}

// wantNoLostUpdate has many transactions count in the description of one row, which each of them
// locks.
func wantNoLostUpdate(t *testing.T, s domain.Store, increment func(tx domain.Store) error, count func() string) {
	t.Helper()
	const workers, rounds = 8, 20
	_, faults := domaintest.Together(workers, func(int) (struct{}, error) {
		for range rounds {
			if err := s.Transact(t.Context(), increment); err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, nil
	})
	checkAll(t, faults)
	wantSame(t, count(), strconv.Itoa(workers*rounds))
}

// incremented is the next number.
func incremented(number string) (string, error) {
	n, err := strconv.Atoi(number)
	return strconv.Itoa(n + 1), err
}
