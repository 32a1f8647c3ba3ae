package pki

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
)

// Create issues a certificate for a new client.
func (s *Clients) Create(ctx context.Context, spec domain.ClientSpec) (domain.Client, error) {
	return idempotency.Do(ctx, s.Recorder.Results, func() (domain.Client, error) {
		return s.CreatePlaced(ctx, spec, nil)
	})
}

func (s *Clients) issue(ctx context.Context, spec domain.ClientSpec, place Place) (domain.Client, error) {
	plan, err := s.plan(ctx, spec, s.checkNameFree)
	if err != nil {
		return domain.Client{}, err
	}
	cert, ctx, done, err := s.make(ctx, plan.issuePlan, domain.CertificateOfClient)
	if err != nil {
		return domain.Client{}, err
	}
	defer done()
	return s.keep(ctx, domain.ActionCreate, plan.client(), cert, place)
}

// clientPlan is a checked ClientSpec.
type clientPlan struct {
	issuePlan
	spec domain.ClientSpec
	kind domain.ClientKind
}

// client is the record of the new client, without a certificate.
func (p clientPlan) client() domain.Client {
	return domain.Client{
		Kind: p.kind, CAID: p.spec.CAID, Name: p.spec.Name, Description: p.spec.Description, Subject: p.spec.Subject,
		CreatedAt: p.now, UpdatedAt: p.now,
	}
}

// plan checks everything that can be checked before a key is made, and reports all faults at once.
func (s *Clients) plan(
	ctx context.Context, spec domain.ClientSpec, checkFree func(context.Context, string) error,
) (clientPlan, error) {
	plan, err := s.begin(ctx, spec.CAID, spec.Key())
	err = errors.Join(spec.Validate(), err)
	// If the key is cheap, it costs less to let the insert report that a name is taken.
	if err != nil || plan.costly() {
		err = errors.Join(err, checkFree(ctx, spec.Name))
	}
	if err != nil {
		return clientPlan{}, err
	}
	end, err := certificateEnd(plan.now, spec.Expiration, plan.authority.Certificate.NotAfter)
	if err != nil {
		return clientPlan{}, err
	}
	plan.certificate, err = plan.authority.PrepareClient(ca.ClientRequest{
		Subject: certificateSubject(spec.Name, spec.Subject), NotBefore: plan.now.Add(-backdate), NotAfter: end,
	})
	// the subject may be one that is not possible, such as that of the CA itself
	return clientPlan{plan, spec, s.Kind}, issuingFault(err, nil)
}

func (s *Clients) checkNameFree(ctx context.Context, name string) error {
	taken, err := s.Store.Clients().NameTaken(ctx, name, s.Now())
	return nameFault(taken, err)
}

// keep stores a client with its certificate and audit event, and also its revocation if the
// certificate is revoked. A name that an expired certificate holds comes free.
func (s *Clients) keep(
	ctx context.Context, action domain.Action, client domain.Client, cert domain.Certificate, place Place,
) (domain.Client, error) {
	client.Take(cert)
	once := s.keepOnce
	if place != nil {
		once = s.placing(place)
	}
	kept, err := once(ctx, action, client, cert)
	if s.frees(ctx, err, client.Name) {
		kept, err = once(ctx, action, client, cert)
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
	done := issuance(action, client, cert)
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
	done.ID = client.ID
	s.Recorder.Tell(ctx, done)
	return client, nil
}

// issuance is the change that makes a client with its certificate.
func issuance(action domain.Action, client domain.Client, cert domain.Certificate) audit.Change {
	return audit.Change{
		Action: action, Resource: domain.ScopeClients, ID: client.ID, Name: client.Name,
		After:   issuedFacts(client, cert),
		Details: []slog.Attr{slog.Int64("ca_id", client.CAID), slog.String("serial", cert.Serial)},
	}
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
