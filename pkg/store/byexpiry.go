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
		l.by, l.from = "not_after", from.NotAfter
	}
	l.restrictCertificates(f)
	return page[certificateRow, domain.Certificate](ctx, r.s.read, l, req)
}

func (l *listing) restrictCertificates(f domain.CertificateFilter) {
	if f.CAID != 0 {
		l.restrict("ca_id = ?", f.CAID)
	}
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
		l.restrict("revoked_at IS NULL AND not_after > ?", micro(f.At))
	case domain.StatusExpired:
		l.restrict("not_after <= ?", micro(f.At))
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
	if !from.IsZero() {
		l.restrict(column+" >= ?", micro(from))
	}
	if !to.IsZero() {
		l.restrict(column+" < ?", micro(to))
	}
}

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
	ctx context.Context, f domain.ClientFilter, req domain.PageRequest,
) (domain.Page[domain.Client], error) {
	certs := certificates{r.s}
	from, err := certs.place(ctx, req.Cursor)
	if err != nil {
		return domain.Page[domain.Client]{}, err
	}
	l := clientTable.list
	l.by, l.from = "expires_at", from.NotAfter
	if f.CAID != 0 {
		l.restrict("ca_id = ?", f.CAID)
	}
	switch f.Status {
	case domain.StatusValid:
		l.restrict("revoked_at IS NULL AND expires_at > ?", micro(f.At))
	case domain.StatusExpired:
		l.restrict("expires_at <= ?", micro(f.At))
	case domain.StatusRevoked:
		l.restrict("revoked_at IS NOT NULL")
	}
	l.restrictClients(f)
	after := domain.PageRequest{Cursor: from.ClientID, Size: req.Size}
	found, err := page[clientRow, domain.Client](ctx, r.s.read, l, after)
	if err != nil {
		return found, err
	}
	found.Current = req.Cursor
	for _, cursor := range []*int64{found.Next, found.Previous} {
		if err := certs.newest(ctx, cursor); err != nil {
			return found, err
		}
	}
	return found, nil
}

// newest replaces the id of a client by that of its newest certificate. Nil and 0 stay.
func (r certificates) newest(ctx context.Context, cursor *int64) error {
	if cursor == nil || *cursor == 0 {
		return nil
	}
	err := scan(ctx, r.s.read, []any{cursor}, "SELECT id FROM certificates WHERE client_id = ? ORDER BY id DESC LIMIT 1", *cursor)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = errors.New("store: a client has no certificate")
	}
	return err
}
