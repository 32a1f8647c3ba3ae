package pki

import (
	"context"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Place gives a new client its place, in the transaction that stores it. It adds to the change what
// the audit is to tell of that, and sets what is kept for repeats of the request. Its error keeps
// the client from being stored.
type Place func(ctx context.Context, tx domain.Store, client domain.Client, done *audit.Change) error

// CreatePlaced is [Clients.Create] with a place. What a repeat of the request gets is for the
// caller.
func (s *Clients) CreatePlaced(ctx context.Context, spec domain.ClientSpec, place Place) (domain.Client, error) {
	client, err := s.issue(ctx, spec, place)
	for n := 0; n < moreTries && s.otherCA(ctx, err, spec.CAID); n++ {
		client, err = s.issue(ctx, spec, place)
	}
	return client, err
}

// ImportPlaced is [Clients.Import] with a place.
func (s *Clients) ImportPlaced(ctx context.Context, in domain.ClientImport, place Place) (domain.Client, error) {
	client, err := s.takeOver(ctx, in, place)
	for n := 0; n < moreTries && s.otherCA(ctx, err, in.CAID); n++ {
		client, err = s.takeOver(ctx, in, place)
	}
	return client, err
}

// keeper stores a client with its certificate.
type keeper func(context.Context, domain.Action, domain.Client, domain.Certificate) (domain.Client, error)

// placing stores a client by several statements: the place comes between the client and the event,
// which is last.
func (s *Clients) placing(place Place) keeper {
	return func(
		ctx context.Context, action domain.Action, client domain.Client, cert domain.Certificate,
	) (domain.Client, error) {
		err := s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (done audit.Change, err error) {
			if err := storeClient(ctx, tx, &client, &cert); err != nil {
				return done, err
			}
			done = issuance(action, client, cert)
			return done, place(ctx, tx, client, &done)
		})
		return client, err
	}
}

// storeClient stores a client with its certificate and, if that is revoked, its revocation.
func storeClient(ctx context.Context, tx domain.Store, client *domain.Client, cert *domain.Certificate) error {
	if err := checkIssuer(ctx, tx, *cert); err != nil {
		return err
	}
	if err := tx.Clients().Create(ctx, client); err != nil {
		return err
	}
	cert.ClientID = client.ID
	if err := tx.Certificates().Create(ctx, cert); err != nil {
		return err
	}
	return revokeImported(ctx, tx, *cert)
}
