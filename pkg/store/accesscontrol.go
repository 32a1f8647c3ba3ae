package store

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type accessControl struct{ s *Store }

// Advance implements domain.AccessControl: the row stays locked until the transaction ends.
func (r accessControl) Advance(ctx context.Context) error {
	return r.s.write.WithContext(ctx).Exec("UPDATE access_control SET epoch = epoch + 1, mark = ?", rand.Text()).Error
}

// Epoch implements domain.AccessControl.
func (r accessControl) Epoch(ctx context.Context) (int64, error) {
	var epoch int64
	err := scan(ctx, r.s.read, []any{&epoch}, "SELECT epoch FROM access_control")
	return epoch, err
}

// Point implements domain.AccessControl.
func (r accessControl) Point(ctx context.Context) (p domain.AccessPoint, err error) {
	err = scan(ctx, r.s.read, []any{&p.Epoch, &p.Mark}, "SELECT epoch, mark FROM access_control")
	return p, err
}

// Superusers implements domain.AccessControl.
func (r accessControl) Superusers(ctx context.Context, now time.Time) (int, error) {
	var n int
	err := scan(ctx, r.s.read, []any{&n}, `SELECT (SELECT count(*) FROM users WHERE superuser AND enabled) +
		(SELECT count(*) FROM apikeys WHERE superuser AND enabled AND (expires_at IS NULL OR expires_at > ?))`, micro(now))
	return n, err
}

// LastingSuperusers implements domain.AccessControl. The networks are those of domain.Everywhere.
func (r accessControl) LastingSuperusers(ctx context.Context) (int, error) {
	var n int
	err := scan(ctx, r.s.read, []any{&n}, `SELECT (SELECT count(*) FROM users WHERE superuser AND enabled) +
		(SELECT count(*) FROM apikeys WHERE superuser AND enabled AND expires_at IS NULL AND (allowed_ips = '' OR
			' ' || allowed_ips || ' ' LIKE '% 0.0.0.0/0 %' AND ' ' || allowed_ips || ' ' LIKE '% ::/0 %'))`)
	return n, err
}

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
	return r.s.write.WithContext(ctx).Create(&signingKeyRow{ID: k.ID, Sealed: k.Sealed, CreatedAt: micro(k.CreatedAt)}).Error
}

// Delete implements domain.SigningKeys.
func (r signingKeys) Delete(ctx context.Context, ids []string) error {
	return r.s.write.WithContext(ctx).Where("id IN ?", ids).Delete(&signingKeyRow{}).Error
}
