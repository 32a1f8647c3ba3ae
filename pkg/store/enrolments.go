package store

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type enrolmentRow struct {
	ID          int64 `gorm:"primaryKey"`
	ClientID    int64
	InstanceID  int64
	Format      string
	SecretHash  []byte
	PinHash     []byte
	Tries       int
	CreatedAt   time.Time `gorm:"autoCreateTime:false"`
	ExpiresAt   time.Time
	RevokedAt   *time.Time
	ClaimedAt   *time.Time
	ClaimedFrom string
	ClaimHash   []byte
}

const enrolmentColumns = "id, client_id, instance_id, format, secret_hash, pin_hash, tries, created_at, expires_at, " +
	"revoked_at, claimed_at, claimed_from, claim_hash"

func (enrolmentRow) TableName() string { return "enrolments" }

func (r *enrolmentRow) key() *int64 { return &r.ID }

func (r *enrolmentRow) fields() []any {
	return []any{
		&r.ID, &r.ClientID, &r.InstanceID, &r.Format, &r.SecretHash, &r.PinHash, &r.Tries, &r.CreatedAt, &r.ExpiresAt,
		&r.RevokedAt, &r.ClaimedAt, &r.ClaimedFrom, &r.ClaimHash,
	}
}

func (r *enrolmentRow) entity() domain.Enrolment {
	return domain.Enrolment{
		ID: r.ID, ClientID: r.ClientID, InstanceID: r.InstanceID, Format: r.Format, SecretHash: r.SecretHash,
		PINHash: r.PinHash, Tries: r.Tries, CreatedAt: r.CreatedAt.UTC(), ExpiresAt: r.ExpiresAt.UTC(),
		RevokedAt: orZero(r.RevokedAt), ClaimedAt: orZero(r.ClaimedAt), ClaimedFrom: r.ClaimedFrom,
		ClaimHash: r.ClaimHash,
	}
}

func toEnrolmentRow(e domain.Enrolment) enrolmentRow {
	return enrolmentRow{
		ID: e.ID, ClientID: e.ClientID, InstanceID: e.InstanceID, Format: e.Format, SecretHash: e.SecretHash,
		PinHash: e.PINHash, Tries: e.Tries, CreatedAt: micro(e.CreatedAt), ExpiresAt: micro(e.ExpiresAt),
		RevokedAt: optional(e.RevokedAt), ClaimedAt: optional(e.ClaimedAt), ClaimedFrom: e.ClaimedFrom,
		ClaimHash: e.ClaimHash,
	}
}

type enrolments struct {
	records[enrolmentRow, domain.Enrolment, *enrolmentRow]
}

var enrolmentTable = table[enrolmentRow, domain.Enrolment]{
	list: listing{table: "enrolments", columns: enrolmentColumns}, row: toEnrolmentRow,
	id:      func(e *domain.Enrolment) *int64 { return &e.ID },
	updated: []string{"tries", "revoked_at", "claimed_at", "claimed_from", "claim_hash"},
	stored:  faults{}.orForeign(domain.NotFound, "client_id", domain.ReasonNotFound), lock: forChange,
}

// Page implements domain.Enrolments.
func (r enrolments) Page(
	ctx context.Context, filter domain.EnrolmentFilter, req domain.PageRequest,
) (domain.Page[domain.Enrolment], error) {
	l := r.kept.list
	switch {
	case filter.ClientID != 0 && filter.InstanceID != 0:
		r.s.restrictOwner(&l, "client_id", filter.ClientID)
		r.s.restrictAside(&l, "instance_id", filter.InstanceID)
	case filter.ClientID != 0:
		r.s.restrictOwner(&l, "client_id", filter.ClientID)
	case filter.InstanceID != 0:
		r.s.restrictOwner(&l, "instance_id", filter.InstanceID)
	}
	return page[enrolmentRow, domain.Enrolment](ctx, r.s.read, l, req)
}

// OfSecret implements domain.Enrolments.
func (r enrolments) OfSecret(ctx context.Context, hash []byte) (domain.Enrolment, error) {
	var found enrolmentRow
	err := scan(
		ctx, r.s.read, found.fields(), "SELECT "+enrolmentColumns+" FROM enrolments WHERE secret_hash = ?", hash,
	)
	return found.entity(), translate(err, faults{})
}

// Purge implements domain.Enrolments.
func (r enrolments) Purge(ctx context.Context, before time.Time) error {
	return r.s.write.WithContext(ctx).Exec("DELETE FROM enrolments WHERE expires_at < ?", micro(before)).Error
}

// RemoveOf implements domain.Enrolments.
func (r enrolments) RemoveOf(ctx context.Context, instanceID int64) error {
	return r.s.write.WithContext(ctx).Exec("DELETE FROM enrolments WHERE instance_id = ?", instanceID).Error
}
