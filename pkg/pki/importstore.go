package pki

import (
	"bytes"
	"context"
	"maps"
	"slices"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// store stores everything in one transaction, and tells it after the commit.
func (t *takeover) store(ctx context.Context) error {
	// before the transaction, in which clients must not be locked after the CA
	for _, name := range t.expired {
		if _, err := t.Store.Clients().FreeName(ctx, name, t.now); err != nil {
			return err
		}
	}
	var made []*owner
	for _, o := range t.owners {
		if o.client.ID == 0 {
			made = append(made, o)
		}
	}
	var changes []audit.Change
	err := t.Store.Transact(ctx, func(tx domain.Store) (err error) {
		for _, o := range made { // a run that was rolled back has given them ids
			o.client.ID = 0
		}
		changes, err = t.storeIn(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	for _, change := range changes {
		t.Recorder.Tell(ctx, change)
	}
	return nil
}

// storeIn stores everything, and returns the changes of which it has appended the events.
func (t *takeover) storeIn(ctx context.Context, tx domain.Store) ([]audit.Change, error) {
	if err := t.lock(ctx, tx); err != nil {
		return nil, err
	}
	if err := t.storeClients(ctx, tx); err != nil {
		return nil, err
	}
	certs := t.stored()
	if err := tx.Certificates().CreateAll(ctx, certs); err != nil {
		return nil, err
	}
	added, err := t.storeRevocations(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, item := range t.items {
		item.row.ClientID = item.record.ClientID
	}
	if ctx, err = t.allowed(ctx, tx); err != nil {
		return nil, err
	}
	changes := t.changes(certs, added)
	events := make([]*domain.Event, len(changes))
	for i, change := range changes {
		if events[i], err = t.Recorder.Event(ctx, change); err != nil {
			return nil, err
		}
	}
	if err := t.keepAnswer(ctx, tx); err != nil {
		return nil, err
	}
	return changes, t.Recorder.RecordAll(ctx, tx, events)
}

// lock locks the clients that change and then the CA, or makes the CA.
func (t *takeover) lock(ctx context.Context, tx domain.Store) error {
	if t.made != nil {
		if err := tx.CAs().Create(ctx, &t.made.record, t.made.key, stateAfter(t.crl)); err != nil {
			return err
		}
		t.caID, t.report.CA = t.made.record.ID, t.made.record
		return nil
	}
	revoked := make([]string, len(t.revocations))
	for i, one := range t.revocations {
		revoked[i] = one.Serial
	}
	found, err := tx.Certificates().ClientsOf(ctx, t.caID, revoked)
	if err != nil {
		return err
	}
	ids := map[int64]bool{}
	for _, id := range found {
		ids[id] = true
	}
	for _, o := range t.owners {
		ids[o.client.ID] = true
	}
	delete(ids, 0)
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		if _, err := tx.Clients().Lock(ctx, id); err != nil {
			return err
		}
	}
	if _, err := tx.CAs().Lock(ctx, t.caID); err != nil {
		return err
	}
	return t.checkSame(ctx, tx)
}

// checkSame checks that the CA is still the one that has signed the certificates.
func (t *takeover) checkSame(ctx context.Context, tx domain.Store) error {
	key, err := tx.CAs().Key(ctx, t.caID)
	if err == nil && !bytes.Equal(key.Certificate, t.authority.Certificate.Raw) {
		err = domain.Fault(domain.NotFound, "ca_id", domain.ReasonNotFound)
	}
	return err
}

// storeClients stores the new clients, and gives the others their newest certificate.
func (t *takeover) storeClients(ctx context.Context, tx domain.Store) error {
	var made []*domain.Client
	var there []domain.Client
	for _, o := range t.owners {
		c := &o.client
		c.CAID, c.UpdatedAt = t.caID, t.now
		c.Take(o.items[len(o.items)-1].record)
		if c.ID == 0 {
			made = append(made, c)
		} else {
			there = append(there, *c)
		}
	}
	if err := tx.Clients().CreateAll(ctx, made); err != nil {
		return err
	}
	for _, client := range there {
		if err := tx.Clients().Renew(ctx, client); err != nil {
			return err
		}
	}
	return nil
}

// stored returns the new certificates, as they are to be stored: those of a client in their order.
func (t *takeover) stored() []*domain.Certificate {
	var certs []*domain.Certificate
	add := func(item *found, clientID int64) {
		item.record.CAID, item.record.ClientID = t.caID, clientID
		certs = append(certs, &item.record)
	}
	for _, o := range t.owners {
		for _, item := range o.items {
			add(item, o.client.ID)
		}
	}
	for _, item := range t.items {
		if item.row.Action == ImportNew && item.owner == nil {
			add(item, 0)
		}
	}
	return certs
}

// storeRevocations puts the revocations on the CA's list, and marks certificates that were known as
// revoked. It returns how many revocations it has added.
func (t *takeover) storeRevocations(ctx context.Context, tx domain.Store) (int, error) {
	list := RestoredCA{ID: t.caID, revocations: t.revocations}
	if t.made == nil {
		if err := list.leaveKnown(ctx, tx); err != nil {
			return 0, err
		}
		if err := tx.CRLs().Continue(ctx, t.caID, t.known.Number, t.known.last); err != nil {
			return 0, err
		}
	}
	if len(list.revocations) == 0 {
		return 0, nil // no list could ever reach an epoch without revocations
	}
	epoch, err := tx.Revocations().Advance(ctx, t.caID)
	if err != nil {
		return 0, err
	}
	fresh := map[string]bool{}
	for _, item := range t.items {
		fresh[item.record.Serial] = item.row.Action == ImportNew
	}
	known := RestoredCA{ID: t.caID}
	for i := range list.revocations {
		one := &list.revocations[i]
		one.CAID, one.Epoch = t.caID, epoch
		if !fresh[one.Serial] {
			known.revocations = append(known.revocations, *one)
		}
	}
	if err := tx.Revocations().Add(ctx, list.revocations); err != nil {
		return 0, err
	}
	return len(list.revocations), known.markClients(ctx, tx)
}

// changes describes to the audit what was stored.
func (t *takeover) changes(certs []*domain.Certificate, revocations int) []audit.Change {
	var list []audit.Change
	if t.made != nil {
		list = append(list, cas.Created(t.made.record))
	} else if revocations > 0 || t.crl != nil && t.isNews() {
		list = append(list, audit.Change{
			Resource: domain.ScopeCAs, ID: t.caID, Name: t.report.CA.Name,
			After: audit.Facts{"revocations_added": revocations},
		})
	}
	inForce := map[*domain.Certificate]bool{}
	for _, o := range t.owners {
		newest := &o.items[len(o.items)-1].record
		inForce[newest] = true
		list = append(list, audit.Change{
			Resource: domain.ScopeClients, ID: o.client.ID, Name: o.client.Name, After: issuedFacts(o.client, *newest),
		})
	}
	for _, cert := range certs {
		if !inForce[cert] {
			list = append(list, certificates.Created(*cert))
		}
	}
	for i := range list {
		list[i].Action = domain.ActionImport
	}
	return list
}
