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
	ClientID     int64
	Serial       string
	NotBefore    time.Time
	NotAfter     time.Time
	DER          []byte
	SealedKey    []byte
	KeyProtected bool
	CreatedAt    time.Time `gorm:"autoCreateTime:false"`
}

func (certificateRow) TableName() string { return "certificates" }

func (r *certificateRow) key() *int64 { return &r.ID }

type certificates struct{ s *Store }

// Create implements domain.Certificates.
func (r certificates) Create(ctx context.Context, c *domain.Certificate) error {
	record := certificateRow{
		CAID: c.CAID, ClientID: c.ClientID, Serial: c.Serial, NotBefore: micro(c.NotBefore),
		NotAfter: micro(c.NotAfter),
		DER:      c.DER, SealedKey: c.SealedKey, KeyProtected: c.KeyProtected, CreatedAt: micro(c.CreatedAt),
	}
	as := duplicated("serial", "cert").orForeign(domain.NotFound, "ca_id", domain.ReasonNotFound)
	return create(ctx, r.s.write, record, &c.ID, as)
}

// OfClient implements domain.Certificates.
func (r certificates) OfClient(ctx context.Context, clientID int64) (domain.Certificate, error) {
	var found certificateRow
	err := r.s.read.WithContext(ctx).Where("client_id = ?", clientID).Order("id DESC").Take(&found).Error
	return domain.Certificate{
		ID: found.ID, CAID: found.CAID, ClientID: found.ClientID, Serial: found.Serial,
		NotBefore: found.NotBefore.UTC(), NotAfter: found.NotAfter.UTC(),
		DER: found.DER, SealedKey: found.SealedKey, KeyProtected: found.KeyProtected, CreatedAt: found.CreatedAt.UTC(),
	}, translate(err, faults{})
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
			found[row.Serial] = row.ClientID
		}
	}
	return found, nil
}
