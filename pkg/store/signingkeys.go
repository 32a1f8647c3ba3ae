package store

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type signingKeyRow struct {
	ID        string `gorm:"primaryKey"`
	Sealed    []byte
	CreatedAt time.Time `gorm:"autoCreateTime:false"`
}

func (signingKeyRow) TableName() string { return "signing_keys" }

type signingKeys struct{ s *Store }

// List implements domain.SigningKeys.
func (r signingKeys) List(ctx context.Context) ([]domain.SigningKey, error) {
	var found []signingKeyRow
	err := r.s.read.WithContext(ctx).Order("created_at, id").Find(&found).Error
	list := make([]domain.SigningKey, len(found))
	for i, one := range found {
		list[i] = domain.SigningKey{ID: one.ID, Sealed: one.Sealed, CreatedAt: one.CreatedAt.UTC()}
	}
	return list, err
}

// Create implements domain.SigningKeys.
func (r signingKeys) Create(ctx context.Context, k domain.SigningKey) error {
	return r.s.write.WithContext(ctx).Create(&signingKeyRow{ID: k.ID, Sealed: k.Sealed, CreatedAt: micro(k.CreatedAt)}).
		Error
}

// Delete implements domain.SigningKeys.
func (r signingKeys) Delete(ctx context.Context, ids []string) error {
	return r.s.write.WithContext(ctx).Where("id IN ?", ids).Delete(&signingKeyRow{}).Error
}
