package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
)

// requestKeyRules is the contract of domain.RequestKeys.
var requestKeyRules = rules{
	{storedForm, testKeptForm},
	{missing, testKeptMissing},
	{unique, testKeptUnique},
	{"Age", testKeptAge},
	{"Reserve", testKeptReserve},
	{atomicity, testKeptAtomic},
	{locks, testKeptLocks},
}

func sampleKept() domain.KeptResult {
	return domain.KeptResult{
		CallerKind: domain.PrincipalAPIKey, CallerID: 7, Key: fresh("key"), At: noon, Sealed: octets(),
	}
}

// wantKept keeps a result, and checks whether that is done.
func wantKept(t testing.TB, s domain.Store, r domain.KeptResult, want bool) {
	t.Helper()
	wantSame(t, must(s.RequestKeys().Keep(t.Context(), r, noon.Add(-time.Hour)))(t), want)
}

func findKept(t testing.TB, s domain.Store, r domain.KeptResult, since time.Time) ([]byte, error) {
	t.Helper()
	return s.RequestKeys().Find(t.Context(), r.CallerKind, r.CallerID, r.Key, since)
}

func wantNoKept(t testing.TB, s domain.Store, r domain.KeptResult, since time.Time) {
	t.Helper()
	_, err := findKept(t, s, r, since)
	wantFault(t, err, domain.Missing, "Idempotency-Key", domain.ReasonNotFound)
}

func testKeptForm(t *testing.T, s domain.Store) {
	kept := sampleKept()
	wantKept(t, s, kept, true)
	wantSame(t, must(findKept(t, s, kept, noon))(t), kept.Sealed)
}

func testKeptMissing(t *testing.T, s domain.Store) {
	wantNoKept(t, s, sampleKept(), noon)
}

func testKeptUnique(t *testing.T, s domain.Store) {
	kept := sampleKept()
	wantKept(t, s, kept, true)
	again := kept
	again.Sealed = octets()
	wantKept(t, s, again, false)
	wantSame(t, must(findKept(t, s, kept, noon))(t), kept.Sealed)
	user, other, spelled := again, again, again
	user.CallerKind, other.CallerID, spelled.Key = domain.PrincipalUser, 8, kept.Key+"A"
	for _, one := range []domain.KeptResult{user, other, spelled} {
		wantKept(t, s, one, true)
		wantKept(t, s, one, false)
	}
}

func testKeptAge(t *testing.T, s domain.Store) {
	t.Run("a result that is too old counts as none", func(t *testing.T) {
		old := sampleKept()
		old.At = noon.Add(-time.Hour - time.Microsecond)
		wantKept(t, s, old, true)
		wantNoKept(t, s, old, noon)
		fresh := old
		fresh.At, fresh.Sealed = noon, octets()
		wantKept(t, s, fresh, true)
		wantSame(t, must(findKept(t, s, fresh, noon))(t), fresh.Sealed)
	})
	t.Run("old results are purged", func(t *testing.T) {
		early, late := sampleKept(), sampleKept()
		early.At = noon.Add(-time.Microsecond)
		wantKept(t, s, early, true)
		wantKept(t, s, late, true)
		check(t, s.RequestKeys().Purge(t.Context(), noon))
		wantNoKept(t, s, early, time.Time{})
		wantSame(t, must(findKept(t, s, late, time.Time{}))(t), late.Sealed)
	})
}

func testKeptReserve(t *testing.T, s domain.Store) {
	kept := sampleKept()
	reserved := kept
	reserved.Sealed = nil
	check(t, s.Transact(t.Context(), func(tx domain.Store) error {
		wantKept(t, tx, reserved, true)
		wantKept(t, tx, kept, true)
		wantKept(t, tx, kept, false)
		return nil
	}))
	wantKept(t, s, reserved, false)
	wantSame(t, must(findKept(t, s, kept, noon))(t), kept.Sealed)
}

func testKeptAtomic(t *testing.T, s domain.Store) {
	kept, failure := sampleKept(), errors.New("rolled back")
	err := s.Transact(t.Context(), func(tx domain.Store) error {
		wantKept(t, tx, kept, true)
		return failure
	})
	wantSame(t, errors.Is(err, failure), true)
	wantNoKept(t, s, kept, noon)
	check(t, s.Transact(t.Context(), func(tx domain.Store) error { // a key in use does not doom what is around it
		wantKept(t, tx, kept, true)
		wantKept(t, tx, kept, false)
		return nil
	}))
}

func testKeptLocks(t *testing.T, s domain.Store) {
	kept := sampleKept()
	stored, faults := domaintest.Together(16, func(int) (stored bool, err error) {
		err = s.Transact(t.Context(), func(tx domain.Store) (err error) {
			stored, err = tx.RequestKeys().Keep(t.Context(), kept, noon.Add(-time.Hour))
			return err
		})
		return stored, err
	})
	check(t, errors.Join(faults...))
	count := 0
	for _, one := range stored {
		if one {
			count++
		}
	}
	wantSame(t, count, 1)
}
