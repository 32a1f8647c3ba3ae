package store

import (
	"context"

	"gorm.io/gorm/clause"
)

type secretRow struct {
	Name   string `gorm:"primaryKey"`
	Sealed []byte
}

func (secretRow) TableName() string { return "secrets" }

type secrets struct{ s *Store }

// Any implements domain.Secrets.
func (r secrets) Any(ctx context.Context) (bool, error) {
	var found []string
	err := r.s.read.WithContext(ctx).Model(&secretRow{}).Limit(1).Pluck("name", &found).Error
	return len(found) > 0, err
}

// Get implements domain.Secrets.
func (r secrets) Get(ctx context.Context, name string) ([]byte, error) {
	var kept secretRow
	err := r.s.read.WithContext(ctx).Take(&kept, "name = ?", name).Error
	return kept.Sealed, translate(err, faults{})
}

// Replace implements domain.Secrets.
func (r secrets) Replace(ctx context.Context, name string, before, after []byte) (bool, error) {
	done := r.s.write.WithContext(ctx).
		Exec("UPDATE secrets SET sealed = ? WHERE name = ? AND sealed = ?", after, name, before)
	return done.RowsAffected > 0, done.Error
}

// GetOrCreate implements domain.Secrets.
func (r secrets) GetOrCreate(ctx context.Context, name string, sealed []byte) ([]byte, error) {
	record := secretRow{Name: name, Sealed: sealed}
	if err := r.s.write.WithContext(ctx).Clauses(clause.OnConflict{DoNothing: true}).Create(&record).Error; err != nil {
		return nil, err
	}
	var kept secretRow
	err := r.s.write.WithContext(ctx).Take(&kept, "name = ?", name).Error
	return kept.Sealed, err
}
