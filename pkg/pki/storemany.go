package pki

import (
	"context"
	"errors"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// errOtherIssuer says that a CA of a batch is not the one that has signed.
var errOtherIssuer = errors.New("pki: another CA than the one that has signed")

// errRestlessNames says that others took names of a batch, and gave them back, too many times.
var errRestlessNames = errors.New("pki: names were taken too many times meanwhile")

// storeAttempts bounds how often a batch is stored again because a name was taken meanwhile.
const storeAttempts = 20

// store stores the rows without faults. A name that was taken since it was looked up is a fault of
// its row.
func (m *manyClients) store(ctx context.Context, answer func([]domain.BatchedClient) any) error {
	for range storeAttempts {
		err := m.storeOnce(ctx, answer)
		if !domain.IsKind(err, domain.Duplicated) {
			return err
		}
		if err := errors.Join(m.checkNames(ctx), m.faults()); err != nil {
			return err
		}
	}
	return &domain.Unavailable{Err: errRestlessNames}
}

// batchStore is what one attempt stores.
type batchStore struct {
	rows    []int // of the batch
	clients []*domain.Client
	certs   []*domain.Certificate
	changes []audit.Change
}

// storeOnce makes one attempt. Errors: *domain.Error with Duplicated for a name that is taken.
func (m *manyClients) storeOnce(ctx context.Context, answer func([]domain.BatchedClient) any) error {
	attempt := m.attempt()
	err := m.Recorder.Results.Transact(ctx, func(tx domain.Store) (any, error) {
		if err := m.storeIn(ctx, tx, attempt); err != nil {
			return nil, err
		}
		for i, row := range attempt.rows {
			m.done[row].Client = *attempt.clients[i]
		}
		if answer == nil {
			return nil, nil
		}
		return answer(m.done), nil
	})
	if domain.IsKind(err, domain.NotFound) { // a CA that is gone, or another one of its id
		return errOtherIssuer
	}
	if err != nil {
		return err
	}
	for _, change := range attempt.changes {
		m.Recorder.Tell(ctx, change)
	}
	return nil
}

// attempt returns what is to be stored of the rows without faults.
func (m *manyClients) attempt() *batchStore {
	a := &batchStore{}
	for i := range m.done {
		if m.done[i].Err != nil {
			continue
		}
		client, cert := m.plans[i].client(), m.certs[i]
		client.Take(cert)
		a.rows, a.clients, a.certs = append(a.rows, i), append(a.clients, &client), append(a.certs, &cert)
	}
	return a
}

// storeIn stores clients, certificates and events.
func (m *manyClients) storeIn(ctx context.Context, tx domain.Store, a *batchStore) error {
	if err := checkIssuers(ctx, tx, a.certs); err != nil || len(a.rows) == 0 {
		return err
	}
	if err := tx.Clients().CreateAll(ctx, a.clients); err != nil {
		return err
	}
	for i, client := range a.clients {
		a.certs[i].ClientID = client.ID
	}
	if err := tx.Certificates().CreateAll(ctx, a.certs); err != nil {
		return err
	}
	events := make([]*domain.Event, len(a.rows))
	a.changes = make([]audit.Change, len(a.rows))
	for i, client := range a.clients {
		var err error
		a.changes[i] = issuance(domain.ActionCreate, *client, *a.certs[i])
		if events[i], err = m.Recorder.Event(ctx, a.changes[i]); err != nil {
			return err
		}
	}
	return m.Recorder.RecordAll(ctx, tx, events)
}

// checkIssuers checks that each CA is the one that has signed.
func checkIssuers(ctx context.Context, tx domain.Store, certs []*domain.Certificate) error {
	seen := map[int64]bool{}
	for _, cert := range certs {
		if seen[cert.CAID] {
			continue
		}
		seen[cert.CAID] = true
		if err := checkIssuer(ctx, tx, *cert); err != nil {
			return err
		}
	}
	return nil
}
