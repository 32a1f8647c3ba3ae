package pki

import (
	"context"
	"log/slog"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/seal"
	"github.com/chaveiro/chaveiro/pkg/turns"
)

// Clients are the use cases of site-to-site clients.
type Clients struct {
	Store       domain.Store
	Authorities *Authorities
	Keys        *seal.Keyring
	Generator   *ca.KeyGenerator
	Derivations *turns.Turns // of keys from passwords
	Scans       *turns.Turns
	Recorder    *audit.Recorder
	Now         func() time.Time
}

// markBatch is how many ended certificates are marked in one statement.
const markBatch = 1000

// MarkExpired marks the certificates that have expired, which keeps lists by status fast. It is
// called in the background; lists are exact without it.
func (s *Clients) MarkExpired(ctx context.Context) error {
	for {
		marked, err := s.Store.Clients().MarkExpired(ctx, s.Now(), markBatch)
		if err != nil || marked < markBatch {
			return err
		}
	}
}

// Page lists clients.
func (s *Clients) Page(
	ctx context.Context, filter domain.ClientFilter, page domain.PageRequest,
) (domain.Page[domain.Client], error) {
	filter.At = s.Now()
	return turns.Search(ctx, s.Scans, filter.Wide(), func(ctx context.Context) (domain.Page[domain.Client], error) {
		return s.Store.Clients().Page(ctx, filter, page)
	})
}

// Get returns one client.
func (s *Clients) Get(ctx context.Context, id int64) (domain.Client, error) {
	return s.Store.Clients().Get(ctx, id)
}

// Update changes a client's record.
func (s *Clients) Update(ctx context.Context, id int64, update domain.ClientUpdate) (record domain.Client, err error) {
	err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (done audit.Change, err error) {
		rows := tx.Clients()
		record, done, err = clients.Edit(ctx, id, rows.Lock, rows.Update, func(c *domain.Client) error {
			c.UpdatedAt = s.Now()
			return update.Apply(c)
		})
		return done, err
	})
	return record, err
}

// Revoke revokes the client's certificate; once it has returned, every CRL that is served lists it.
// Revoking again changes nothing.
func (s *Clients) Revoke(ctx context.Context, id int64) error {
	return s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		client, err := tx.Clients().Lock(ctx, id)
		if err != nil || client.Revoked() {
			return none, err
		}
		revoked, err := tx.Certificates().OfClient(ctx, id)
		if err != nil {
			return none, err
		}
		now := s.Now()
		if err := tx.Clients().Revoke(ctx, id, now); err != nil {
			return none, err
		}
		if err := addRevocation(ctx, tx, revoked, now); err != nil {
			return none, err
		}
		return audit.Change{
			Action: domain.ActionRevoke, Resource: domain.ScopeClients, ID: id, Name: client.Name,
			After:   audit.Facts{"serial": revoked.Serial, "revoked_at": audit.Moment(now)},
			Details: []slog.Attr{slog.String("serial", revoked.Serial)},
		}, nil
	})
}

// addRevocation puts a certificate on its CA's list.
func addRevocation(ctx context.Context, tx domain.Store, cert domain.Certificate, at time.Time) error {
	epoch, err := tx.Revocations().Advance(ctx, cert.CAID)
	if err != nil {
		return err
	}
	return tx.Revocations().Add(ctx, []domain.Revocation{{
		CAID: cert.CAID, Serial: cert.Serial, RevokedAt: at, NotAfter: cert.NotAfter, Epoch: epoch,
	}})
}

// Certificate returns the client's certificate followed by its CA's, in PEM.
func (s *Clients) Certificate(ctx context.Context, id int64) ([]byte, error) {
	cert, err := s.Store.Certificates().OfClient(ctx, id)
	if err != nil {
		return nil, err
	}
	authority, err := s.Store.CAs().Key(ctx, cert.CAID)
	if err != nil {
		return nil, err
	}
	return append(ca.EncodeCertificatePEM(cert.DER), ca.EncodeCertificatePEM(authority.Certificate)...), nil
}
