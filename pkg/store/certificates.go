package store

import (
	"context"
	"slices"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type certificateRow struct {
	ID           int64 `gorm:"primaryKey"`
	CAID         int64
	ClientID     *int64
	Kind         domain.CertificateKind
	Name         string
	NameKey      string
	Serial       string
	Fingerprint  string
	KeyAlgorithm string
	NotBefore    time.Time
	NotAfter     time.Time
	DER          []byte
	SealedKey    []byte
	KeyProtected bool
	SupersededAt *time.Time
	RevokedAt    *time.Time
	Reason       domain.RevocationReason
	CreatedAt    time.Time `gorm:"autoCreateTime:false"`

	KeyKept bool `gorm:"-"` // only in lists
}

func (certificateRow) TableName() string { return "certificates" }

func (r *certificateRow) key() *int64 { return &r.ID }

// certificateColumns are the columns of a certificate in a list: without the large ones.
const certificateColumns = "id, ca_id, client_id, kind, name, serial, fingerprint, key_algorithm, not_before, not_after, " +
	"sealed_key IS NOT NULL, key_protected, superseded_at, revoked_at, reason, created_at"

func (r *certificateRow) fields() []any {
	return []any{
		&r.ID, &r.CAID, &r.ClientID, &r.Kind, &r.Name, &r.Serial, &r.Fingerprint, &r.KeyAlgorithm, &r.NotBefore,
		&r.NotAfter, &r.KeyKept, &r.KeyProtected, &r.SupersededAt, &r.RevokedAt, &r.Reason, &r.CreatedAt,
	}
}

func (r *certificateRow) entity() domain.Certificate {
	c := domain.Certificate{
		ID: r.ID, CAID: r.CAID, Kind: r.Kind, Name: r.Name, Serial: r.Serial, Fingerprint: r.Fingerprint,
		KeyAlgorithm: r.KeyAlgorithm, NotBefore: r.NotBefore.UTC(), NotAfter: r.NotAfter.UTC(), DER: r.DER,
		SealedKey: r.SealedKey, KeyKept: r.KeyKept || r.SealedKey != nil, KeyProtected: r.KeyProtected,
		SupersededAt: orZero(r.SupersededAt), RevokedAt: orZero(r.RevokedAt), Reason: r.Reason,
		CreatedAt: r.CreatedAt.UTC(),
	}
	if r.ClientID != nil {
		c.ClientID = *r.ClientID
	}
	return c
}

func toCertificateRow(c domain.Certificate) certificateRow {
	r := certificateRow{
		ID: c.ID, CAID: c.CAID, Kind: c.Kind, Name: c.Name, NameKey: domain.NameKey(c.Name), Serial: c.Serial,
		Fingerprint: c.Fingerprint, KeyAlgorithm: c.KeyAlgorithm, NotBefore: micro(c.NotBefore),
		NotAfter: micro(c.NotAfter), DER: c.DER, SealedKey: c.SealedKey, KeyProtected: c.KeyProtected,
		SupersededAt: optional(c.SupersededAt), RevokedAt: optional(c.RevokedAt), Reason: c.Reason,
		CreatedAt: micro(c.CreatedAt),
	}
	if c.ClientID != 0 {
		r.ClientID = &c.ClientID
	}
	return r
}

// issuedColumns are the columns that Enrol stores, besides the client, and issuedValues their
// values.
const issuedColumns = "ca_id, kind, name, name_key, serial, fingerprint, key_algorithm, not_before, not_after, der, sealed_key, key_protected, " +
	"superseded_at, revoked_at, reason, created_at"

func issuedValues(c domain.Certificate) []any {
	r := toCertificateRow(c)
	return []any{
		r.CAID, r.Kind, r.Name, r.NameKey, r.Serial, r.Fingerprint, r.KeyAlgorithm, r.NotBefore, r.NotAfter, r.DER,
		r.SealedKey, r.KeyProtected, r.SupersededAt, r.RevokedAt, r.Reason, r.CreatedAt,
	}
}

type certificates struct{ s *Store }

// Create implements domain.Certificates.
func (r certificates) Create(ctx context.Context, c *domain.Certificate) error {
	as := duplicated("serial", "cert").orForeign(domain.NotFound, "ca_id", domain.ReasonNotFound)
	return create(ctx, r.s.write, toCertificateRow(*c), &c.ID, as)
}

// Get implements domain.Certificates.
func (r certificates) Get(ctx context.Context, id int64) (domain.Certificate, error) {
	return r.one(ctx, "id = ?", id)
}

// OfClient implements domain.Certificates.
func (r certificates) OfClient(ctx context.Context, clientID int64) (domain.Certificate, error) {
	return r.one(ctx, "client_id = ?", clientID)
}

// OfSerial implements domain.Certificates.
func (r certificates) OfSerial(ctx context.Context, caID int64, serial string) (domain.Certificate, error) {
	return r.one(ctx, "serial = ? AND ca_id = ?", serial, caID)
}

// one reads the newest of the certificates that a condition selects. Errors: Missing.
func (r certificates) one(ctx context.Context, condition string, args ...any) (domain.Certificate, error) {
	var found certificateRow
	err := r.s.read.WithContext(ctx).Where(condition, args...).Order("id DESC").Take(&found).Error
	if err != nil {
		return domain.Certificate{}, translate(err, faults{})
	}
	return found.entity(), nil
}

// The certificates that have not been revoked for good.
const standing = "(revoked_at IS NULL OR reason = 6)"

// Standing implements domain.Certificates.
func (r certificates) Standing(ctx context.Context, clientID int64) ([]domain.Certificate, error) {
	return r.some(ctx, "client_id = ? AND "+standing+" ORDER BY id", clientID)
}

// Superseded implements domain.Certificates.
func (r certificates) Superseded(ctx context.Context, now time.Time, limit int) ([]domain.Certificate, error) {
	return r.some(ctx, "superseded_at <= ? AND "+standing+" ORDER BY superseded_at LIMIT ?", micro(now), limit)
}

// some reads the certificates that a condition selects, without their large columns.
func (r certificates) some(ctx context.Context, condition string, args ...any) ([]domain.Certificate, error) {
	query := "SELECT " + certificateColumns + " FROM certificates WHERE " + condition
	rows, err := find[certificateRow, domain.Certificate](ctx, r.s.read, query, args)
	return entities(rows), err
}

func entities(rows []certificateRow) []domain.Certificate {
	list := make([]domain.Certificate, len(rows))
	for i := range rows {
		list[i] = rows[i].entity()
	}
	return list
}

// Revoke implements domain.Certificates.
func (r certificates) Revoke(ctx context.Context, id int64, at time.Time, reason domain.RevocationReason) error {
	return r.set(ctx, id, map[string]any{"revoked_at": optional(at), "reason": reason})
}

// Supersede implements domain.Certificates.
func (r certificates) Supersede(ctx context.Context, id int64, at time.Time) error {
	return r.set(ctx, id, map[string]any{"superseded_at": micro(at)})
}

func (r certificates) set(ctx context.Context, id int64, values map[string]any) error {
	return changedOne(r.s.write.WithContext(ctx).Model(&certificateRow{}).Where("id = ?", id).Updates(values), faults{})
}

// Undescribed implements domain.Certificates. Neither condition nor order is one of the ids alone:
// PostgreSQL would read all those that are described already.
func (r certificates) Undescribed(ctx context.Context, limit int) ([]domain.Certificate, error) {
	var found []certificateRow
	err := r.s.read.WithContext(ctx).Where("fingerprint <= ''").Order("fingerprint, id").Limit(limit).Find(&found).Error
	return entities(found), err
}

// Describe implements domain.Certificates.
func (r certificates) Describe(ctx context.Context, list []domain.Certificate) error {
	return r.s.atomic(ctx, func(tx *Store) error {
		for _, c := range list {
			if err := (certificates{tx}).describe(ctx, c); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r certificates) describe(ctx context.Context, c domain.Certificate) error {
	values := map[string]any{"fingerprint": c.Fingerprint, "key_algorithm": c.KeyAlgorithm}
	if err := r.set(ctx, c.ID, values); err != nil || c.ClientID == 0 {
		return err
	}
	return r.s.write.WithContext(ctx).Model(&clientRow{}).
		Where("id = ? AND serial = ? AND ca_id = ?", c.ClientID, c.Serial, c.CAID).UpdateColumns(values).Error
}

// ClientsOf implements domain.Certificates.
func (r certificates) ClientsOf(ctx context.Context, caID int64, serials []string) (map[string]int64, error) {
	found := map[string]int64{}
	for batch := range slices.Chunk(serials, insertBatch) {
		var rows []certificateRow
		err := r.s.read.WithContext(ctx).Select("serial", "client_id").Where("ca_id = ? AND serial IN ?", caID, batch).
			Find(&rows).Error
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			found[row.Serial] = row.entity().ClientID
		}
	}
	return found, nil
}
