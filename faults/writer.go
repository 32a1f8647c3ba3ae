package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"
)

// The routes that writers and readers use.
const (
	caPath       = "/api/openvpn/cas"
	clientPath   = "/api/openvpn/clients/site2site"
	instancePath = "/api/openvpn/instances"
	apikeyPath   = "/api/3rdparty/apikeys"
	whoPath      = "/api/user/info"
	devicePath   = "/iso/pam/device"
	webhookPath  = "/api/webhooks"
)

// object is a JSON object.
type object = map[string]any

// writer changes things, one after the other. What it has made it alone changes.
type writer struct {
	*campaign
	number int
	dice   *rand.Rand
	made   int
	sites  []*site
	keys   []*apikey
	device *device
	server *register // an instance
	config *register // of a site at the central instance
	link   *link     // nil: there is none that is known well
}

func (c *campaign) newWriter(number int) *writer {
	return &writer{campaign: c, number: number, dice: rand.New(rand.NewPCG(c.settings.seed, uint64(1+number)))}
}

// write works until it is told to end.
func (w *writer) write(ctx context.Context) {
	for ctx.Err() == nil && w.findings.first() == nil {
		w.step(ctx)
		select {
		case <-ctx.Done():
		case <-time.After(time.Duration(w.dice.Int64N(int64(20 * time.Millisecond)))):
		}
	}
}

func (w *writer) step(ctx context.Context) {
	switch dice := w.dice.IntN(24); {
	case dice < 6:
		w.issue(ctx)
	case dice < 8:
		w.renew(ctx)
	case dice < 10:
		w.revoke(ctx)
	case dice < 12:
		w.makeKey(ctx)
	case dice < 13:
		w.endKey(ctx)
	case dice < 16:
		w.saveDevice(ctx)
	case dice < 18:
		w.changeServer(ctx)
	case dice < 20:
		w.suspend(ctx)
	case dice < 22:
		w.enrol(ctx)
	default:
		w.changeConfig(ctx)
	}
}

// replica is any of them: a balancer sends a caller now here, now there.
func (w *writer) replica() *replica { return w.replicas[w.dice.IntN(len(w.replicas))] }

// next is a name that no writer has used.
func (w *writer) next(kind string) string {
	w.made++
	return fmt.Sprintf("%s-%d-%d", kind, w.number, w.made)
}

// send asks any replica. Only an answer or a fault is expected.
func (w *writer) send(ctx context.Context, k *call) outcome {
	r := w.replica()
	astray := r.isAstray()
	got := w.ask(ctx, r, k)
	if got == denied && !astray && !r.isAstray() && (k.moot == nil || !k.moot()) {
		return w.unexpected(r, k)
	}
	return got
}

// insist repeats a request with an Idempotency-Key at any replicas until it is answered. It gives
// up after a while.
func (w *writer) insist(ctx context.Context, k *call) outcome {
	for range 12 {
		if got := w.send(ctx, k); got == answered || got == wrong || ctx.Err() != nil {
			return got
		}
		time.Sleep(250 * time.Millisecond)
	}
	return refused
}

// put changes a record by a PUT, and checks the answer.
func (w *writer) put(ctx context.Context, what string, r *register, fields object) {
	sent := change{at: time.Now(), fields: fields}
	var read object
	switch got := w.send(ctx, &call{
		method: http.MethodPut, path: r.path, token: w.admin, in: fields, out: &read,
	}); {
	case got == answered && !agrees(read, fields):
		w.find("a change of %s to %v is answered as %v", r.path, fields, pick(read, fields))
	case got == answered:
		w.ledger.note(what, func() { r.settle(sent) })
	default:
		w.ledger.note("", func() { r.maybe = append(r.maybe, sent) })
	}
}

// look reads a record at any replica: it is as it was answered last, or as an unknown change.
func (w *writer) look(ctx context.Context, r *register) {
	var read object
	if w.send(ctx, &call{method: http.MethodGet, path: r.path, token: w.admin, out: &read}) != answered {
		return
	}
	if err := r.explain(read); err != nil {
		w.find("%v", err)
	}
}
