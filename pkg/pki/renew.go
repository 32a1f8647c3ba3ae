package pki

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
)

// Renew issues another certificate for a client, with a new key. Its other certificates stay valid
// until the overlap ends and are then revoked as superseded; without an overlap, and if they are
// suspended, they are revoked now. A client that is revoked or expired is in force again, under its
// name.
//
// Errors: those of Create; *domain.Error with Missing; with Duplicated on name if another client
// has the name meanwhile.
func (s *Clients) Renew(ctx context.Context, id int64, asked domain.ClientRenewal) (domain.Client, error) {
	return s.renewIf(ctx, id, asked, s.own)
}

// renewIf renews the client that a check lets pass.
func (s *Clients) renewIf(
	ctx context.Context, id int64, asked domain.ClientRenewal, check func(domain.Client, error) (domain.Client, error),
) (domain.Client, error) {
	return idempotency.Do(ctx, s.Recorder.Results, func() (domain.Client, error) {
		renewed, caID, err := s.renew(ctx, id, asked, check)
		for n := 0; n < moreTries && s.otherCA(ctx, err, caID); n++ {
			renewed, _, err = s.renew(ctx, id, asked, check)
		}
		return renewed, err
	})
}

// renew also returns the id of the CA, if there is such a client.
func (s *Clients) renew(
	ctx context.Context, id int64, asked domain.ClientRenewal, check func(domain.Client, error) (domain.Client, error),
) (renewed domain.Client, caID int64, err error) {
	client, standing, err := s.Store.Clients().Standing(ctx, id)
	if client, err = check(client, err); err != nil {
		return domain.Client{}, 0, err
	}
	spec, err := asked.Spec(client)
	plan, planErr := s.plan(ctx, spec, s.checkFreeFor(client))
	if err := errors.Join(err, planErr); err != nil {
		return domain.Client{}, client.CAID, err
	}
	cert, ctx, done, err := s.make(ctx, plan.issuePlan, domain.CertificateOfClient)
	if err != nil {
		return domain.Client{}, client.CAID, err
	}
	defer done()
	cert.ClientID = client.ID
	renewal := domain.Renewal{
		Before: client, Standing: standing, After: renewedBy(client, spec.Name, cert), Certificate: cert,
		Until: asked.Until(plan.now), InForce: asked.InForce,
	}
	renewed, err = s.keepNext(ctx, renewal)
	return renewed, client.CAID, err
}

// renewedBy returns a client with another certificate in force.
func renewedBy(c domain.Client, name string, cert domain.Certificate) domain.Client {
	c.Take(cert)
	c.Name, c.UpdatedAt = name, cert.CreatedAt
	return c
}

// keepNext stores a renewal at once if that is possible, and otherwise step by step.
func (s *Clients) keepNext(ctx context.Context, r domain.Renewal) (domain.Client, error) {
	if r.Simple() && !idempotency.Keyed(ctx) && !domain.OriginOf(ctx).DryRun {
		if done, err := s.keepSimple(ctx, r); done || err != nil {
			return r.After, err
		}
	}
	kept, err := s.keepRenewed(ctx, r)
	if s.frees(ctx, err, r.After.Name) {
		kept, err = s.keepRenewed(ctx, r)
	}
	return kept, err
}

// keepSimple stores a renewal that is simple. It is false when the client is another one by now, or
// its certificates.
func (s *Clients) keepSimple(ctx context.Context, r domain.Renewal) (done bool, err error) {
	change := renewal(r.Before, r.After, r.Serials(), r.Until)
	event, err := s.Recorder.Event(ctx, change)
	if err != nil {
		return false, err
	}
	err = s.Recorder.WhileAllowed(ctx, s.Store, func(tx domain.Store) (err error) {
		done, err = tx.Clients().RenewAtOnce(ctx, &r, event)
		return err
	}, event)
	if done && err == nil {
		s.Recorder.Tell(ctx, change)
	}
	return done, err
}

// checkFreeFor checks that no client has a name, unless it is this one that holds it.
func (s *Clients) checkFreeFor(client domain.Client) func(context.Context, string) error {
	return func(ctx context.Context, name string) error {
		if client.HoldsName(s.Now()) && domain.NameKey(client.Name) == domain.NameKey(name) {
			return nil
		}
		return s.checkNameFree(ctx, name)
	}
}

// keepRenewed stores the next certificate of a client.
func (s *Clients) keepRenewed(ctx context.Context, r domain.Renewal) (record domain.Client, err error) {
	cert := r.Certificate
	err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		record, err = tx.Clients().Lock(ctx, cert.ClientID)
		if err != nil {
			return none, err
		}
		before := record
		if r.InForce && record.Revoked() {
			return none, domain.Fault(domain.Rule, "id", domain.ReasonNotInForce)
		}
		if err := checkIssuer(ctx, tx, cert); err != nil {
			return none, err
		}
		superseded, err := supersede(ctx, tx, cert.ClientID, cert.CreatedAt, r.Until)
		if err != nil {
			return none, err
		}
		if err := tx.Certificates().Create(ctx, &cert); err != nil {
			return none, err
		}
		record = renewedBy(record, r.After.Name, cert)
		if err := tx.Clients().Renew(ctx, record); err != nil {
			return none, err
		}
		return hideDraft(ctx, renewal(before, record, superseded, r.Until)), nil
	})
	return record, err
}

func renewal(before, after domain.Client, superseded []string, until time.Time) audit.Change {
	facts := func(c domain.Client) audit.Facts {
		return audit.Facts{
			"name": c.Name, "serial": c.Serial, "expires_at": audit.Moment(c.ExpiresAt),
			"key_protected": c.KeyProtected, "revoked_at": audit.Moment(c.RevokedAt),
		}
	}
	done := audit.Change{
		Action: domain.ActionRenew, Resource: domain.ScopeClients, ID: after.ID, Name: after.Name,
		Before: facts(before), After: kindFact(facts(after), after), Result: after,
		Details: []slog.Attr{slog.String("serial", after.Serial), slog.Any("superseded", superseded)},
	}
	done.After["superseded"], done.After["superseded_at"] = superseded, audit.Moment(until)
	return done
}

// checkIssuer checks that the CA is the one that has signed the certificate.
func checkIssuer(ctx context.Context, tx domain.Store, cert domain.Certificate) error {
	key, err := tx.CAs().Key(ctx, cert.CAID)
	if domain.IsKind(err, domain.Missing) || err == nil && !bytes.Equal(key.Certificate, cert.Issuer) {
		return domain.Fault(domain.NotFound, "ca_id", domain.ReasonNotFound)
	}
	return err
}

// supersede ends the certificates of a client that stand. It returns their serials.
func supersede(ctx context.Context, tx domain.Store, clientID int64, now, until time.Time) ([]string, error) {
	list, err := tx.Certificates().Standing(ctx, clientID)
	serials := []string{}
	for _, cert := range list {
		if err == nil {
			err = supersedeOne(ctx, tx, cert, now, until)
		}
		serials = append(serials, cert.Serial)
	}
	return serials, err
}

// supersedeOne ends a certificate at the time until, or now if that has come. One that is suspended
// ends now: when the client is suspended again and resumed, it must not come back.
func supersedeOne(ctx context.Context, tx domain.Store, cert domain.Certificate, now, until time.Time) error {
	switch {
	case !until.After(now) || cert.Suspended():
		return revokeCertificate(ctx, tx, cert, domain.Revocation{RevokedAt: now, Reason: domain.Superseded})
	case !cert.SupersededAt.IsZero() && cert.SupersededAt.Before(until):
		return nil
	}
	return tx.Certificates().Supersede(ctx, cert.ID, until)
}
