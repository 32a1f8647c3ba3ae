package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/chaveiro/chaveiro/pkg/kms/kmstest"
)

// storeName is the name of the key store in the settings of the replicas.
const storeName = "bao"

// conduct is what a key store does with a request.
type conduct string

const (
	answers conduct = ""
	away    conduct = "away"   // it ends the connection
	silent  conduct = "silent" // it does not answer
	failing conduct = "failing"
)

// conducts are those of a fault, by its target.
var conducts = [...]conduct{away, silent, failing}

// keyStore is a stub of Transit in this process, which all replicas ask.
type keyStore struct {
	stub   *kmstest.TransitStub
	server *http.Server

	mu      sync.Mutex // guards what follows
	conduct conduct
	changed chan struct{} // closed when the conduct changes
}

func newKeyStore(dir string) (*keyStore, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	k := &keyStore{changed: make(chan struct{})}
	k.stub, err = kmstest.NewTransitHandler("http://"+listener.Addr().String(), filepath.Join(dir, "token"))
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	k.server = &http.Server{Handler: k, ReadHeaderTimeout: time.Minute}
	go func() { _ = k.server.Serve(listener) }()
	return k, nil
}

// behave changes what it does. Requests that wait for an answer lose their connection.
func (k *keyStore) behave(how conduct) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.conduct = how
	close(k.changed)
	k.changed = make(chan struct{})
}

// ServeHTTP implements http.Handler.
func (k *keyStore) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	how, changed := k.conduct, k.changed
	k.mu.Unlock()
	switch how {
	case away:
		panic(http.ErrAbortHandler) // which ends the connection without an answer
	case silent:
		select {
		case <-changed:
		case <-r.Context().Done():
		}
		panic(http.ErrAbortHandler)
	case failing:
		http.Error(w, `{"errors":["internal error"]}`, http.StatusInternalServerError)
	default:
		k.stub.ServeHTTP(w, r)
	}
}

func (k *keyStore) close() error {
	k.behave(answers)
	return k.server.Close()
}

// takeStore lets the key store be away, silent or failing for a while. What needs it is refused,
// and the other CAs go on. Afterwards each replica signs with it again.
func (c *campaign) takeStore(ctx context.Context, f fault) error {
	how := conducts[f.target%len(conducts)]
	c.keys.behave(how)
	begun := time.Now()
	for _, r := range c.replicas {
		c.mustRefuse(ctx, r, how)
		if got := c.insistOn(ctx, r, c.authorities[0]); got != answered && got != wrong && ctx.Err() == nil {
			c.find("while the key store is %s, replica %d does not issue of another CA", how, r.number)
		}
	}
	c.pause(ctx, f.length-time.Since(begun))
	c.keys.behave(answers)
	return c.heal(ctx, f.kind, time.Now(), c.replicas)
}

// mustRefuse asks for a certificate of the CA whose key is in the store, which can't be had.
func (c *campaign) mustRefuse(ctx context.Context, r *replica, how conduct) {
	switch got, k := c.issueAt(ctx, r, c.stored, c.visitor("store")); {
	case got == answered:
		c.find("while the key store is %s, replica %d issues a certificate with it", how, r.number)
	case got == denied:
		c.unexpected(r, k)
	}
}

// insistOn issues a site at a replica, which may refuse it some times.
func (c *campaign) insistOn(ctx context.Context, r *replica, ca *authority) (got outcome) {
	for range 5 {
		var k *call
		if got, k = c.issueAt(ctx, r, ca, c.visitor("store")); got == denied {
			return c.unexpected(r, k)
		}
		if got == answered || got == wrong || ctx.Err() != nil {
			return got
		}
		time.Sleep(100 * time.Millisecond)
	}
	return got
}

// visitor is a name that no writer uses.
func (c *campaign) visitor(kind string) string {
	return fmt.Sprintf("%s-%d", kind, c.visits.Add(1))
}
