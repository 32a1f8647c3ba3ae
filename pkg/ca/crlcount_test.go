package ca_test

import (
	"math/big"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

// TestCountCRL: the number and the entries are those that a whole reading of the list finds. What
// is no list has none.
func TestCountCRL(t *testing.T) {
	t.Parallel()
	authority := newRoot(t, ca.ECDSAP256)
	for _, n := range []int{0, 1, 300} {
		revocations := make([]ca.Revocation, n)
		for i := range revocations {
			revocations[i] = ca.Revocation{Serial: big.NewInt(int64(i) + 1), RevokedAt: epoch, Reason: ca.KeyCompromise}
		}
		list := signCRL(t, authority, revocations)
		number, entries := ca.CountCRL(list.Raw)
		if number == nil || number.Cmp(list.Number) != 0 || entries != n {
			t.Errorf("number %v, %d entries, of number %v, %d", number, entries, list.Number, n)
		}
		for cut := range min(len(list.Raw), 200) {
			if number, entries := ca.CountCRL(list.Raw[:cut]); number != nil || entries != 0 {
				t.Errorf("%d octets: %v, %d", cut, number, entries)
			}
		}
	}
	if number, entries := ca.CountCRL(authority.Certificate.Raw); number != nil || entries != 0 {
		t.Errorf("a certificate: %v, %d", number, entries)
	}
}
