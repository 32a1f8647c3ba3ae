package store

import (
	"context"
	"errors"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Lists by expiry are ordered by the end of the certificates and then by id. Their cursor is the id
// of a certificate: that never changes its end, so the place of a cursor is the same for ever.

// Page implements domain.Certificates.
func (r certificates) Page(
	ctx context.Context, f domain.CertificateFilter, req domain.PageRequest,
) (domain.Page[domain.Certificate], error) {
	l := listing{table: "certificates", columns: certificateColumns}
	if f.ByExpiry {
		from, err := r.place(ctx, req.Cursor)
		if err != nil {
			return domain.Page[domain.Certificate]{}, err
		}
		r.s.orderBy(&l, "not_after", from.NotAfter)
	}
	narrow := f.ClientID != 0 || f.Name != "" || f.Fingerprint != "" || len(f.Serials) > 0
	switch {
	case f.CAID == 0:
	case f.ByExpiry || narrow:
		r.s.restrictAside(&l, "ca_id", f.CAID)
	default:
		r.s.restrictOwner(&l, "ca_id", f.CAID)
	}
	l.restrictCertificates(f)
	return page[certificateRow, domain.Certificate](ctx, r.s.read, l, req)
}

// restrictOwner adds the condition by which the index of a list is chosen: see listing.owner.
func (s *Store) restrictOwner(l *listing, column string, value any) {
	if s.engine == Postgres {
		l.owners, l.ownerColumns = append(l.owners, value), append(l.ownerColumns, column)
		return
	}
	l.restrict(column+" = ?", value)
}

// restrictAside adds a condition by which no index is to be chosen, because another one selects
// less. SQLite, which has no statistics, would choose it; the sign keeps it from that.
func (s *Store) restrictAside(l *listing, column string, value any) {
	if s.engine == SQLite {
		column = "+" + column
	}
	l.restrict(column+" = ?", value)
}

// restrictCertificates adds the conditions beside the one on the CA.
func (l *listing) restrictCertificates(f domain.CertificateFilter) {
	if f.ClientID != 0 {
		l.restrict("client_id = ?", f.ClientID)
	}
	for _, text := range []struct{ column, value string }{
		{"kind", string(f.Kind)}, {"name_key", domain.NameKey(f.Name)}, {"fingerprint", f.Fingerprint},
	} {
		if text.value != "" {
			l.restrictTexts(text.column+" IN ?", []string{text.value})
		}
	}
	if len(f.Serials) > 0 {
		l.restrictTexts("serial IN ?", f.Serials)
	}
	switch f.Status {
	case domain.StatusValid:
		l.restrict("revoked_at IS NULL")
		l.restrictSpan("not_after", justAfter(f.At), time.Time{})
	case domain.StatusExpired:
		l.restrictSpan("not_after", time.Time{}, justAfter(f.At))
	case domain.StatusRevoked:
		l.restrict("revoked_at IS NOT NULL")
	}
	l.restrictSpan("not_after", f.ExpiresAfter, f.ExpiresBefore)
}

// restrictTexts adds a condition on texts. One that no database can hold selects nothing.
func (l *listing) restrictTexts(condition string, values []string) {
	if slices.ContainsFunc(values, func(v string) bool { return !storable(v) }) {
		l.restrict("1 = 0")
		return
	}
	l.restrict(condition, values)
}

// restrictSpan adds the conditions on a time; from is inclusive, to is not. Zero times do not
// restrict.
func (l *listing) restrictSpan(column string, from, to time.Time) {
	if column == l.by {
		if from.After(l.low) {
			l.low = from
		}
		if !to.IsZero() && (l.high.IsZero() || to.Before(l.high)) {
			l.high = to
		}
		return
	}
	if !from.IsZero() {
		l.restrict(column+" >= ?", micro(from))
	}
	if !to.IsZero() {
		l.restrict(column+" < ?", micro(to))
	}
}

// justAfter is the next time that the database can hold.
func justAfter(t time.Time) time.Time { return micro(t).Add(time.Microsecond) }

// place is the certificate of a cursor; a zero one for the first page. Errors: Malformed on cursor.
func (r certificates) place(ctx context.Context, cursor int64) (domain.Certificate, error) {
	if cursor == 0 {
		return domain.Certificate{}, nil
	}
	found, err := r.some(ctx, "id = ?", cursor)
	if err == nil && len(found) == 0 {
		return domain.Certificate{}, domain.Fault(domain.Malformed, "cursor", domain.ReasonNotFound)
	}
	if err != nil {
		return domain.Certificate{}, err
	}
	return found[0], nil
}

// byExpiry is Page in the order of the ends. The status needs no marks here: it is a span of the
// order.
func (r clients) byExpiry(
	ctx context.Context, f domain.ClientFilter, common bool, req domain.PageRequest,
) (domain.Page[domain.Client], error) {
	certs := certificates{r.s}
	from, err := certs.place(ctx, req.Cursor)
	if err != nil {
		return domain.Page[domain.Client]{}, err
	}
	l := clientTable.list
	r.s.orderBy(&l, "expires_at", from.NotAfter)
	l.restrict("of_user = ?", f.Kind == domain.Site2User)
	if f.CAID != 0 {
		r.s.restrictAside(&l, "ca_id", f.CAID)
	}
	l.restrictStatus(f)
	l.restrictSites(f.InstanceID)
	l.restrictClients(f, common)
	after := domain.PageRequest{Cursor: from.ClientID, Size: req.Size}
	found, err := page[clientRow, domain.Client](ctx, r.s.read, l, after)
	if err != nil {
		return found, err
	}
	found.Current = req.Cursor
	if found.Next != nil {
		last := found.Items[len(found.Items)-1]
		if err := certs.newest(ctx, found.Next, last.ExpiresAt); err != nil {
			return found, err
		}
	}
	return found, certs.newest(ctx, found.Previous, from.NotAfter)
}

// newest replaces the id of a client by that of its newest certificate that ends by then. Nil and 0
// stay. One that ends later was made after the list was read, and its place is not that of the
// list.
func (r certificates) newest(ctx context.Context, cursor *int64, by time.Time) error {
	if cursor == nil || *cursor == 0 {
		return nil
	}
	const query = "SELECT id FROM certificates WHERE client_id = ? AND not_after <= ? ORDER BY id DESC LIMIT 1"
	err := scan(ctx, r.s.read, []any{cursor}, query, *cursor, micro(by))
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = errors.New("store: a client has no certificate")
	}
	return err
}
