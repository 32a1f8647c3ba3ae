package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
)

// link is a link by which a site gets its profile.
type link struct {
	id      int64
	path    string
	token   string // of the program at the site that claims it
	profile []byte // as it was claimed first; nil: no claim was answered
	claims  int    // answered
	jumps   int64  // of clocks before it: a claim is repeated for an hour by the clock
}

// repeats is how often a link is claimed.
const repeats = 3

// enrol makes a link for the site that the writer has for it, and claims it some times. With the
// token of the first claim it gives the same, and with another one nothing.
func (w *writer) enrol(ctx context.Context) {
	if w.link != nil && w.link.jumps != w.farJumps.Load() {
		w.link = nil
	}
	switch {
	case w.link == nil:
		w.makeLink(ctx)
	case w.link.profile != nil && w.dice.IntN(4) == 0:
		w.claimOther(ctx)
	default:
		w.claim(ctx)
	}
}

func (w *writer) makeLink(ctx context.Context) {
	jumps := w.farJumps.Load()
	var made struct {
		ID   int64
		Path string
	}
	k := &call{
		method: http.MethodPost, path: fmt.Sprintf("%s/%d/enrolments", clientPath, w.linkSites[w.number]), token: w.admin,
		key: w.next("link"), in: object{"instance_id": w.central, "format": "openvpn"}, out: &made,
	}
	if w.insist(ctx, k) != answered {
		return
	}
	w.link = &link{id: made.ID, path: made.Path, token: rand.Text(), jumps: jumps}
	w.ledger.note("enrolment", func() {
		w.ledger.links[made.ID] = false
		w.ledger.expect("enrolment.created", made.ID)
	})
}

func (w *writer) claim(ctx context.Context) {
	var profile []byte
	k := w.link.claimBy(w.link.token, &profile)
	k.moot = func() bool { return w.link.jumps != w.farJumps.Load() }
	if w.insist(ctx, k) != answered {
		w.link = nil // it may be claimed, and it is not known with which profile
		return
	}
	if w.link.profile == nil {
		w.link.profile = profile
		w.ledger.note("claim", func() {
			w.ledger.links[w.link.id] = true
			w.ledger.expect("enrolment.claimed", w.link.id)
		})
	}
	for _, part := range []string{"cert", "key", "tls-crypt-v2"} {
		if was := inline(w.link.profile, part); len(was) == 0 || !bytes.Equal(was, inline(profile, part)) {
			w.find("link %d: another claim with its token gives another %s", w.link.id, part)
		}
	}
	if w.link.claims++; w.link.claims == repeats {
		w.link = nil
	}
}

func (w *writer) claimOther(ctx context.Context) {
	r := w.replica()
	if w.ask(ctx, r, w.link.claimBy(rand.Text(), nil)) == answered {
		w.find("link %d is claimed with another token", w.link.id)
	}
}

func (l *link) claimBy(token string, out *[]byte) *call {
	k := &call{
		method: http.MethodPost, path: l.path, body: []byte(url.Values{"token": {token}}.Encode()),
		mediaType: "application/x-www-form-urlencoded", accept: "application/json",
	}
	if out != nil {
		k.out = out
	}
	return k
}

// inline is a file that stands in a profile; empty: it does not.
func inline(profile []byte, name string) []byte {
	_, from, _ := bytes.Cut(profile, []byte("<"+name+">"))
	content, _, _ := bytes.Cut(from, []byte("</"+name+">"))
	return content
}
