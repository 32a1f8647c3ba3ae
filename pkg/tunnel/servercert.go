package tunnel

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
	"github.com/chaveiro/chaveiro/pkg/pki"
)

// errTaken says that another replica, or a person, has renewed the certificate meanwhile.
var errTaken = errors.New("tunnel: the certificate of the server is another one by now")

// Renew issues another certificate for the server of an instance, with a new key and the names of
// its present remotes. The one before stays valid until the overlap ends, and is then revoked. It
// may be of the CA that takes the place of the one before: see checkMove.
func (s *Instances) Renew(ctx context.Context, id int64, asked domain.ServerRenewal) (domain.Instance, error) {
	if err := asked.Validate(); err != nil {
		return domain.Instance{}, err
	}
	return idempotency.Do(ctx, s.Recorder.Results, func() (domain.Instance, error) {
		for {
			i, err := s.Store.Instances().Get(ctx, id)
			if err != nil {
				return i, err
			}
			if i, err = s.renew(ctx, i, asked); !errors.Is(err, errTaken) {
				return i, err
			}
		}
	})
}

func (s *Instances) renew(
	ctx context.Context, i domain.Instance, asked domain.ServerRenewal,
) (renewed domain.Instance, err error) {
	now := s.Now()
	spec := serverSpec(i, asked.KeyAlgorithm)
	spec.Expiration = asked.Expiration
	if asked.CAID != 0 {
		spec.CAID = asked.CAID
	}
	if err := s.checkMove(ctx, s.Store, i, spec.CAID); err != nil {
		return renewed, err
	}
	err = s.Certificates.WithServer(ctx, spec, func(ctx context.Context, cert domain.Certificate) error {
		renewed, err = s.keepRenewed(ctx, i, cert, asked.Until(now))
		return err
	})
	return renewed, ofRemotes(err)
}

// keepRenewed stores the next certificate of a server, if it still has the one that was read: of
// several replicas one wins.
func (s *Instances) keepRenewed(
	ctx context.Context, seen domain.Instance, cert domain.Certificate, until time.Time,
) (record domain.Instance, err error) {
	err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		before, err := tx.Instances().Lock(ctx, seen.ID)
		if err != nil {
			return none, err
		}
		if before.CertificateID != seen.CertificateID {
			return none, errTaken
		}
		if err := s.checkMove(ctx, tx, before, cert.CAID); err != nil {
			return none, err
		}
		if err := pki.EndServer(ctx, tx, before.CertificateID, cert.CreatedAt, until); err != nil {
			return none, err
		}
		if err := pki.KeepServer(ctx, tx, &cert); err != nil {
			return none, err
		}
		record = before
		record.CAID = cert.CAID
		record.Take(cert)
		record.UpdatedAt = cert.CreatedAt
		if err := tx.Instances().Update(ctx, record); err != nil {
			return none, err
		}
		last, err := tx.Certificates().Get(ctx, before.CertificateID)
		if err != nil {
			return none, err
		}
		return hideDraft(ctx, renewal(before, record, last, cert, until)), nil
	})
	return record, err
}

func renewal(before, after domain.Instance, last, cert domain.Certificate, until time.Time) audit.Change {
	facts := func(i domain.Instance, c domain.Certificate) audit.Facts {
		return audit.Facts{
			"ca_id": i.CAID, "certificate_id": i.CertificateID, "serial": c.Serial, "expires_at": audit.Moment(i.ExpiresAt),
		}
	}
	done := audit.Change{
		Action: domain.ActionRenew, Resource: domain.ScopeInstances, ID: after.ID, Name: after.Name,
		Before: facts(before, last), After: facts(after, cert), Result: after,
		Details: []slog.Attr{slog.String("serial", cert.Serial)},
	}
	done.After["superseded_at"] = audit.Moment(until)
	return done
}

// hideDraft takes out of a change what another run makes anew.
func hideDraft(ctx context.Context, done audit.Change) audit.Change {
	if domain.OriginOf(ctx).DryRun {
		done.After["serial"], done.After["certificate_id"] = nil, nil
	}
	return done
}

const (
	// renewBatch is how many instances are read at once.
	renewBatch = 20
	// renewAgain is how long a renewal is put off that is not possible, or that would not help: the
	// CA ends too soon.
	renewAgain = 24 * time.Hour
)

// RenewDue renews the certificates of servers that are due. It runs in the background, on every
// replica: the row of the instance decides which one does it. What fails is tried again a day
// later, and keeps no other from being renewed.
func (s *Instances) RenewDue(ctx context.Context) error {
	for {
		due, err := s.Store.Instances().Renewable(ctx, s.Now(), renewBatch)
		if err != nil || len(due) == 0 {
			return err
		}
		for _, i := range due {
			if err := s.renewDue(ctx, i); err != nil {
				return err
			}
		}
	}
}

// renewDue renews one certificate, or puts it off. An error is one of the database.
func (s *Instances) renewDue(ctx context.Context, i domain.Instance) error {
	last, err := s.Store.Certificates().Get(ctx, i.CertificateID)
	if err != nil {
		return err
	}
	asked, err := s.likeBefore(ctx, i, last)
	if err == nil {
		_, err = s.renew(ctx, i, asked)
	}
	switch {
	case err == nil, errors.Is(err, errTaken), domain.IsKind(err, domain.Missing):
		return nil
	case len(domain.Faults(err)) == 0:
		return err
	}
	s.Log.WarnContext(ctx, "the certificate of a server can't be renewed", "instance", i.ID, "name", i.Name, "error", err)
	return s.putOff(ctx, i)
}

// likeBefore asks for a certificate like the last one: as long a life, and a key of the same
// algorithm. Errors: *domain.Error with Rule if it would not end later.
func (s *Instances) likeBefore(
	ctx context.Context, i domain.Instance, last domain.Certificate,
) (asked domain.ServerRenewal, err error) {
	authority, err := s.Store.CAs().Get(ctx, i.CAID)
	if err != nil {
		return asked, err
	}
	days := int(math.Round(last.NotAfter.Sub(last.NotBefore).Hours() / 24))
	asked.KeyAlgorithm = last.KeyAlgorithm
	if end := s.Now().Add(time.Duration(days) * 24 * time.Hour); days >= 1 && !end.After(authority.ExpiresAt) {
		asked.Expiration = &days
		return asked, nil
	}
	if authority.ExpiresAt.Sub(last.NotAfter) < renewAgain {
		return asked, domain.Fault(domain.Rule, "ca_id", domain.ReasonRenewEarly, last.NotAfter)
	}
	return asked, nil // until the CA ends
}

// putOff moves a renewal to the next day, unless somebody has renewed the certificate.
func (s *Instances) putOff(ctx context.Context, seen domain.Instance) error {
	return s.Store.Transact(ctx, func(tx domain.Store) error {
		i, err := tx.Instances().Lock(ctx, seen.ID)
		if err != nil || i.CertificateID != seen.CertificateID {
			if domain.IsKind(err, domain.Missing) {
				return nil
			}
			return err
		}
		i.RenewAt = s.Now().Add(renewAgain)
		return tx.Instances().Update(ctx, i)
	})
}
