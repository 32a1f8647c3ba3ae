package storetest

import (
	"cmp"
	"context"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// drawEnd draws an end of a certificate. There are few, so many have the same.
func drawEnd(rt *rapid.T) time.Time {
	return rapid.SampledFrom([]time.Time{
		noon.AddDate(-1, 0, 0), noon, noon.Add(time.Microsecond), noon.AddDate(1, 0, 0), noon.AddDate(40, 0, 0),
	}).Draw(rt, "end")
}

// drawSpan draws a filter on the ends.
func drawSpan(rt *rapid.T) (after, before time.Time) {
	bounds := rapid.SampledFrom([]time.Time{
		{}, {}, noon.AddDate(-2, 0, 0), noon, noon.Add(time.Microsecond), noon.AddDate(0, 1, 0), noon.AddDate(40, 0, 0),
	})
	return bounds.Draw(rt, "expires after"), bounds.Draw(rt, "expires before")
}

func inSpan(end, after, before time.Time) bool {
	return !end.Before(after) && (before.IsZero() || end.Before(before))
}

func statusIs(status domain.Status, end time.Time, revoked bool) bool {
	expired := !noon.Before(end)
	return map[domain.Status]bool{
		domain.StatusAny: true, domain.StatusValid: !expired && !revoked, domain.StatusExpired: expired,
		domain.StatusRevoked: revoked,
	}[status]
}

var statuses = []domain.Status{domain.StatusAny, domain.StatusValid, domain.StatusExpired, domain.StatusRevoked}

// testCertificatePages compares the pages with those of a model in memory, while the table grows
// and certificates are revoked.
func testCertificatePages(t *testing.T, s domain.Store) {
	m := &certificateModel{Store: s, owners: []domain.Client{{CAID: newCA(t, s).ID}}}
	for range 2 {
		m.owners = append(m.owners, newClient(t, s, newCA(t, s).ID), newClient(t, s, m.owners[0].CAID))
	}
	rapid.Check(t, func(rt *rapid.T) {
		for range rapid.IntRange(0, min(6, modelRows-len(m.rows))).Draw(rt, "new certificates") {
			m.add(rt)
		}
		if len(m.rows) > 0 && rapid.Bool().Draw(rt, "a revocation") {
			m.revoke(rt)
		}
		filter := m.drawFilter(rt)
		pages := func(ctx context.Context, req domain.PageRequest) (domain.Page[domain.Certificate], error) {
			return s.Certificates().Page(ctx, filter, req)
		}
		size := rapid.OneOf(rapid.IntRange(1, 9), rapid.Just(100)).Draw(rt, "size")
		list := m.list(filter)
		walkOrdered(rt, list, pages, size)
		cursor := rapid.Int64Range(1, modelRows).Draw(rt, "cursor")
		if filter.ByExpiry && cursor > int64(len(m.rows)) {
			wantMalformed(rt, pages, cursor)
			return
		}
		for _, c := range wantOrdered(rt, list, pages, cursor, size).Items {
			wantSame(t, c, m.rows[c.ID-1])
		}
	})
	for _, filter := range []domain.CertificateFilter{
		{Name: "a\x00b"}, {Name: "\xff"}, {Serials: []string{"0a", "\x00"}}, {Fingerprint: "\xff"}, {Kind: "\x00"},
	} {
		wantSame(t, must(s.Certificates().Page(t.Context(), filter, domain.PageRequest{Size: 3}))(t).Items,
			[]domain.Certificate{})
	}
}

// certificateModel has the certificates by their ids, which begin with 1, as lists have them.
type certificateModel struct {
	domain.Store
	owners []domain.Client // the first one is none
	rows   []domain.Certificate
}

func (m *certificateModel) add(rt *rapid.T) {
	c := sampleCertificate(rapid.SampledFrom(m.owners).Draw(rt, "client"), fresh("serial"))
	c.NotAfter = drawEnd(rt)
	c.Name = rapid.SampledFrom([]string{"site", "Site", "Ação", "AÇÃO", "other"}).Draw(rt, "name")
	c.Kind = rapid.SampledFrom([]domain.CertificateKind{
		domain.CertificateOfClient, domain.CertificateOfServer, domain.CertificateOfForeign,
	}).Draw(rt, "kind")
	c.Fingerprint = rapid.SampledFrom([]string{"", "aa", "bb"}).Draw(rt, "fingerprint")
	if rapid.Bool().Draw(rt, "without a key") {
		c.SealedKey, c.KeyKept = nil, false
	}
	if err := m.Certificates().Create(rt.Context(), &c); err != nil || c.ID != int64(len(m.rows)+1) {
		rt.Fatalf("certificate %d of %d: %v", c.ID, len(m.rows), err)
	}
	m.rows = append(m.rows, unread(c))
}

func (m *certificateModel) revoke(rt *rapid.T) {
	c := &m.rows[rapid.IntRange(0, len(m.rows)-1).Draw(rt, "revoked")]
	c.RevokedAt = rapid.SampledFrom([]time.Time{{}, noon, noon.Add(time.Hour)}).Draw(rt, "at")
	c.Reason = rapid.SampledFrom([]domain.RevocationReason{0, 4, 6, 8}).Draw(rt, "reason")
	if err := m.Certificates().Revoke(rt.Context(), c.ID, c.RevokedAt, c.Reason); err != nil {
		rt.Fatal(err)
	}
}

func (m *certificateModel) drawFilter(rt *rapid.T) domain.CertificateFilter {
	owner := rapid.SampledFrom(append([]domain.Client{{CAID: absent, ID: absent}}, m.owners...)).Draw(rt, "of")
	f := domain.CertificateFilter{
		Kind:        rapid.SampledFrom([]domain.CertificateKind{"", "", "client", "foreign", "no kind"}).Draw(rt, "kind"),
		Status:      rapid.SampledFrom(statuses).Draw(rt, "status"),
		Name:        rapid.SampledFrom([]string{"", "", "", "SITE", "ação", "site*", "nobody"}).Draw(rt, "name"),
		Fingerprint: rapid.SampledFrom([]string{"", "", "", "aa", "cc"}).Draw(rt, "fingerprint"),
		ByExpiry:    rapid.Bool().Draw(rt, "by expiry"), At: noon,
	}
	if rapid.Bool().Draw(rt, "of a CA") {
		f.CAID = owner.CAID
	}
	if rapid.IntRange(0, 3).Draw(rt, "of a client") == 0 {
		f.ClientID = owner.ID
	}
	if len(m.rows) > 0 && rapid.IntRange(0, 3).Draw(rt, "serials") == 0 {
		f.Serials = []string{"none", m.rows[0].Serial, m.rows[len(m.rows)-1].Serial}
	}
	f.ExpiresAfter, f.ExpiresBefore = drawSpan(rt)
	return f
}

func (m *certificateModel) list(f domain.CertificateFilter) ordered {
	compare := func(a, b int64) int { return cmp.Compare(a, b) }
	if f.ByExpiry {
		compare = func(a, b int64) int {
			return cmp.Or(m.rows[a-1].NotAfter.Compare(m.rows[b-1].NotAfter), cmp.Compare(a, b))
		}
	}
	ids := []int64{}
	for _, c := range m.rows {
		if certificateMatches(c, f) {
			ids = append(ids, c.ID)
		}
	}
	slices.SortFunc(ids, compare)
	return ordered{ids: ids, cursor: func(item int64) int64 { return item }, before: func(cursor int64) (n int) {
		for n < len(ids) && compare(ids[n], cursor) <= 0 {
			n++
		}
		return n
	}}
}

// certificateMatches is what a filter means, in the simplest words.
func certificateMatches(c domain.Certificate, f domain.CertificateFilter) bool {
	return (f.CAID == 0 || f.CAID == c.CAID) && (f.ClientID == 0 || f.ClientID == c.ClientID) &&
		(f.Kind == "" || f.Kind == c.Kind) && (f.Fingerprint == "" || f.Fingerprint == c.Fingerprint) &&
		(f.Name == "" || domain.NameKey(f.Name) == domain.NameKey(c.Name)) &&
		(len(f.Serials) == 0 || slices.Contains(f.Serials, c.Serial)) && statusIs(f.Status, c.NotAfter, c.Revoked()) &&
		inSpan(c.NotAfter, f.ExpiresAfter, f.ExpiresBefore)
}
