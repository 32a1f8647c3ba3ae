package pki

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
)

// Revoke revokes all certificates of a client for good. Every CRL that is requested after it
// returns lists them, unless only a stale one can be had. Revoking again changes nothing.
func (s *Clients) Revoke(ctx context.Context, id int64, spec domain.RevocationSpec) (domain.Client, error) {
	now := s.Now()
	if err := spec.Validate(now); err != nil {
		return domain.Client{}, err
	}
	return s.end(ctx, id, domain.ActionRevoke, func(c domain.Client) (bool, error) {
		return !c.Revoked() || c.Suspended(), nil
	}, domain.Revocation{RevokedAt: now, Reason: spec.Reason, InvalidSince: spec.InvalidSince})
}

// Suspend revokes the certificates of a client until they are resumed. Suspending again changes
// nothing. Errors: *domain.Error with Rule for a client that is revoked for good.
func (s *Clients) Suspend(ctx context.Context, id int64) (domain.Client, error) {
	return s.end(ctx, id, domain.ActionHold, func(c domain.Client) (bool, error) {
		if c.Revoked() && !c.Suspended() {
			return false, domain.Fault(domain.Rule, "id", domain.ReasonRevoked)
		}
		return !c.Revoked(), nil
	}, domain.Revocation{RevokedAt: s.Now(), Reason: domain.CertificateHold})
}

// Resume lifts the suspension of a client. Resuming again changes nothing. Errors: *domain.Error
// with Rule for a client that is revoked for good; with Duplicated on name if another client has
// the name meanwhile.
func (s *Clients) Resume(ctx context.Context, id int64) (domain.Client, error) {
	return idempotency.Do(ctx, s.Recorder.Results, func() (domain.Client, error) { return s.resume(ctx, id) })
}

func (s *Clients) resume(ctx context.Context, id int64) (record domain.Client, err error) {
	err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		record, err = s.Lock(ctx, tx, id)
		if err != nil || !record.Revoked() {
			return none, err
		}
		if !record.Suspended() {
			return none, domain.Fault(domain.Rule, "id", domain.ReasonRevoked)
		}
		before := record
		lifted := domain.Revocation{RevokedAt: s.Now(), Reason: domain.RemoveFromCRL}
		serials, err := revokeStanding(ctx, tx, id, lifted)
		if err != nil {
			return none, err
		}
		record.RevokedAt, record.Reason, record.UpdatedAt = time.Time{}, 0, s.Now()
		if err := tx.Clients().Renew(ctx, record); err != nil {
			return none, err
		}
		if err := s.tellEnd(ctx, tx, record); err != nil {
			return none, err
		}
		return ended(domain.ActionResume, before, record, serials), nil
	})
	return record, err
}

// tellEnd sees to it that the end of a client that is in force again is told by the next look, if
// it is so near that the looks before have passed it.
func (s *Clients) tellEnd(ctx context.Context, tx domain.Store, c domain.Client) error {
	first := time.Duration(slices.Max(domain.EndingDays)) * 24 * time.Hour
	if c.ExpiresAt.After(s.Now().Add(first)) {
		return nil
	}
	return tx.Events().LookAnew(ctx, s.Now())
}

// end revokes the certificates of a client that stand, if due says so.
func (s *Clients) end(
	ctx context.Context, id int64, action domain.Action, due func(domain.Client) (bool, error), r domain.Revocation,
) (domain.Client, error) {
	return idempotency.Do(ctx, s.Recorder.Results, func() (domain.Client, error) {
		return s.endOnce(ctx, id, action, due, r)
	})
}

func (s *Clients) endOnce(
	ctx context.Context, id int64, action domain.Action, due func(domain.Client) (bool, error), r domain.Revocation,
) (record domain.Client, err error) {
	err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		if record, err = s.Lock(ctx, tx, id); err != nil {
			return none, err
		}
		if do, err := due(record); err != nil || !do {
			return none, err
		}
		before := record
		serials, err := revokeStanding(ctx, tx, id, r)
		if err != nil {
			return none, err
		}
		record.RevokedAt, record.Reason, record.UpdatedAt = r.RevokedAt, r.Reason, r.RevokedAt
		if err := tx.Clients().Revoke(ctx, id, r.RevokedAt, r.Reason); err != nil {
			return none, err
		}
		done := ended(action, before, record, serials)
		if !r.InvalidSince.IsZero() {
			done.After["invalidity_date"] = audit.Moment(r.InvalidSince)
		}
		return done, nil
	})
	return record, err
}

// ended is the change of a client whose certificates were revoked, suspended or resumed.
func ended(action domain.Action, before, after domain.Client, serials []string) audit.Change {
	facts := audit.Facts{
		"ca_id": after.CAID, "serials": serials, "revoked_at": audit.Moment(after.RevokedAt),
		"reason": after.Reason.String(),
	}
	return audit.Change{
		Action: action, Resource: domain.ScopeClients, ID: before.ID, Name: before.Name, After: kindFact(facts, before),
		Result:  after,
		Details: []slog.Attr{slog.Any("serials", serials)},
	}
}

// revokeStanding revokes the certificates of a client that are not revoked for good, and returns
// their serials.
func revokeStanding(ctx context.Context, tx domain.Store, clientID int64, r domain.Revocation) ([]string, error) {
	list, err := tx.Certificates().Standing(ctx, clientID)
	serials := []string{}
	for _, cert := range list {
		if err == nil {
			err = revokeCertificate(ctx, tx, cert, r)
		}
		serials = append(serials, cert.Serial)
	}
	return serials, err
}

// revokeCertificate revokes a known certificate, suspends it or lifts its suspension.
func revokeCertificate(ctx context.Context, tx domain.Store, cert domain.Certificate, r domain.Revocation) error {
	at := r.RevokedAt
	switch {
	case r.Reason != domain.RemoveFromCRL:
	case !cert.Suspended():
		return nil
	default:
		at = time.Time{}
	}
	if err := tx.Certificates().Revoke(ctx, cert.ID, at, r.Reason); err != nil {
		return err
	}
	return revokeSerial(ctx, tx, cert, r)
}

// revokeSerial puts a certificate on its CA's list, or changes its entry. A certificate that was
// resumed keeps the reason removeFromCRL, so it is known that there is an entry.
func revokeSerial(ctx context.Context, tx domain.Store, cert domain.Certificate, r domain.Revocation) error {
	listed := cert.ID != 0 && (cert.Suspended() || cert.Reason == domain.RemoveFromCRL)
	return putOnList(ctx, tx, cert, listed, r)
}

// putOnList stores the revocation of a certificate under the next epoch of its CA. listed says that
// there is one, which it replaces.
func putOnList(
	ctx context.Context, tx domain.Store, cert domain.Certificate, listed bool, r domain.Revocation,
) error {
	epoch, err := tx.Revocations().Advance(ctx, cert.CAID)
	if err != nil {
		return err
	}
	r.CAID, r.Serial, r.NotAfter, r.Epoch = cert.CAID, cert.Serial, cert.NotAfter, epoch
	if listed {
		return tx.Revocations().Change(ctx, r)
	}
	return tx.Revocations().Add(ctx, []domain.Revocation{r})
}
