package servicetest

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
)

// Tests import this package alone, so these are names for what domaintest has.
var (
	Fresh      = domaintest.Fresh
	Check      = domaintest.Check
	NewFault   = domaintest.NewFault
	WantFaults = domaintest.WantFaults
)

// Fault is what tests compare of a domain.Error.
type Fault = domaintest.Fault

// Must returns the value of a call that has to succeed: Must(f())(t).
func Must[T any](value T, err error) func(testing.TB) T { return domaintest.Must(value, err) }

// Together runs fn in n goroutines that begin at the same time, and joins their errors.
func Together(n int, fn func(i int) error) error {
	_, faults := domaintest.Together(n, func(i int) (struct{}, error) { return struct{}{}, fn(i) })
	return errors.Join(faults...)
}

// opaque are the types that are compared as a whole.
var opaque = cmpopts.EquateComparable(domain.Rights{}, netip.Prefix{}, netip.Addr{})

// unproven ignores when and by which credential a principal was authenticated, and what is random.
var unproven = cmp.Options{
	cmpopts.IgnoreFields(domain.Principal{}, "Proof", "Limits"), cmpopts.IgnoreFields(domain.APIKey{}, "Binding"),
}

// WantSame compares two values.
func WantSame[T any](t testing.TB, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got, opaque, unproven); diff != "" {
		t.Errorf("differs (-want +got):\n%s", diff)
	}
}
