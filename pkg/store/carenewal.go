package store

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// caCertificateRow is a certificate of a CA besides its present one.
type caCertificateRow struct {
	ID          int64 `gorm:"primaryKey"`
	CAID        int64
	Kind        domain.CACertificateKind
	Certificate []byte
	CreatedAt   time.Time `gorm:"autoCreateTime:false"`
}

func (caCertificateRow) TableName() string { return "ca_certificates" }

// Renew implements domain.CAs.
func (r cas) Renew(ctx context.Context, c domain.CA, key domain.CAKey) error {
	done := r.s.write.WithContext(ctx).Model(&caRow{ID: c.ID}).UpdateColumns(map[string]any{
		"parent_id": c.ParentID, "expires_at": micro(c.ExpiresAt), "renewed_at": optional(c.RenewedAt),
		"updated_at": micro(c.UpdatedAt), "certificate": key.Certificate, "sealed_key": sealedOrNone(key),
		"chain": key.Chain,
	})
	return changedOne(done, faults{})
}

// AddCertificate implements domain.CAs.
func (r cas) AddCertificate(ctx context.Context, c *domain.CACertificate) error {
	row := caCertificateRow{CAID: c.CAID, Kind: c.Kind, Certificate: c.DER, CreatedAt: micro(c.CreatedAt)}
	if err := r.s.write.WithContext(ctx).Create(&row).Error; err != nil {
		return translate(err, faults{}.orForeign(domain.NotFound, "ca_id", domain.ReasonNotFound))
	}
	c.ID = row.ID
	return nil
}

// Certificates implements domain.CAs.
func (r cas) Certificates(ctx context.Context, caID int64) ([]domain.CACertificate, error) {
	var rows []caCertificateRow
	err := r.s.read.WithContext(ctx).Where("ca_id = ?", caID).Order("id").Find(&rows).Error
	list := make([]domain.CACertificate, len(rows))
	for i, row := range rows {
		list[i] = domain.CACertificate{
			ID: row.ID, CAID: row.CAID, Kind: row.Kind, DER: row.Certificate, CreatedAt: row.CreatedAt.UTC(),
		}
	}
	return list, err
}
