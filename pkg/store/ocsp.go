package store

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type ocspResponders struct{ s *Store }

// Of implements domain.OCSPResponders.
func (r ocspResponders) Of(ctx context.Context, caID int64) (domain.OCSPResponder, error) {
	const query = "SELECT r.generation, r.certificate_id, r.sealed_key, c.der, c.not_after, c.revoked_at IS NOT NULL " +
		"FROM ocsp_responders r JOIN certificates c ON c.id = r.certificate_id " +
		"WHERE r.ca_id = ? ORDER BY r.generation DESC LIMIT 1"
	found := domain.OCSPResponder{CAID: caID}
	err := scan(
		ctx, r.s.read, []any{
			&found.Generation, &found.CertificateID, &found.SealedKey, &found.DER, &found.NotAfter, &found.Revoked,
		}, query, caID,
	)
	if err != nil {
		return domain.OCSPResponder{}, translate(err, faults{})
	}
	found.NotAfter = found.NotAfter.UTC()
	return found, nil
}

// Replace implements domain.OCSPResponders.
func (r ocspResponders) Replace(ctx context.Context, next domain.OCSPResponder) error {
	return r.s.atomic(ctx, func(tx *Store) error {
		db := tx.write.WithContext(ctx)
		err := db.Exec(
			"INSERT INTO ocsp_responders (ca_id, generation, certificate_id, sealed_key) VALUES (?, ?, ?, ?)", next.CAID,
			next.Generation, next.CertificateID, next.SealedKey,
		).Error
		if err != nil {
			return err
		}
		return db.Exec("DELETE FROM ocsp_responders WHERE ca_id = ? AND generation < ?", next.CAID, next.Generation).Error
	})
}

// Ending implements domain.OCSPResponders.
func (r ocspResponders) Ending(ctx context.Context, before time.Time) ([]int64, error) {
	var ids []int64
	err := r.s.read.WithContext(ctx).Raw(
		"SELECT r.ca_id FROM ocsp_responders r JOIN certificates c ON c.id = r.certificate_id "+
			"WHERE c.not_after < ? OR c.revoked_at IS NOT NULL ORDER BY r.ca_id", micro(before),
	).Scan(&ids).Error
	return ids, err
}

// removeResponders removes the responder of a CA that is to be deleted, with all the certificates
// that its responders had.
func removeResponders(ctx context.Context, tx *Store, caID int64) error {
	db := tx.write.WithContext(ctx)
	if err := db.Exec("DELETE FROM ocsp_responders WHERE ca_id = ?", caID).Error; err != nil {
		return err
	}
	const past = "DELETE FROM archived_certificates WHERE ca_id = ? AND kind = ?"
	if err := db.Exec(past, caID, domain.CertificateOfResponder).Error; err != nil {
		return err
	}
	return db.Exec(
		"DELETE FROM certificates WHERE ca_id = ? AND kind = ?", caID, domain.CertificateOfResponder,
	).Error
}

// serialStatusOfSQLite finds one of the archive, too: its revocation is in its own row. SQLite has
// the clock of the process that asks.
const (
	serialStatusOfSQLite   = serialStatusColumns + "NULL" + serialStatusRows
	serialStatusOfPostgres = serialStatusColumns + "clock_timestamp()" + serialStatusRows
)

const (
	serialStatusColumns = "SELECT " + pointColumns + ", c.id IS NOT NULL OR a.id IS NOT NULL, " +
		"r.revoked_at, r.reason, r.changed, a.revoked_at, a.reason, "
	serialStatusRows = " FROM cas CROSS JOIN incarnation LEFT JOIN revocations r ON r.ca_id = cas.id AND r.serial = ? " +
		"LEFT JOIN certificates c ON c.ca_id = cas.id AND c.serial = ? " +
		"LEFT JOIN archived_certificates a ON a.ca_id = cas.id AND a.serial = ? WHERE cas.id = ?"
)

// Status implements domain.Revocations.
func (r revocations) Status(ctx context.Context, caID int64, serial string) (domain.SerialStatus, error) {
	var s domain.SerialStatus
	var at, archivedAt, now *time.Time
	var reason, archivedReason *domain.RevocationReason
	var changed *bool
	p, query := &s.RevocationPoint, serialStatusOfSQLite
	if r.s.engine == Postgres {
		query = serialStatusOfPostgres
	}
	err := scan(
		ctx, r.s.read, []any{
			&p.Epoch, &p.Mark, &p.CA, &p.Incarnation, &s.Issued, &at, &reason, &changed, &archivedAt, &archivedReason,
			&now,
		}, query, serial, serial, serial, caID,
	)
	if err != nil {
		return s, translate(err, faults{})
	}
	s.Now = orZero(now)
	switch {
	case at != nil:
		s.Issued = true
		if found := (domain.Revocation{Reason: *reason, Changed: *changed}); !found.Lifted() {
			s.RevokedAt, s.Reason = at.UTC(), found.Reason
		}
	case archivedAt != nil:
		s.RevokedAt, s.Reason = archivedAt.UTC(), *archivedReason
	}
	return s, nil
}
