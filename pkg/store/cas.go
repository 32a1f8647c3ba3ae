package store

import (
	"context"
	"crypto/rand"
	"strings"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type caRow struct {
	ID           int64 `gorm:"primaryKey"`
	Name         string
	NameKey      string
	Description  string
	Subject      domain.Subject `gorm:"embedded"`
	KeyAlgorithm string
	KeyURI       string
	ParentID     int64
	ExpiresAt    time.Time
	CreatedAt    time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt    time.Time `gorm:"autoUpdateTime:false"`

	RenewedAt     *time.Time
	PredecessorID *int64
	SuccessorID   int64 `gorm:"->"` // no column of its own
}

// caColumns are the columns of a CA. Its certificate and key are read separately.
const caColumns = "id, name, description, country, province, city, organization, sector, email, key_algorithm, " +
	"key_uri, parent_id, expires_at, created_at, updated_at, renewed_at, predecessor_id, " + successorColumn

// successorColumn reads which CA takes the place of another one.
const successorColumn = "COALESCE((SELECT s.id FROM cas s WHERE s.predecessor_id = cas.id), 0) AS successor_id"

func (caRow) TableName() string { return "cas" }

func (r *caRow) key() *int64 { return &r.ID }

func (r *caRow) fields() []any {
	return []any{
		&r.ID, &r.Name, &r.Description, &r.Subject.Country, &r.Subject.Province, &r.Subject.City,
		&r.Subject.Organization, &r.Subject.Sector, &r.Subject.Email,
		&r.KeyAlgorithm, &r.KeyURI, &r.ParentID,
		&r.ExpiresAt, &r.CreatedAt, &r.UpdatedAt,
		&r.RenewedAt, &r.PredecessorID, &r.SuccessorID,
	}
}

func (r *caRow) entity() domain.CA {
	c := domain.CA{
		ID: r.ID, Name: r.Name, Description: r.Description,
		Subject:      r.Subject,
		KeyAlgorithm: r.KeyAlgorithm, KeyURI: r.KeyURI, ParentID: r.ParentID,
		ExpiresAt: r.ExpiresAt.UTC(), CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
		RenewedAt: orZero(r.RenewedAt), SuccessorID: r.SuccessorID,
	}
	if r.PredecessorID != nil {
		c.PredecessorID = *r.PredecessorID
	}
	return c
}

func toCARow(c domain.CA) caRow {
	r := caRow{
		ID: c.ID, Name: c.Name, NameKey: domain.NameKey(c.Name), Description: c.Description,
		Subject:      c.Subject,
		KeyAlgorithm: c.KeyAlgorithm, KeyURI: c.KeyURI, ParentID: c.ParentID,
		ExpiresAt: micro(c.ExpiresAt), CreatedAt: micro(c.CreatedAt), UpdatedAt: micro(c.UpdatedAt),
		RenewedAt: optional(c.RenewedAt),
	}
	if c.PredecessorID != 0 {
		r.PredecessorID = &c.PredecessorID
	}
	return r
}

// newCARow is a caRow with the other columns that Create sets.
type newCARow struct {
	Record         caRow `gorm:"embedded"`
	Certificate    []byte
	SealedKey      []byte
	Chain          []byte
	KeyFingerprint *string
	CRLNumber      int64
	RevocationMark string
	CRLBase        string
	CRLThisUpdate  *time.Time
}

func (newCARow) TableName() string { return "cas" }

type cas struct {
	records[caRow, domain.CA, *caRow]
}

var caTable = table[caRow, domain.CA]{
	list: listing{table: "cas", columns: caColumns}, row: toCARow, updated: recordColumns, lock: forUpdate,
	deleted: faults{}.orForeign(domain.Rule, "id", domain.ReasonCAInUse),
}

// newCAFaults say what a violation by Create means.
var newCAFaults = faults{
	duplicated: map[string]string{"name_key": "name", "key_fingerprint": "cert", "predecessor_id": "id"},
}

// Key implements domain.CAs.
func (r cas) Key(ctx context.Context, id int64) (domain.CAKey, error) {
	var found newCARow
	err := r.s.read.WithContext(ctx).
		Select("certificate, sealed_key, key_uri, chain, parent_id, predecessor_id, "+successorColumn).Where("id = ?", id).
		Take(&found).Error
	record := found.Record.entity()
	return domain.CAKey{
		CAID: id, Certificate: found.Certificate, SealedKey: found.SealedKey, KeyURI: record.KeyURI, Chain: found.Chain,
		ParentID: record.ParentID, PredecessorID: record.PredecessorID, SuccessorID: record.SuccessorID,
	}, translate(err, faults{})
}

// NameTaken implements domain.CAs.
func (r cas) NameTaken(ctx context.Context, name string) (bool, error) {
	return nameTaken[caRow](ctx, r.s.read, name)
}

// KeyTaken implements domain.CAs.
func (r cas) KeyTaken(ctx context.Context, fingerprint string) (bool, error) {
	var found []int64
	err := r.s.read.WithContext(ctx).Model(&caRow{}).Where("key_fingerprint = ?", fingerprint).Limit(1).
		Pluck("id", &found).Error
	return len(found) > 0, err
}

// Create implements domain.CAs.
func (r cas) Create(ctx context.Context, c *domain.CA, key domain.CAKey, last domain.CRLState) error {
	record := newCARow{
		Record: toCARow(*c), Certificate: key.Certificate, SealedKey: sealedOrNone(key), Chain: key.Chain,
		CRLNumber: last.Number, CRLThisUpdate: optional(last.ThisUpdate), RevocationMark: rand.Text(),
	}
	if last.Base != nil {
		record.CRLBase = last.Base.String()
	}
	if key.Fingerprint != "" {
		record.KeyFingerprint = &key.Fingerprint
	}
	record.Record.ID = 0 // an attempt that was rolled back may have set it
	if err := r.s.write.WithContext(ctx).Create(&record).Error; err != nil {
		return translate(err, newCAFaults)
	}
	c.ID = record.Record.ID
	return nil
}

// Delete implements domain.CAs.
func (r cas) Delete(ctx context.Context, id int64) error {
	return r.s.atomic(ctx, func(tx *Store) error {
		if err := removeResponders(ctx, tx, id); err != nil {
			return err
		}
		return cas{of(tx, &caTable)}.records.Delete(ctx, id)
	})
}

// sealedOrNone is the sealed key as it is stored: no octets for a key that is elsewhere.
func sealedOrNone(key domain.CAKey) []byte { return append([]byte{}, key.SealedKey...) }

// KeyURIs implements domain.CAs.
func (r cas) KeyURIs(ctx context.Context) ([]string, error) {
	var uris []string
	err := r.s.read.WithContext(ctx).Model(&caRow{}).Where("key_uri <> ''").Order("key_uri").Pluck("key_uri", &uris).
		Error
	return uris, err
}

// IDs implements domain.CAs.
func (r cas) IDs(ctx context.Context) ([]int64, error) {
	var ids []int64
	err := r.s.read.WithContext(ctx).Model(&caRow{}).Order("id").Pluck("id", &ids).Error
	return ids, err
}

// recordColumns are the columns of CAs and clients that Update stores.
var recordColumns = []string{
	"description", "country", "province", "city", "organization", "sector", "email", "updated_at",
}

func nameTaken[R any](ctx context.Context, db *gorm.DB, name string) (bool, error) {
	if !storable(name) {
		return false, nil
	}
	var found []int64
	err := db.WithContext(ctx).Model(new(R)).Where("name_key = ?", domain.NameKey(name)).Limit(1).Pluck("id", &found).
		Error
	return len(found) > 0, err
}

// storable reports whether a database can hold a text. PostgreSQL refuses a statement with a text
// that is not UTF-8 or has a NUL.
func storable(text string) bool { return utf8.ValidString(text) && !strings.Contains(text, "\x00") }

// micro is the form in which a time is stored: UTC, truncated to microseconds. SQLite compares
// times as text.
func micro(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// optional is micro for a time that may be zero, which is stored as NULL.
func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	stored := micro(t)
	return &stored
}

// orZero is the reverse of optional.
func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}
