package store

import (
	"context"
	"crypto/rand"
	"time"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type revocationRow struct {
	CAID         int64  `gorm:"primaryKey;autoIncrement:false"`
	Serial       string `gorm:"primaryKey"`
	Epoch        int64
	RevokedAt    time.Time
	Reason       domain.RevocationReason
	InvalidSince *time.Time
	NotAfter     *time.Time
	Changed      bool
}

func (revocationRow) TableName() string { return "revocations" }

func (r revocationRow) entity() domain.Revocation {
	return domain.Revocation{
		CAID: r.CAID, Serial: r.Serial, Epoch: r.Epoch, RevokedAt: r.RevokedAt.UTC(), Reason: r.Reason,
		InvalidSince: orZero(r.InvalidSince), NotAfter: orZero(r.NotAfter), Changed: r.Changed,
	}
}

func toRevocationRow(r domain.Revocation) revocationRow {
	return revocationRow{
		CAID: r.CAID, Serial: r.Serial, Epoch: r.Epoch, RevokedAt: micro(r.RevokedAt), Reason: r.Reason,
		InvalidSince: optional(r.InvalidSince), NotAfter: optional(r.NotAfter), Changed: r.Changed,
	}
}

type revocations struct{ s *Store }

// Advance implements domain.Revocations.
func (r revocations) Advance(ctx context.Context, caID int64) (int64, error) {
	const query = "UPDATE cas SET revocation_epoch = revocation_epoch + 1, revocation_mark = ? WHERE id = ? RETURNING revocation_epoch"
	var reached int64
	err := scan(ctx, r.s.write, []any{&reached}, query, rand.Text(), caID)
	return reached, translate(err, faults{})
}

// Epoch implements domain.Revocations.
func (r revocations) Epoch(ctx context.Context, caID int64) (int64, error) {
	return epoch(ctx, r.s.read, caID)
}

// pointColumns are the columns of a domain.RevocationPoint, from cas and incarnation.
const pointColumns = "revocation_epoch, revocation_mark, COALESCE(key_fingerprint, ''), value"

// Point implements domain.Revocations.
func (r revocations) Point(ctx context.Context, caID int64) (domain.RevocationPoint, error) {
	var p domain.RevocationPoint
	const query = "SELECT " + pointColumns + " FROM cas CROSS JOIN incarnation WHERE cas.id = ?"
	err := scan(ctx, r.s.read, []any{&p.Epoch, &p.Mark, &p.CA, &p.Incarnation}, query, caID)
	return p, translate(err, faults{})
}

func epoch(ctx context.Context, db *gorm.DB, caID int64) (int64, error) {
	return counter(ctx, db, caID, "revocation_epoch")
}

// counter reads one number of a CA. Errors: Missing.
func counter(ctx context.Context, db *gorm.DB, caID int64, column string) (int64, error) {
	var found []int64
	err := db.WithContext(ctx).Model(&caRow{}).Where("id = ?", caID).Limit(1).Pluck(column, &found).Error
	if err == nil && len(found) == 0 {
		err = gorm.ErrRecordNotFound
	}
	if err != nil {
		return 0, translate(err, faults{})
	}
	return found[0], nil
}

// Add implements domain.Revocations.
func (r revocations) Add(ctx context.Context, list []domain.Revocation) error {
	rows := make([]revocationRow, len(list))
	for i, one := range list {
		rows[i] = toRevocationRow(one)
	}
	return r.s.atomic(ctx, func(tx *Store) error {
		return tx.write.WithContext(ctx).CreateInBatches(rows, 1000).Error
	})
}

// Change implements domain.Revocations.
func (r revocations) Change(ctx context.Context, one domain.Revocation) error {
	one.Changed = true
	row := toRevocationRow(one)
	done := r.s.write.WithContext(ctx).Model(&row).
		Select("epoch", "revoked_at", "reason", "invalid_since", "not_after", "changed").Updates(&row)
	return changedOne(done, faults{})
}

// Find implements domain.Revocations.
func (r revocations) Find(ctx context.Context, caID int64, serial string) (domain.Revocation, bool, error) {
	var found []revocationRow
	err := r.s.read.WithContext(ctx).Where("ca_id = ? AND serial = ?", caID, serial).Limit(1).Find(&found).Error
	if err != nil || len(found) == 0 {
		return domain.Revocation{}, false, err
	}
	return found[0].entity(), true, nil
}

// After implements domain.Revocations.
func (r revocations) After(ctx context.Context, caID, epoch int64) ([]domain.Revocation, error) {
	var found []revocationRow
	err := r.s.read.WithContext(ctx).Where("ca_id = ? AND epoch > ?", caID, epoch).Order("epoch, serial").Find(&found).
		Error
	if err != nil {
		return nil, err
	}
	list := make([]domain.Revocation, len(found))
	for i, one := range found {
		list[i] = one.entity()
	}
	return list, nil
}
