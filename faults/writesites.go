package main

import (
	"context"
	"fmt"
	"net/http"
)

// record is what is read of a client.
type record struct {
	ID      int64  `json:"id"`
	CA      int64  `json:"ca_id"`
	Name    string `json:"name"`
	Serial  string `json:"serial"`
	Revoked bool   `json:"revoked"`
}

// issue makes a site. Some requests have an Idempotency-Key, and are repeated until they are
// answered: then it was made once.
func (w *writer) issue(ctx context.Context) {
	name, ca := w.next("site"), w.authorities[w.dice.IntN(len(w.authorities))].id
	var made record
	k := w.issuing(ca, name, &made)
	send := w.send
	if w.dice.IntN(3) == 0 {
		k.key, send = name, w.insist
	}
	if send(ctx, k) != answered {
		return
	}
	if one := w.issued(ca, name, made); one != nil {
		w.sites = append(w.sites, one)
		w.lookAt(ctx, one)
	}
}

// issuing is the request that makes a site.
func (c *campaign) issuing(ca int64, name string, made *record) *call {
	c.ledger.note("", func() { c.ledger.sent[name] = true })
	return &call{
		method: http.MethodPost, path: clientPath, token: c.admin, out: made,
		in: object{"ca_id": ca, "name": name, "email": "site@example.com"},
	}
}

// issued notes a site that was answered; nil: it is not what was asked for.
func (c *campaign) issued(ca int64, name string, made record) *site {
	if made.Name != name || made.CA != ca || made.Serial == "" || made.Revoked {
		c.find("the site %s of CA %d is answered as %+v", name, ca, made)
		return nil
	}
	one := &site{id: made.ID, ca: ca, name: name, serials: []string{made.Serial}}
	c.ledger.note("issue", func() {
		c.ledger.sites = append(c.ledger.sites, one)
		c.ledger.expect("certificate.issued", made.Serial)
	})
	return one
}

// issueAt makes a site at one replica.
func (c *campaign) issueAt(ctx context.Context, r *replica, ca *authority, name string) (outcome, *call) {
	var made record
	k := c.issuing(ca.id, name, &made)
	got := c.ask(ctx, r, k)
	if got == answered && c.issued(ca.id, name, made) == nil {
		got = wrong
	}
	return got, k
}

// lookAt reads a site at any replica, which must know what another one has answered.
func (w *writer) lookAt(ctx context.Context, one *site) {
	var read record
	path := fmt.Sprintf("%s/%d", clientPath, one.id)
	if w.send(ctx, &call{method: http.MethodGet, path: path, token: w.admin, out: &read}) != answered {
		return
	}
	if want := one.serials[len(one.serials)-1]; read.Serial != want || read.Name != one.name ||
		read.Revoked != one.ended() {
		w.find("the site %s with the serial %s, revoked: %t, is read as %+v", one.name, want, one.ended(), read)
	}
}

// pick takes a site out of those that a writer knows well; nil: there is none.
func (w *writer) pick() *site {
	if len(w.sites) == 0 {
		return nil
	}
	return w.sites[w.dice.IntN(len(w.sites))]
}

// forget leaves a site alone from now on.
func (w *writer) forget(one *site) {
	for i, other := range w.sites {
		if other == one {
			w.sites = append(w.sites[:i], w.sites[i+1:]...)
			return
		}
	}
}

// renew gives a site another certificate. The one before ends at once.
func (w *writer) renew(ctx context.Context) {
	one := w.pick()
	if one == nil || one.held {
		return
	}
	var made record
	path := fmt.Sprintf("%s/%d/renew", clientPath, one.id)
	w.ledger.note("", func() { one.unsure = true })
	if w.send(ctx, &call{
		method: http.MethodPost, path: path, token: w.admin, in: object{"overlap": "0"}, out: &made,
	}) != answered {
		w.forget(one)
		return
	}
	before := one.serials[len(one.serials)-1]
	if made.ID != one.id || made.Serial == before || made.Serial == "" {
		w.find("the renewal of %s, serial %s, is answered as %+v", one.name, before, made)
	}
	w.ledger.note("renew", func() {
		one.changed()
		one.serials = append(one.serials, made.Serial)
		w.ledger.ended[one.ca] = append(w.ledger.ended[one.ca], before)
		w.ledger.expect("certificate.renewed", made.Serial)
	})
	w.lookAt(ctx, one)
}

// revoke revokes a site for good.
func (w *writer) revoke(ctx context.Context) {
	one := w.pick()
	if one == nil {
		return
	}
	path := fmt.Sprintf("%s/%d", clientPath, one.id)
	w.ledger.note("", func() { one.unsure = true })
	w.forget(one)
	if w.send(ctx, &call{method: http.MethodDelete, path: path, token: w.admin}) != answered {
		return
	}
	w.ledger.note("revoke", func() {
		one.changed()
		one.revoked = true
		last := one.serials[len(one.serials)-1]
		w.ledger.ended[one.ca] = append(w.ledger.ended[one.ca], last)
		w.ledger.expect("certificate.revoked", last)
	})
	w.lookAt(ctx, one)
}

// suspend suspends a site, or resumes one that is suspended.
func (w *writer) suspend(ctx context.Context) {
	one := w.pick()
	if one == nil {
		return
	}
	what, kind := "suspend", "certificate.suspended"
	if one.held {
		what, kind = "resume", "certificate.resumed"
	}
	w.ledger.note("", func() { one.unsure = true })
	var made record
	path := fmt.Sprintf("%s/%d/%s", clientPath, one.id, what)
	if w.send(ctx, &call{method: http.MethodPost, path: path, token: w.admin, out: &made}) != answered {
		w.forget(one)
		return
	}
	if made.ID != one.id || made.Revoked == one.held {
		w.find("%s of %s is answered as %+v", what, one.name, made)
	}
	w.ledger.note(what, func() {
		one.changed()
		one.held = !one.held
		w.ledger.expect(kind, one.serials[len(one.serials)-1])
	})
	w.lookAt(ctx, one)
}
