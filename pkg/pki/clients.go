package pki

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/seal"
	"github.com/chaveiro/chaveiro/pkg/turns"
)

// Issuing is what use cases need that issue certificates and hand out their keys.
type Issuing struct {
	Store       domain.Store
	Authorities *Authorities
	Keys        *seal.Keyring
	Generator   *ca.KeyGenerator
	Derivations *turns.Turns // for deriving keys from passwords
	Scans       *turns.Turns
	Recorder    *audit.Recorder
	Now         func() time.Time
}

// Clients are the use cases of clients of one kind. To those that take the id of a client, one of
// another kind is missing, but for Material, Archive and Reissue: their callers know the client.
type Clients struct {
	Issuing
	Kind  domain.ClientKind
	stuck stuckOverlaps
}

// markBatch is how many expired certificates one statement marks.
const markBatch = 1000

// MarkExpired marks the certificates that have expired, which keeps lists by status fast. It runs
// in the background; the lists are exact without it.
func (s *Clients) MarkExpired(ctx context.Context) error {
	for {
		marked, err := s.Store.Clients().MarkExpired(ctx, s.Now(), markBatch)
		if err != nil || marked < markBatch {
			return err
		}
	}
}

// Page lists clients, for somebody who looks at them.
func (s *Clients) Page(
	ctx context.Context, filter domain.ClientFilter, page domain.PageRequest,
) (domain.Page[domain.Client], error) {
	filter.Kind, filter.At = s.Kind, s.Now()
	list := func(ctx context.Context, from domain.Store) (domain.Page[domain.Client], error) {
		return from.Clients().Page(ctx, filter, page)
	}
	return turns.Search(ctx, s.Scans, filter.Wide(), func(ctx context.Context) (domain.Page[domain.Client], error) {
		return domain.Stale(ctx, s.Store, list)
	})
}

// current lists clients as they are now, for somebody who changes them.
func (s *Clients) current(
	ctx context.Context, filter domain.ClientFilter, page domain.PageRequest,
) (domain.Page[domain.Client], error) {
	filter.Kind, filter.At = s.Kind, s.Now()
	return turns.Search(ctx, s.Scans, filter.Wide(), func(ctx context.Context) (domain.Page[domain.Client], error) {
		return s.Store.Clients().Page(ctx, filter, page)
	})
}

// Get returns one client.
func (s *Clients) Get(ctx context.Context, id int64) (domain.Client, error) {
	return s.own(s.Store.Clients().Get(ctx, id))
}

// own is Missing for a client of another kind.
func (s *Clients) own(c domain.Client, err error) (domain.Client, error) {
	if err == nil && c.Kind != s.Kind {
		return domain.Client{}, domain.Fault(domain.Missing, "id", domain.ReasonNotFound)
	}
	return c, err
}

// Lock is that of the repository, for a client of the kind.
func (s *Clients) Lock(ctx context.Context, tx domain.Store, id int64) (domain.Client, error) {
	return s.own(tx.Clients().Lock(ctx, id))
}

// newest returns the certificate in force of a client.
func (s *Clients) newest(ctx context.Context, id int64) (domain.Certificate, error) {
	if _, err := s.Get(ctx, id); err != nil {
		return domain.Certificate{}, err
	}
	return s.Store.Certificates().OfClient(ctx, id)
}

// Update changes a client's record.
func (s *Clients) Update(ctx context.Context, id int64, update domain.ClientUpdate) (record domain.Client, err error) {
	err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (done audit.Change, err error) {
		rows := tx.Clients()
		lock := func(ctx context.Context, id int64) (domain.Client, error) { return s.Lock(ctx, tx, id) }
		record, done, err = clients.Edit(ctx, id, lock, rows.Update, func(c *domain.Client) error {
			c.UpdatedAt = s.Now()
			return update.Apply(c)
		})
		return done, err
	})
	return record, err
}

// Certificates lists the certificates that a client has had.
func (s *Clients) Certificates(
	ctx context.Context, id int64, page domain.PageRequest,
) (domain.Page[domain.Certificate], error) {
	if _, err := s.Get(ctx, id); err != nil {
		return domain.Page[domain.Certificate]{}, err
	}
	return s.Store.Certificates().Page(ctx, domain.CertificateFilter{ClientID: id, At: s.Now()}, page)
}

// Certificate returns the client's certificate followed by those of its CA and above, in PEM.
func (s *Clients) Certificate(ctx context.Context, id int64) ([]byte, error) {
	cert, err := s.newest(ctx, id)
	if err != nil {
		return nil, err
	}
	return chainPEM(ctx, s.Store, cert, s.Now())
}
