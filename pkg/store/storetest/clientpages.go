package storetest

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// modelRows is how many rows a model may grow to: some pages of every size. How far it grows is
// random; half of it is enough.
const modelRows = 60

// testClientPages compares the pages with those that a model in memory gives, while the table grows
// and clients are renewed.
func testClientPages(t *testing.T, s domain.Store) {
	m := &clientModel{Store: s, cas: []int64{newCA(t, s).ID, newCA(t, s).ID, newCA(t, s).ID}}
	rapid.Check(t, func(rt *rapid.T) {
		for range rapid.IntRange(0, min(6, modelRows-len(m.rows))).Draw(rt, "new clients") {
			m.add(rt)
		}
		if len(m.rows) > 0 && rapid.IntRange(0, 2).Draw(rt, "a renewal") == 0 {
			m.renew(rt)
		}
		filter := m.drawFilter(rt)
		size := rapid.OneOf(rapid.IntRange(1, 9), rapid.Just(100)).Draw(rt, "size")
		pages := func(ctx context.Context, req domain.PageRequest) (domain.Page[domain.Client], error) {
			return s.Clients().Page(ctx, filter, req)
		}
		cursor := rapid.Int64Range(0, 2*modelRows).Draw(rt, "cursor")
		if !filter.ByExpiry {
			ids := m.selected(filter)
			walk(rt, pages, ids, size)
			page, err := pages(rt.Context(), domain.PageRequest{Cursor: cursor, Size: size})
			wantPage(rt, page, err, ids, cursor, size)
			return
		}
		list := m.byExpiry(filter)
		walkOrdered(rt, list, pages, size)
		if cursor > int64(len(m.certs)) {
			wantMalformed(rt, pages, cursor)
			return
		}
		for _, c := range wantOrdered(rt, list, pages, cursor, size).Items {
			wantSame(t, c, *m.row(c.ID))
		}
	})
	if len(m.rows) < modelRows/2 && !testing.Short() { // rapid checks less with -short
		t.Errorf("the model has %d clients only", len(m.rows))
	}
}

var clientKinds = []domain.ClientKind{domain.Site2Site, domain.Site2User}

// clientModel has the clients, and the certificates by their ids, which begin with 1.
type clientModel struct {
	domain.Store
	cas   []int64
	rows  []domain.Client
	certs []domain.Certificate
}

func (m *clientModel) row(id int64) *domain.Client {
	return &m.rows[slices.IndexFunc(m.rows, func(c domain.Client) bool { return c.ID == id })]
}

func (m *clientModel) add(rt *rapid.T) {
	c := sampleClient(
		rapid.SampledFrom(m.cas).Draw(rt, "CA"), rapid.StringOfN(rapid.SampledFrom([]rune(`aAbB%_\'.é`)), 1, 3, -1).
			Draw(rt, "name"),
	)
	c.Kind = rapid.SampledFrom(clientKinds).Draw(rt, "kind")
	c.ExpiresAt = drawEnd(rt)
	if rapid.Bool().Draw(rt, "revoked") {
		c.RevokedAt = noon
		c.Reason = rapid.SampledFrom([]domain.RevocationReason{
			domain.Unspecified, domain.CertificateHold, domain.Superseded,
		}).Draw(rt, "reason")
	}
	if !m.stored(rt, c, m.Clients().Create(rt.Context(), &c)) {
		return
	}
	m.rows = append(m.rows, c)
	m.certify(rt, c)
	// or not, or wrongly
	if mark := rapid.SampledFrom([]time.Time{{}, noon, noon.AddDate(90, 0, 0)}).
		Draw(rt, "marked as of"); !mark.IsZero() {
		if _, err := m.Clients().MarkExpired(rt.Context(), mark, 10); err != nil {
			rt.Fatal(err)
		}
	}
}

// stored reports whether a client was stored: not if another one holds its name.
func (m *clientModel) stored(rt *rapid.T, c domain.Client, err error) bool {
	taken := func(other domain.Client) bool {
		return other.ID != c.ID && domain.NameKey(other.Name) == domain.NameKey(c.Name) && other.HoldsName(noon)
	}
	if c.HoldsName(noon) && slices.ContainsFunc(m.rows, taken) {
		if !domain.IsKind(err, domain.Duplicated) {
			rt.Fatalf("the name %q was given twice: %v", c.Name, err)
		}
		return false
	}
	if err != nil {
		rt.Fatal(err)
	}
	return true
}

func (m *clientModel) certify(rt *rapid.T, c domain.Client) {
	cert := sampleCertificate(c, fresh("serial"))
	cert.NotAfter = c.ExpiresAt
	if err := m.Certificates().Create(rt.Context(), &cert); err != nil || cert.ID != int64(len(m.certs)+1) {
		rt.Fatalf("certificate %d of %d: %v", cert.ID, len(m.certs), err)
	}
	m.certs = append(m.certs, cert)
}

func (m *clientModel) renew(rt *rapid.T) {
	c := rapid.SampledFrom(m.rows).Draw(rt, "renewed")
	end := rapid.SampledFrom([]time.Time{noon.Add(time.Microsecond), noon.AddDate(1, 0, 0), noon.AddDate(40, 0, 0)})
	c.ExpiresAt, c.RevokedAt, c.Reason = end.Draw(rt, "next end"), time.Time{}, 0
	if m.stored(rt, c, m.Clients().Renew(rt.Context(), c)) {
		*m.row(c.ID) = c
		m.certify(rt, c)
	}
}

func (m *clientModel) drawFilter(rt *rapid.T) domain.ClientFilter {
	f := domain.ClientFilter{
		Kind: rapid.SampledFrom(clientKinds).Draw(rt, "kind"),
		Name: rapid.SampledFrom([]string{"", "", "", "*", "A*", "*b*", "*%*", "_*", `*\*`, "é*", "ab", "*aB*"}).
			Draw(rt, "name filter"),
		CAID:     rapid.SampledFrom([]int64{0, m.cas[0], m.cas[1], absent}).Draw(rt, "CA filter"),
		Status:   rapid.SampledFrom(statuses).Draw(rt, "status"),
		ByExpiry: rapid.Bool().Draw(rt, "by expiry"), At: noon,
	}
	if len(m.certs) > 0 && rapid.IntRange(0, 3).Draw(rt, "serials") == 0 {
		pick := rapid.SampledFrom(m.certs)
		f.Serials = []string{pick.Draw(rt, "one").Serial, pick.Draw(rt, "two").Serial, "none"}
	}
	f.ExpiresAfter, f.ExpiresBefore = drawSpan(rt)
	return f
}

// byExpiry is a list in the order of the ends. A cursor is the id of a certificate, and stays where
// that ends when its client is renewed.
func (m *clientModel) byExpiry(f domain.ClientFilter) ordered {
	compare := func(end time.Time, id int64, other domain.Client) int {
		return cmp.Or(end.Compare(other.ExpiresAt), cmp.Compare(id, other.ID))
	}
	ids := m.selected(f)
	slices.SortFunc(ids, func(a, b int64) int { return compare(m.row(a).ExpiresAt, a, *m.row(b)) })
	return ordered{ids: ids, cursor: func(item int64) (newest int64) {
		for _, cert := range m.certs {
			if cert.ClientID == item {
				newest = cert.ID
			}
		}
		return newest
	}, before: func(cursor int64) (n int) {
		at := m.certs[cursor-1]
		for n < len(ids) && compare(at.NotAfter, at.ClientID, *m.row(ids[n])) >= 0 {
			n++
		}
		return n
	}}
}

// selected is what a filter means, in the simplest words.
func (m *clientModel) selected(f domain.ClientFilter) []int64 {
	ids := []int64{}
	for _, c := range m.rows {
		if c.Kind == f.Kind && statusIs(f.Status, c.ExpiresAt, c.Revoked()) && (f.CAID == 0 || f.CAID == c.CAID) &&
			(f.Name == "" || nameMatches(c.Name, f.Name)) && (len(f.Serials) == 0 || m.hasSerial(c.ID, f.Serials)) &&
			inSpan(c.ExpiresAt, f.ExpiresAfter, f.ExpiresBefore) {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

func (m *clientModel) hasSerial(id int64, serials []string) bool {
	return slices.ContainsFunc(m.certs, func(cert domain.Certificate) bool {
		return cert.ClientID == id && slices.Contains(serials, cert.Serial)
	})
}

func nameMatches(name, pattern string) bool {
	name, pattern = domain.NameKey(name), domain.NameKey(pattern)
	text := strings.Trim(pattern, "*")
	switch {
	case strings.HasPrefix(pattern, "*"):
		return strings.Contains(name, text)
	case strings.HasSuffix(pattern, "*"):
		return strings.HasPrefix(name, text)
	}
	return name == text
}
