package pki

import (
	"context"
	"crypto"
	"crypto/x509"
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
	plan, err := s.plan(ctx, spec, s.checkNameFree)
	if err != nil {
		return domain.Client{}, err
	}
	cert, ctx, done, err := s.make(ctx, plan)
	if err != nil {
		return domain.Client{}, err
	}
	defer done()
	client := domain.Client{
		CAID: spec.CAID, Name: spec.Name, Description: spec.Description, Subject: spec.Subject,
		CreatedAt: plan.now, UpdatedAt: plan.now,
	}
	return s.keep(ctx, domain.ActionCreate, client, cert)
}

// issuePlan is a checked ClientSpec.
type issuePlan struct {
	spec        domain.ClientSpec
	authority   *ca.Authority
	algorithm   ca.KeyAlgorithm
	now         time.Time
	certificate *ca.Prepared
}

// plan checks everything that can be checked before a key is made, and reports all faults at once.
func (s *Clients) plan(
	ctx context.Context, spec domain.ClientSpec, checkFree func(context.Context, string) error,
) (issuePlan, error) {
	plan := issuePlan{spec: spec, now: s.Now()}
	algorithm, algorithmErr := keyAlgorithm(spec.KeyAlgorithm)
	authority, caErr := s.Authorities.Get(ctx, spec.CAID)
	if domain.IsKind(caErr, domain.Missing) {
		caErr = domain.Fault(domain.NotFound, "ca_id", domain.ReasonNotFound)
	}
	err := errors.Join(spec.Validate(), algorithmErr, caErr)
	costly := algorithm.Costly() || spec.Password != ""
	// If the key is cheap, it costs less to let the insert report that a name is taken.
	if err != nil || costly {
		err = errors.Join(err, checkFree(ctx, spec.Name))
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

func (s *Clients) checkNameFree(ctx context.Context, name string) error {
	taken, err := s.Store.Clients().NameTaken(ctx, name, s.Now())
	return nameFault(taken, err)
}

// make makes the key and the certificate of a plan. The caller goes on with the returned context,
// and has to end it.
func (s *Clients) make(
	ctx context.Context, plan issuePlan,
) (domain.Certificate, context.Context, context.CancelFunc, error) {
	signer, ctx, done, err := makeKey(ctx, s.Generator, plan.algorithm)
	if err != nil {
		return domain.Certificate{}, ctx, nil, err
	}
	cert, err := plan.certificate.Issue(signer.Public())
	if err == nil {
		var pem []byte
		if pem, err = s.keyPEM(ctx, signer, plan.spec.Password); err == nil {
			record := described(plan.spec.CAID, domain.CertificateOfClient, cert, plan.now)
			record.Issuer = plan.authority.Certificate.Raw
			s.keepKey(&record, pem, plan.spec.Password)
			return record, ctx, done, nil
		}
	}
	done()
	return domain.Certificate{}, ctx, nil, err
}

// keepKey seals the private key of a certificate.
func (s *Clients) keepKey(c *domain.Certificate, pem []byte, password domain.Secret) {
	c.SealedKey, c.KeyKept, c.KeyProtected = s.Keys.Seal(pem, clientKeyContext(c.DER)), true, password != ""
}

// described returns the record of a certificate, without its key.
func described(
	caID int64, kind domain.CertificateKind, cert *x509.Certificate, now time.Time,
) domain.Certificate {
	algorithm, err := ca.AlgorithmOf(cert.PublicKey)
	if err != nil {
		algorithm = "" // of a key that is not accepted any more
	}
	return domain.Certificate{
		CAID: caID, Kind: kind, Name: ca.SubjectOf(cert).CommonName, Serial: ca.FormatSerial(cert.SerialNumber),
		Fingerprint: fingerprint(cert.Raw), KeyAlgorithm: string(algorithm), NotBefore: cert.NotBefore,
		NotAfter: cert.NotAfter, DER: cert.Raw, CreatedAt: now,
	}
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

// keep stores a client with its certificate and audit event, and also its revocation if the
// certificate is revoked. A name that an expired certificate holds comes free.
func (s *Clients) keep(
	ctx context.Context, action domain.Action, client domain.Client, cert domain.Certificate,
) (domain.Client, error) {
	client.Take(cert)
	kept, err := s.keepOnce(ctx, action, client, cert)
	if s.frees(ctx, err, client.Name) {
		kept, err = s.keepOnce(ctx, action, client, cert)
	}
	return kept, err
}

// frees reports whether an error says that a name is taken which has come free now.
func (s *Clients) frees(ctx context.Context, err error, name string) bool {
	taken := slices.ContainsFunc(
		domain.Faults(err), func(f *domain.Error) bool { return f.Kind == domain.Duplicated && f.Field == "name" },
	)
	if !taken {
		return false
	}
	free, err := s.Store.Clients().FreeName(ctx, name, s.Now())
	return free && err == nil
}

func (s *Clients) keepOnce(
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
			if err := revokeImported(ctx, tx, cert); err != nil {
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
func revokeImported(ctx context.Context, tx domain.Store, cert domain.Certificate) error {
	if !cert.Revoked() {
		return nil
	}
	_, listed, err := tx.Revocations().Find(ctx, cert.CAID, cert.Serial)
	if err != nil || listed {
		return err
	}
	return revokeSerial(ctx, tx, cert, domain.Revocation{RevokedAt: cert.RevokedAt, Reason: cert.Reason})
}
