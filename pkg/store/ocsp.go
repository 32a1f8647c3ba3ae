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
	return db.Exec(
		"DELETE FROM certificates WHERE ca_id = ? AND kind = ?", caID, domain.CertificateOfResponder,
	).Error
}

const serialStatus = "SELECT " + pointColumns + ", c.id IS NOT NULL, r.revoked_at, r.reason, r.changed " +
	"FROM cas CROSS JOIN incarnation LEFT JOIN revocations r ON r.ca_id = cas.id AND r.serial = ? " +
	"LEFT JOIN certificates c ON c.ca_id = cas.id AND c.serial = ? WHERE cas.id = ?"

// Status implements domain.Revocations.
func (r revocations) Status(ctx context.Context, caID int64, serial string) (domain.SerialStatus, error) {
	var s domain.SerialStatus
	var at *time.Time
	var reason *domain.RevocationReason
	var changed *bool
	p := &s.RevocationPoint
	err := scan(
		ctx, r.s.read, []any{&p.Epoch, &p.Mark, &p.CA, &p.Incarnation, &s.Issued, &at, &reason, &changed}, serialStatus,
		serial, serial, caID,
	)
	if err != nil || at == nil {
		return s, translate(err, faults{})
	}
	found := domain.Revocation{Reason: *reason, Changed: *changed}
	if s.Issued = true; !found.Lifted() {
		s.RevokedAt, s.Reason = at.UTC(), found.Reason
	}
	return s, nil
}
