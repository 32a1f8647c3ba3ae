package store

import (
	"context"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// archivedRow is a row of archived_certificates.
type archivedRow struct {
	ID           int64 `gorm:"primaryKey;autoIncrement:false"`
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
	SupersededAt *time.Time
	RevokedAt    *time.Time
	Reason       domain.RevocationReason
	InvalidSince *time.Time
	CreatedAt    time.Time `gorm:"autoCreateTime:false"`
	ArchivedAt   time.Time
	Client       string
	Batch        string
}

func (archivedRow) TableName() string { return "archived_certificates" }

func (r *archivedRow) key() *int64 { return &r.ID }

const archivedColumns = "id, ca_id, client_id, kind, name, serial, fingerprint, key_algorithm, not_before, not_after, " +
	"der, superseded_at, revoked_at, reason, invalid_since, created_at, archived_at, client, batch"

func (r *archivedRow) fields() []any {
	return []any{
		&r.ID, &r.CAID, &r.ClientID, &r.Kind, &r.Name, &r.Serial, &r.Fingerprint, &r.KeyAlgorithm, &r.NotBefore,
		&r.NotAfter, &r.DER, &r.SupersededAt, &r.RevokedAt, &r.Reason, &r.InvalidSince, &r.CreatedAt, &r.ArchivedAt,
		&r.Client, &r.Batch,
	}
}

func (r *archivedRow) entity() domain.ArchivedCertificate {
	c := domain.Certificate{
		ID: r.ID, CAID: r.CAID, Kind: r.Kind, Name: r.Name, Serial: r.Serial, Fingerprint: r.Fingerprint,
		KeyAlgorithm: r.KeyAlgorithm, NotBefore: r.NotBefore.UTC(), NotAfter: r.NotAfter.UTC(), DER: r.DER,
		SupersededAt: orZero(r.SupersededAt), RevokedAt: orZero(r.RevokedAt), Reason: r.Reason,
		CreatedAt: r.CreatedAt.UTC(),
	}
	if r.ClientID != nil {
		c.ClientID = *r.ClientID
	}
	return domain.ArchivedCertificate{
		Certificate: c, InvalidSince: orZero(r.InvalidSince), ArchivedAt: r.ArchivedAt.UTC(), Client: r.Client,
		Batch: r.Batch,
	}
}

type archive struct{ s *Store }

// Page implements domain.Archive.
func (r archive) Page(
	ctx context.Context, f domain.ArchiveFilter, req domain.PageRequest,
) (domain.Page[domain.ArchivedCertificate], error) {
	l := listing{table: "archived_certificates", columns: archivedColumns}
	narrow := f.Name != "" || f.Fingerprint != "" || len(f.Serials) > 0
	switch {
	case f.CAID == 0:
	case narrow:
		r.s.restrictAside(&l, "ca_id", f.CAID)
	default:
		r.s.restrictOwner(&l, "ca_id", f.CAID)
	}
	for _, texts := range []struct {
		column string
		values []string
	}{{"name_key", given(domain.NameKey(f.Name))}, {"fingerprint", given(f.Fingerprint)}, {"serial", f.Serials}} {
		if len(texts.values) > 0 {
			l.restrictTexts(texts.column+" IN ?", texts.values)
		}
	}
	return page[archivedRow, domain.ArchivedCertificate](ctx, r.s.read, l, req)
}

// Told implements domain.Archive.
func (r archive) Told(ctx context.Context) (list []string, err error) {
	const query = "SELECT after FROM audit_events WHERE resource = ? AND action = ? AND NOT refused"
	err = r.s.atLength(ctx, func(db *gorm.DB) error {
		return db.Raw(query, domain.ResourceCertificates, domain.ActionArchive).Scan(&list).Error
	})
	return list, err
}

// given is a list of a text, unless that is empty.
func given(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

// Serials implements domain.Archive.
func (r archive) Serials(ctx context.Context, caID int64, serials []string) (map[string]bool, error) {
	found := map[string]bool{}
	for batch := range slices.Chunk(serials, insertBatch) {
		var there []string
		err := r.s.read.WithContext(ctx).Model(&archivedRow{}).Where("serial IN ? AND ca_id = ?", batch, caID).
			Pluck("serial", &there).Error
		if err != nil {
			return nil, err
		}
		for _, serial := range there {
			found[serial] = true
		}
	}
	return found, nil
}
