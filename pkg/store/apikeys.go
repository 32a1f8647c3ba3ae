package store

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type apikeyRow struct {
	ID         int64 `gorm:"primaryKey"`
	Name       string
	NameKey    string
	Superuser  bool
	Generation int64
	CreatedAt  time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt  time.Time `gorm:"autoUpdateTime:false"`
}

func (apikeyRow) TableName() string { return "apikeys" }

type apikeys struct{ s *Store }

// Get implements domain.APIKeys.
func (r apikeys) Get(ctx context.Context, id int64) (domain.APIKey, error) {
	var found apikeyRow
	err := r.s.read.WithContext(ctx).Take(&found, id).Error
	return domain.APIKey{
		ID: found.ID, Name: found.Name, Superuser: found.Superuser, Generation: found.Generation,
		CreatedAt: found.CreatedAt.UTC(), UpdatedAt: found.UpdatedAt.UTC(),
	}, translate(err, faults{})
}

// Create implements domain.APIKeys.
func (r apikeys) Create(ctx context.Context, k *domain.APIKey) error {
	record := apikeyRow{
		Name: k.Name, NameKey: domain.NameKey(k.Name), Superuser: k.Superuser, Generation: k.Generation,
		CreatedAt: micro(k.CreatedAt), UpdatedAt: micro(k.UpdatedAt),
	}
	if err := r.s.write.WithContext(ctx).Create(&record).Error; err != nil {
		return translate(err, duplicated("name_key", "name"))
	}
	k.ID = record.ID
	return nil
}
