package storetest

import (
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

var sealedValueRules = rules{
	{storedForm, testSealedValues},
	{order, testSealedPages},
	{updates, testSealedChanges},
	{locks, testSealedLocks},
}

// all reads all values that begin with other octets than header.
func allSealed(t *testing.T, s domain.Store, kind domain.SealedKind, header []byte, limit int) []domain.SealedValue {
	t.Helper()
	var all []domain.SealedValue
	var next domain.SealedRow
	for range 1000 {
		list, last, err := s.SealedValues().Others(t.Context(), kind, next, limit, header)
		check(t, err)
		all = append(all, list...)
		if next = last; next == nil {
			return all
		}
	}
	t.Fatal("the pages do not end")
	return nil
}

// testSealedValues: each kind has a value in a filled store, with the place that it is bound to.
func testSealedValues(t *testing.T, s domain.Store) {
	Fill(t, s)
	for _, kind := range domain.SealedKinds() {
		all := allSealed(t, s, kind, []byte("none"), 100)
		if len(all) == 0 {
			t.Errorf("%s: none", kind)
		}
		for _, v := range all {
			if len(v.Sealed) == 0 || v.Place.ID == 0 && v.Place.Name == "" && v.Place.Certificate == nil {
				t.Errorf("%s: %+v", kind, v)
			}
		}
	}
	kept := sampleKept()
	wantKept(t, s, kept, true)
	results := allSealed(t, s, domain.SealedResult, []byte("none"), 100)
	place := results[len(results)-1].Place
	found := false
	for _, v := range results {
		if v.Place.Name == kept.Key {
			place, found = v.Place, true
		}
	}
	wantSame(t, found, true)
	wantSame(t, place, domain.SealedPlace{ID: kept.CallerID, Name: kept.Key, Caller: kept.CallerKind})
}

// testSealedPages: pages of any size have the same values, and the counts are of all of them.
func testSealedPages(t *testing.T, s domain.Store) {
	authority := newCA(t, s)
	for i := range 7 {
		newCertificate(t, s, newClient(t, s, authority.ID), func(c *domain.Certificate) {
			c.SealedKey = [][]byte{[]byte("one more"), nil, []byte("two"), {}}[i%4]
		})
	}
	want := allSealed(t, s, domain.SealedCertificateKey, []byte("one"), 1000)
	for limit := 1; limit < 9; limit++ {
		wantSame(t, allSealed(t, s, domain.SealedCertificateKey, []byte("one"), limit), want)
		counts, rows := map[string]int64{}, domain.SealedRow(nil)
		for more := true; more; more = rows != nil {
			found, next, err := s.SealedValues().Count(t.Context(), domain.SealedCertificateKey, rows, limit, 3)
			check(t, err)
			for head, n := range found {
				counts[head] += n
			}
			rows = next
		}
		if counts["one"] < 2 || counts["two"] < 2 {
			t.Errorf("limit %d: %v", limit, counts)
		}
	}
	for _, kind := range domain.SealedKinds() { // keys of several columns and of texts
		want := allSealed(t, s, kind, []byte("none"), 1000)
		wantSame(t, allSealed(t, s, kind, []byte("none"), 1), want)
	}
}

// testSealedChanges: only what is as it was read is replaced.
func testSealedChanges(t *testing.T, s domain.Store) {
	for _, kind := range domain.SealedKinds() {
		before := allSealed(t, s, kind, []byte("none"), 100)
		var changes []domain.SealedChange
		for _, v := range before {
			changes = append(changes, domain.SealedChange{Row: v.Row, Before: v.Sealed, After: []byte("new" + string(kind))})
		}
		changes[0].Before = []byte("other")
		wantSame(t, must(s.SealedValues().Replace(t.Context(), kind, changes))(t), len(changes)-1)
		wantSame(t, must(s.SealedValues().Replace(t.Context(), kind, changes))(t), 0)
		left := allSealed(t, s, kind, []byte("new"), 100)
		wantSame(t, left, before[:1])
	}
	wantSame(t, must(s.SealedValues().Replace(t.Context(), domain.SealedCAKey, nil))(t), 0)
}

// testSealedLocks: on PostgreSQL a row that a transaction holds is left out, and nobody waits.
func testSealedLocks(t *testing.T, s domain.Store) {
	if s.OneWriter() {
		return // there is no lock of a row
	}
	c := newConfig(t, s, newInstance(t, s))
	key := domain.SiteKey{Sealed: []byte("before"), Serial: "0a", Version: 3}
	must(s.ClientConfigs().KeepKey(t.Context(), c.InstanceID, c.ClientID, domain.SiteKey{}, key))(t)
	change := domain.SealedChange{
		Row: domain.SealedRow{c.InstanceID, c.ClientID}, Before: key.Sealed, After: []byte("after"),
	}
	replace := func() int {
		return must(s.SealedValues().Replace(t.Context(), domain.SealedSiteKey, []domain.SealedChange{change}))(t)
	}
	check(t, s.Transact(t.Context(), func(tx domain.Store) error {
		must(tx.ClientConfigs().KeepKey(t.Context(), c.InstanceID, c.ClientID, key, key))(t)
		wantSame(t, replace(), 0)
		return nil
	}))
	wantSame(t, replace(), 1)
}
