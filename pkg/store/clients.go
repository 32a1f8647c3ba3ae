package store

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type clientRow struct {
	ID          int64 `gorm:"primaryKey"`
	OfUser      bool
	CAID        int64
	Name        string
	NameKey     string
	Description string
	Subject     domain.Subject `gorm:"embedded"`

	Serial       string
	Fingerprint  string
	KeyAlgorithm string
	KeyProtected bool
	NotBefore    *time.Time // NULL: without a certificate
	ExpiresAt    time.Time
	Expired      bool // set by MarkExpired; only for the indexes
	RevokedAt    *time.Time
	Reason       domain.RevocationReason
	CreatedAt    time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt    time.Time `gorm:"autoUpdateTime:false"`
	HeldName     *string
}

// clientColumns are the columns of a client. The other columns are for the indexes.
const clientColumns = "id, of_user, ca_id, name, description, country, province, city, organization, sector, email, " +
	"serial, fingerprint, key_algorithm, key_protected, not_before, expires_at, revoked_at, reason, created_at, updated_at"

func (clientRow) TableName() string { return "clients" }

func (r *clientRow) key() *int64 { return &r.ID }

func (r *clientRow) fields() []any {
	return []any{
		&r.ID, &r.OfUser, &r.CAID, &r.Name, &r.Description, &r.Subject.Country, &r.Subject.Province, &r.Subject.City,
		&r.Subject.Organization, &r.Subject.Sector, &r.Subject.Email,
		&r.Serial, &r.Fingerprint, &r.KeyAlgorithm, &r.KeyProtected, &r.NotBefore, &r.ExpiresAt, &r.RevokedAt,
		&r.Reason, &r.CreatedAt, &r.UpdatedAt,
	}
}

func (r *clientRow) entity() domain.Client {
	return domain.Client{
		ID: r.ID, Kind: kindOf(r.OfUser), CAID: r.CAID, Name: r.Name, Description: r.Description,
		Subject: r.Subject,
		Serial:  r.Serial, Fingerprint: r.Fingerprint, KeyAlgorithm: r.KeyAlgorithm, KeyProtected: r.KeyProtected,
		NotBefore: orZero(r.NotBefore), ExpiresAt: r.ExpiresAt.UTC(), RevokedAt: orZero(r.RevokedAt), Reason: r.Reason,
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
}

// toClientRow holds the name as it is held when the client is created.
func toClientRow(c domain.Client) clientRow {
	r := clientRow{
		ID: c.ID, OfUser: c.Kind == domain.Site2User, CAID: c.CAID, Name: c.Name, NameKey: domain.NameKey(c.Name),
		Description: c.Description, Subject: c.Subject,
		Serial: c.Serial, Fingerprint: c.Fingerprint, KeyAlgorithm: c.KeyAlgorithm, KeyProtected: c.KeyProtected,
		NotBefore: optional(c.NotBefore), ExpiresAt: micro(c.ExpiresAt), RevokedAt: optional(c.RevokedAt),
		Reason: c.Reason, CreatedAt: micro(c.CreatedAt), UpdatedAt: micro(c.UpdatedAt),
	}
	if c.HoldsName(c.CreatedAt) {
		r.HeldName = &r.NameKey
	}
	return r
}

func kindOf(user bool) domain.ClientKind {
	if user {
		return domain.Site2User
	}
	return domain.Site2Site
}

type clients struct {
	records[clientRow, domain.Client, *clientRow]
}

// Page implements domain.Clients.
func (r clients) Page(
	ctx context.Context, filter domain.ClientFilter, req domain.PageRequest,
) (domain.Page[domain.Client], error) {
	common, err := r.manyBegin(ctx, filter)
	if err != nil {
		return domain.Page[domain.Client]{}, err
	}
	if filter.ByExpiry {
		return r.byExpiry(ctx, filter, common, req)
	}
	if filter.InstanceID != 0 {
		return r.ofInstance(ctx, filter, req)
	}
	l := r.listing(filter, common)
	if filter.At.IsZero() || filter.Status != domain.StatusValid && filter.Status != domain.StatusExpired {
		return page[clientRow, domain.Client](ctx, r.s.read, l, req)
	}
	ended, revived, err := r.toMark(ctx, filter.At)
	if err != nil {
		return domain.Page[domain.Client]{}, err
	}
	if ended || revived {
		l = r.exact(l, filter)
	}
	return page[clientRow, domain.Client](ctx, r.s.read, l, req)
}

// exact corrects a listing by status while some marks are outdated. Clients whose mark says the
// status, but whose end does not, are left out. Clients whose end says the status, but whose mark
// does not, are listed among the others: they are few, and are read by an index on the end.
func (r clients) exact(l listing, f domain.ClientFilter) listing {
	at := micro(f.At)
	unmarked, condition := "expired AND expires_at IS NOT NULL AND expires_at > ? AND revoked_at IS NULL",
		"expires_at > ?"
	if f.Status == domain.StatusExpired {
		unmarked, condition = "NOT expired AND expires_at <= ?", "expires_at <= ?"
	}
	f.Status = domain.StatusAny
	also := r.listing(f, false)
	also.table = "(SELECT " + clientColumns + ", name_key FROM clients WHERE " + unmarked +
		" ORDER BY expires_at) AS unmarked"
	also.args, also.lean = append([]any{at}, also.args...), false
	l.restrict(condition, at)
	l.also, l.apart = &also, true
	return l
}

var clientTable = table[clientRow, domain.Client]{
	list: listing{table: "clients", columns: clientColumns}, row: toClientRow, updated: recordColumns, lock: forChange,
	id:     func(c *domain.Client) *int64 { return &c.ID },
	stored: duplicated("held_name", "name").orForeign(domain.NotFound, "ca_id", domain.ReasonNotFound),
}

// listing writes the conditions on the status as the partial indexes have them. On PostgreSQL those
// by id alone have the condition id > 0. common says whether many names begin as the filter says.
func (r clients) listing(f domain.ClientFilter, common bool) listing {
	l := clientTable.list
	if f.CAID != 0 {
		r.s.restrictOwner(&l, "ca_id", f.CAID)
	}
	r.s.restrictKind(&l, f, common)
	switch f.Status {
	case domain.StatusValid:
		l.restrict("NOT expired AND revoked_at IS NULL")
	case domain.StatusExpired:
		l.restrict("expired")
	case domain.StatusRevoked:
		l.restrict("revoked_at IS NOT NULL")
	}
	if f.Status != domain.StatusAny && f.CAID == 0 && f.Name == "" && r.s.engine == Postgres {
		l.restrict("id > 0")
	}
	l.restrictClients(f, common)
	return l
}

// restrictKind adds the condition on the kind. The index on names, which selects less, has it at
// its end; that on serials leads to a few clients.
func (s *Store) restrictKind(l *listing, f domain.ClientFilter, common bool) {
	user := f.Kind == domain.Site2User
	named := !common && f.Name != "" && !strings.HasPrefix(f.Name, "*")
	if f.CAID == 0 && (named || len(f.Serials) > 0) {
		s.restrictAside(l, "of_user", user)
		return
	}
	s.restrictOwner(l, "of_user", user)
}

// restrictClients adds the conditions that do not depend on the order of the list.
func (l *listing) restrictClients(f domain.ClientFilter, common bool) {
	if f.Name != "" {
		l.restrictName(domain.NameKey(f.Name), common)
	}
	if len(f.Serials) > 0 {
		l.restrictTexts("id IN (SELECT client_id FROM certificates WHERE serial IN ?)", f.Serials)
	}
	l.restrictSpan("expires_at", f.ExpiresAfter, f.ExpiresBefore)
}

// NameTaken implements domain.Clients.
func (r clients) NameTaken(ctx context.Context, name string, now time.Time) (bool, error) {
	if !storable(name) {
		return false, nil
	}
	var found []int64
	err := r.s.read.WithContext(ctx).Model(&clientRow{}).
		Where("held_name = ? AND expires_at > ?", domain.NameKey(name), micro(now)).Limit(1).Pluck("id", &found).Error
	return len(found) > 0, err
}

// Holding implements domain.Clients.
func (r clients) Holding(ctx context.Context, names []string) (map[string]domain.Client, error) {
	found := map[string]domain.Client{}
	for batch := range slices.Chunk(keysOf(names), insertBatch) {
		rows, err := find[clientRow, domain.Client](
			ctx, r.s.read, "SELECT "+clientColumns+" FROM clients WHERE held_name IN ?", []any{batch},
		)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			found[domain.NameKey(rows[i].Name)] = rows[i].entity()
		}
	}
	return found, nil
}

// FreeName implements domain.Clients.
func (r clients) FreeName(ctx context.Context, name string, now time.Time) (bool, error) {
	done := r.s.write.WithContext(ctx).Model(&clientRow{}).
		Where("held_name = ? AND expires_at <= ?", domain.NameKey(name), micro(now)).UpdateColumn("held_name", nil)
	return done.RowsAffected > 0, done.Error
}

// Enrol implements domain.Clients. On PostgreSQL it is one statement; a transaction of three
// statements would take five round trips.
func (r clients) Enrol(ctx context.Context, c *domain.Client, cert *domain.Certificate, e *domain.Event) error {
	if r.s.engine == Postgres {
		return r.enrolAtOnce(ctx, c, cert, e)
	}
	return r.s.atomic(ctx, func(tx *Store) error { return tx.enrolStepwise(ctx, c, cert, e) })
}

// enrolment inserts the client, the certificate with the client's id, and the event. It locks the
// CA's row first, and the chain last: the chain depends on what the insertion of the certificate
// returns. The foreign keys lock the CA's row too, but only at the end of the statement, and a
// statement that holds a chain must not wait for a row.
var enrolment = numbered(`WITH client AS (INSERT INTO clients (` + strings.TrimPrefix(clientColumns, "id, ") + `, name_key, held_name)
		SELECT ?::boolean, ?::bigint, ?::text, ?::text, ?::text, ?::text, ?::text, ?::text, ?::text, ?::text, ?::text, ?::text, ?::text, ?::boolean,
			?::timestamptz, ?::timestamptz, ?::timestamptz, ?::bigint, ?::timestamptz, ?::timestamptz, ?::text, ?::text WHERE ` + rightsHold + ` AND EXISTS (SELECT FROM cas WHERE id = ? AND certificate = COALESCE(?::bytea, certificate) FOR KEY SHARE) RETURNING id),
	certificate AS (INSERT INTO certificates (client_id, ` + issuedColumns + `)
		SELECT id, ?::bigint, ?::text, ?::text, ?::text, ?::text, ?::text, ?::text, ?::timestamptz, ?::timestamptz, ?::bytea, ?::bytea, ?::boolean,
			?::timestamptz, ?::timestamptz, ?::bigint, ?::timestamptz FROM client
		RETURNING client_id, id),
	link AS (` + moveChain("client_id") + ` FROM certificate
		WHERE chain = ? RETURNING chain, position, hash, client_id, certificate.id AS certificate_id, ` + lastID + `),
	event AS (INSERT INTO audit_events (resource_id, id, ` + linkColumns + `, ` + eventColumns + `)
		SELECT client_id, event_id, ` + linkColumns + `, ` + eventValues + ` FROM link RETURNING id)
	SELECT client_id, certificate_id, event.id, position, hash` + inTime + ` FROM link, event`)

// otherIssuer says that the CA does not exist, or has another certificate than the one that has
// signed.
func otherIssuer() error { return domain.Fault(domain.NotFound, "ca_id", domain.ReasonNotFound) }

func (r clients) enrolAtOnce(ctx context.Context, c *domain.Client, cert *domain.Certificate, e *domain.Event) error {
	record, entry := toClientRow(*c), toEventRow(*e)
	e.Chain = r.s.nextChain()
	args := append(record.fields()[1:], record.NameKey, record.HeldName, e.Point.String(), cert.CAID, cert.Issuer)
	args = append(args, issuedValues(*cert)...)
	args = append(append(args, chainMove(e)...), e.Chain)
	places := []any{&c.ID, &cert.ID, &e.ID, &e.Position, placeOf(&e.Hash)}
	if err := r.s.atOnce(ctx, e, places, enrolment, append(args, entry.contents()...)); err != nil {
		c.ID = 0
		if errors.Is(err, gorm.ErrRecordNotFound) {
			return r.s.unlessMoved(ctx, e, otherIssuer())
		}
		return translate(err, faults{duplicated: map[string]string{"held_name": "name", "serial": "cert"}}.
			orForeign(domain.NotFound, "ca_id", domain.ReasonNotFound))
	}
	cert.ClientID, e.ResourceID = c.ID, c.ID
	return nil
}

// Revoke implements domain.Clients.
func (r clients) Revoke(ctx context.Context, id int64, at time.Time, reason domain.RevocationReason) error {
	set := map[string]any{"revoked_at": micro(at), "reason": reason, "updated_at": micro(at)}
	if reason != domain.CertificateHold {
		set["held_name"] = nil
	}
	done := r.s.write.WithContext(ctx).Model(&clientRow{}).Where("id = ?", id).Updates(set)
	return changedOne(done, faults{})
}

// renewedColumns are the columns that Renew stores.
var renewedColumns = []string{
	"name", "name_key", "held_name", "serial", "fingerprint", "key_algorithm", "key_protected", "not_before",
	"expires_at", "expired", "revoked_at", "reason", "updated_at",
}

// Renew implements domain.Clients.
func (r clients) Renew(ctx context.Context, c domain.Client) error {
	row := toClientRow(c)
	row.HeldName = &row.NameKey
	done := r.s.write.WithContext(ctx).Model(&row).Select(renewedColumns).Updates(&row)
	return changedOne(done, duplicated("held_name", "name"))
}

// anyToMark finds one client that has ended and is not marked, and one that is marked and has not
// ended. The latter was marked by a clock that was ahead. It asks for one of each, so that planners
// read one entry of an index.
const anyToMark = `SELECT COALESCE((SELECT id FROM clients WHERE NOT expired AND expires_at <= ? ORDER BY expires_at LIMIT 1), 0),
	COALESCE((SELECT id FROM clients WHERE expired AND expires_at > ? ORDER BY expires_at DESC LIMIT 1), 0)`

// toMark reports whether any client has ended and is not marked, and whether any is marked and has
// not ended.
func (r clients) toMark(ctx context.Context, now time.Time) (ended, revived bool, err error) {
	var first, last int64
	err = scan(ctx, r.s.read, []any{&first, &last}, anyToMark, micro(now), micro(now))
	return first != 0, last != 0, err
}

// MarkExpired implements domain.Clients. Usually there is nothing to mark, and it only reads.
func (r clients) MarkExpired(ctx context.Context, now time.Time, limit int) (int, error) {
	ended, revived, err := r.toMark(ctx, now)
	marked, unmarked := 0, 0
	if err == nil && ended {
		marked, err = r.mark(ctx, true, "NOT expired AND expires_at <= ?", now, "expires_at", limit)
	}
	if err == nil && revived {
		unmarked, err = r.mark(ctx, false, "expired AND expires_at > ?", now, "expires_at DESC", limit)
	}
	return max(marked, unmarked), err
}

func (r clients) mark(
	ctx context.Context, expired bool, condition string, now time.Time, order string, limit int,
) (int, error) {
	var ids []int64
	err := r.s.read.WithContext(ctx).Model(&clientRow{}).Where(condition, micro(now)).Order(order).Limit(limit).
		Pluck("id", &ids).Error
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return len(ids), r.s.write.WithContext(ctx).Model(&clientRow{}).Where("id IN ?", ids).
		UpdateColumn("expired", expired).Error
}
