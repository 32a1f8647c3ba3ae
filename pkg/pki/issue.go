package pki

import (
	"context"
	"crypto"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
)

// Create issues a certificate for a new client.
func (s *Clients) Create(ctx context.Context, spec domain.ClientSpec) (domain.Client, error) {
	return idempotency.Do(ctx, s.Recorder.Results, func() (domain.Client, error) {
		client, err := s.issue(ctx, spec)
		if s.otherCA(err, spec.CAID) {
			client, err = s.issue(ctx, spec)
		}
		return client, err
	})
}

// otherCA reports whether the refusal may come from a cached authority that is not the present CA
// of that id. It evicts the authority; the caller then tries once more.
func (s *Clients) otherCA(err error, caID int64) bool {
	refused := slices.ContainsFunc(
		domain.Faults(err), func(f *domain.Error) bool { return f.Kind == domain.NotFound && f.Field == "ca_id" },
	)
	return refused && s.Authorities.Forget(caID)
}

func (s *Clients) issue(ctx context.Context, spec domain.ClientSpec) (domain.Client, error) {
	plan, err := s.plan(ctx, spec)
	if err != nil {
		return domain.Client{}, err
	}
	signer, ctx, done, err := makeKey(ctx, s.Generator, plan.algorithm)
	if err != nil {
		return domain.Client{}, err
	}
	defer done()
	cert, err := plan.certificate.Issue(signer.Public())
	if err != nil {
		return domain.Client{}, err
	}
	pem, err := s.keyPEM(ctx, signer, spec.Password)
	if err != nil {
		return domain.Client{}, err
	}
	client := domain.Client{
		CAID: spec.CAID, Name: spec.Name, Description: spec.Description, Subject: spec.Subject,
		ExpiresAt: cert.NotAfter.UTC(), CreatedAt: plan.now, UpdatedAt: plan.now,
	}
	return s.keep(ctx, domain.ActionCreate, client, domain.Certificate{
		CAID: spec.CAID, Serial: ca.FormatSerial(cert.SerialNumber), NotBefore: cert.NotBefore, NotAfter: cert.NotAfter,
		DER:       cert.Raw,
		SealedKey: s.Keys.Seal(pem, clientKeyContext(cert.Raw)), KeyProtected: spec.Password != "", CreatedAt: plan.now,
		Issuer: plan.authority.Certificate.Raw,
	})
}

// issuePlan is a checked ClientSpec.
type issuePlan struct {
	authority   *ca.Authority
	algorithm   ca.KeyAlgorithm
	now         time.Time
	certificate *ca.Prepared
}

// plan checks everything that can be checked before a key is made, and reports all faults at once.
func (s *Clients) plan(ctx context.Context, spec domain.ClientSpec) (issuePlan, error) {
	plan := issuePlan{now: s.Now()}
	algorithm, algorithmErr := keyAlgorithm(spec.KeyAlgorithm)
	authority, caErr := s.Authorities.Get(ctx, spec.CAID)
	if domain.IsKind(caErr, domain.Missing) {
		caErr = domain.Fault(domain.NotFound, "ca_id", domain.ReasonNotFound)
	}
	err := errors.Join(spec.Validate(), algorithmErr, caErr)
	costly := algorithm.Costly() || spec.Password != ""
	// If the key is cheap, it costs less to let the insert report that a name is taken.
	if err != nil || costly {
		taken, nameErr := s.Store.Clients().NameTaken(ctx, spec.Name)
		err = errors.Join(err, nameFault(taken, nameErr))
	}
	if err != nil {
		return plan, err
	}
	plan.algorithm, plan.authority = algorithm, authority
	end, err := clientEnd(plan.now, spec.Expiration, authority.Certificate.NotAfter)
	if err != nil {
		return plan, err
	}
	plan.certificate, err = authority.PrepareClient(ca.ClientRequest{
		Subject: certificateSubject(spec.Name, spec.Subject), NotBefore: plan.now.Add(-backdate), NotAfter: end,
	})
	return plan, material("name", err) // a subject that is not possible, such as that of the CA itself
}

// clientEnd returns when a certificate that is issued now ends: after the requested days, or after
// the default life but not after its CA.
func clientEnd(now time.Time, days *int, caEnd time.Time) (time.Time, error) {
	if !now.Before(caEnd) {
		return time.Time{}, domain.Fault(domain.Rule, "ca_id", domain.ReasonCAExpired)
	}
	if days == nil {
		end := now.Add(domain.DefaultClientLife * day)
		if end.After(caEnd) {
			end = caEnd
		}
		return end, nil
	}
	// certificates have whole seconds, so the CA's end is a whole second
	end := now.Add(time.Duration(*days) * day).Truncate(time.Second)
	if end.After(caEnd) {
		return time.Time{}, domain.Fault(domain.Rule, "expiration", domain.ReasonBeyondCA, caEnd.UTC())
	}
	return end, nil
}

// keyPEM encodes a private key, encrypted if there is a password.
func (s *Clients) keyPEM(ctx context.Context, signer crypto.Signer, password domain.Secret) (pem []byte, err error) {
	if password == "" {
		return ca.MarshalPrivateKey(signer)
	}
	err = s.Derivations.Do(ctx, func() (err error) {
		pem, err = ca.EncryptPrivateKey(signer, string(password))
		return err
	})
	return pem, err
}

// keep stores a client with its certificate and audit event, and also its revocation if the client
// is revoked.
func (s *Clients) keep(
	ctx context.Context, action domain.Action, client domain.Client, cert domain.Certificate,
) (domain.Client, error) {
	done := audit.Change{
		Action: action, Resource: domain.ScopeClients, Name: client.Name, After: issuedFacts(client, cert),
	}
	event, err := s.Recorder.Event(ctx, done)
	if err != nil {
		return domain.Client{}, err
	}
	if client.Revoked() || idempotency.Keyed(ctx) {
		err = s.Recorder.Results.Transact(ctx, func(tx domain.Store) (any, error) {
			if err := revokeImported(ctx, tx, cert, client.RevokedAt); err != nil {
				return nil, err
			}
			return &client, s.enrol(ctx, tx, &client, &cert, event)
		})
	} else {
		err = s.enrol(ctx, s.Store, &client, &cert, event)
	}
	if err != nil {
		return domain.Client{}, err
	}
	done.ID, done.Details = client.ID, []slog.Attr{slog.Int64("ca_id", client.CAID), slog.String("serial", cert.Serial)}
	s.Recorder.Tell(ctx, done)
	return client, nil
}

func (s *Clients) enrol(
	ctx context.Context, tx domain.Store, client *domain.Client, cert *domain.Certificate, event *domain.Event,
) error {
	return s.Recorder.WhileAllowed(
		ctx, tx, func(tx domain.Store) error { return tx.Clients().Enrol(ctx, client, cert, event) }, event,
	)
}

// revokeImported adds the revocation of an imported certificate, if it is revoked and the CA's own
// list did not have it already.
func revokeImported(ctx context.Context, tx domain.Store, cert domain.Certificate, at time.Time) error {
	if at.IsZero() {
		return nil
	}
	_, listed, err := tx.Revocations().Find(ctx, cert.CAID, cert.Serial)
	if err != nil || listed {
		return err
	}
	return addRevocation(ctx, tx, cert, at)
}
