package storetest

import (
	"strconv"
	"sync"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// together runs fn in n goroutines that begin at once, and returns what they returned in the order
// of their numbers.
func together[T any](t *testing.T, n int, fn func(i int) (T, error)) ([]T, []error) {
	t.Helper()
	values, faults := make([]T, n), make([]error, n)
	begin := make(chan struct{})
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			<-begin
			values[i], faults[i] = fn(i)
		})
	}
	close(begin)
	group.Wait()
	return values, faults
}

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
	_, faults := together(t, workers, func(int) (struct{}, error) {
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
