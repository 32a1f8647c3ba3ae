// Package domaintest has what tests of the domain need at every level: of the store as of the use
// cases. It imports domain and the test libraries, and knows neither store nor service.
package domaintest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// names counts the names that Fresh has made in all tests.
var names atomic.Int64

// Fresh returns a name that is not in use.
func Fresh(prefix string) string { return fmt.Sprintf("%s-%d", prefix, names.Add(1)) }

// Check ends the test if there is an error.
func Check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Must returns the value of a call that has to succeed: Must(f())(t).
func Must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		Check(t, err)
		return value
	}
}

// Fault is what tests compare of a domain.Error.
type Fault struct {
	Kind   domain.Kind
	Field  string
	Reason domain.Reason
}

// NewFault returns a Fault.
func NewFault(kind domain.Kind, field string, reason domain.Reason) Fault {
	return Fault{kind, field, reason}
}

// WantFaults checks that err is exactly these faults in this order.
func WantFaults(t testing.TB, err error, want ...Fault) {
	t.Helper()
	var got []Fault
	for _, f := range domain.Faults(err) {
		got = append(got, Fault{f.Kind, f.Field, f.Reason})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults of %v (-want +got):\n%s", err, diff)
	}
}

// Together runs fn in n goroutines that begin at the same time. It returns what they returned, in
// the order of their numbers.
func Together[T any](n int, fn func(i int) (T, error)) ([]T, []error) {
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
