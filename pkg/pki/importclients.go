package pki

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// owner is a client that gets new certificates: one that is there already, or a new one.
type owner struct {
	client domain.Client // without an id: it is not there yet
	items  []*found      // its new certificates; the last is the one in force
}

// makeClients gives each new certificate of a client its client.
func (t *takeover) makeClients(ctx context.Context) error {
	groups, names := map[string][]*found{}, []string(nil)
	for _, item := range t.items {
		name := item.record.Name
		if item.record.Kind != domain.CertificateOfClient {
			continue
		}
		if groups[name] == nil {
			names = append(names, name)
		}
		groups[name] = append(groups[name], item)
	}
	for _, name := range names {
		if err := t.makeClient(ctx, groups[name]); err != nil {
			return err
		}
	}
	return nil
}

// makeClient finds the client of the certificates with one name.
func (t *takeover) makeClient(ctx context.Context, all []*found) error {
	var fresh []*found
	var id int64
	for _, item := range all {
		if item.row.Action == ImportNew {
			fresh = append(fresh, item)
		}
		id = max(id, item.record.ClientID)
	}
	if len(fresh) == 0 {
		return nil
	}
	slices.SortFunc(fresh, func(a, b *found) int {
		return cmp.Or(
			compareBool(t.inForce(a), t.inForce(b)), a.record.NotBefore.Compare(b.record.NotBefore),
			strings.Compare(a.record.Serial, b.record.Serial),
		)
	})
	if id != 0 {
		return t.addTo(ctx, id, fresh)
	}
	return t.newClient(ctx, fresh)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// inForce reports whether a certificate is neither revoked for good nor expired.
func (t *takeover) inForce(item *found) bool {
	var c domain.Client
	c.Take(item.record)
	return c.HoldsName(t.now)
}

// newClient makes the client of certificates, of which the last is the one in force.
func (t *takeover) newClient(ctx context.Context, items []*found) error {
	newest := items[len(items)-1]
	subject := ca.SubjectOf(newest.cert)
	made := &owner{items: items, client: domain.Client{
		CAID: t.caID, Name: subject.CommonName, Subject: recordSubject(subject), CreatedAt: t.now, UpdatedAt: t.now,
	}}
	made.take(newest.says)
	if t.inForce(newest) {
		if free, err := t.claim(ctx, made.client.Name); err != nil || !free {
			refuse(items)
			return err
		}
	}
	t.own(made)
	return nil
}

// refuse says of certificates that another client has their name.
func refuse(items []*found) {
	for _, item := range items {
		item.row.Action, item.row.Why = ImportFault, nameFault(true, nil)
	}
}

// claim reports whether a client of the import may have a name. One that only a client that has
// expired holds comes free.
func (t *takeover) claim(ctx context.Context, name string) (bool, error) {
	key := domain.NameKey(name)
	if t.held[key] {
		return false, nil
	}
	held, err := t.Store.Clients().NameTaken(ctx, name, time.Unix(0, 0))
	if err != nil {
		return false, err
	}
	if held {
		if taken, err := t.Store.Clients().NameTaken(ctx, name, t.now); err != nil || taken {
			return false, err
		}
		t.expired = append(t.expired, name)
	}
	t.held[key] = true
	return true, nil
}

// addTo gives a client that is there the certificates that are newer than its own, if the newest of
// them is in force. Others are known here as certificates of no client: the newest one that is
// stored is the one in force.
func (t *takeover) addTo(ctx context.Context, id int64, items []*found) error {
	client, err := t.Store.Clients().Get(ctx, id)
	if err != nil {
		return err
	}
	var newer []*found
	current := t.inForce(items[len(items)-1])
	for _, item := range items {
		if current && item.record.NotBefore.After(client.NotBefore) {
			newer = append(newer, item)
			continue
		}
		item.record.Kind, item.row.Kind = domain.CertificateOfForeign, string(domain.CertificateOfForeign)
		item.row.Notes = append(item.row.Notes, NoteOlder)
	}
	if len(newer) > 0 && !client.HoldsName(t.now) {
		if free, err := t.claim(ctx, client.Name); err != nil || !free {
			refuse(newer)
			return err
		}
	}
	if len(newer) > 0 {
		t.own(&owner{client: client, items: newer})
	}
	return nil
}

func (t *takeover) own(o *owner) {
	t.owners = append(t.owners, o)
	for i, item := range o.items {
		item.owner = o
		if i < len(o.items)-1 {
			item.row.Notes = append(item.row.Notes, NoteEarlier)
		}
	}
}
