package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chaveiro/chaveiro/pkg/access"
	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

// credentialBound is the longest that verifying a cached credential may take.
const credentialBound = 50 * time.Microsecond

// countingStore counts how often access.Authenticator queries the database.
type countingStore struct {
	domain.Store
	calls atomic.Int64
}

func (s *countingStore) Histories() domain.Histories {
	s.calls.Add(1)
	return s.Store.Histories()
}

func (s *countingStore) SigningKeys() domain.SigningKeys {
	s.calls.Add(1)
	return s.Store.SigningKeys()
}

func (s *countingStore) APIKeys() domain.APIKeys {
	s.calls.Add(1)
	return s.Store.APIKeys()
}

func (s *countingStore) Users() domain.Users {
	s.calls.Add(1)
	return s.Store.Users()
}

func (s *countingStore) Transact(ctx context.Context, fn func(domain.Store) error) error {
	s.calls.Add(1)
	return s.Store.Transact(ctx, fn)
}

// credentialRows measures in this process how long it takes to find the holder of a credential.
func credentialRows(ctx context.Context, b *bench, e engine) (err error) {
	location, err := e.database(ctx, "credential")
	if err != nil {
		return err
	}
	p := &product{
		storage: app.StorageConfig{DataDir: filepath.Join(e.dir, "credential"), DatabaseURL: app.URL(location)},
	}
	if err := p.prepare(ctx); err != nil {
		return err
	}
	log := slog.New(slog.DiscardHandler)
	storage, err := app.OpenStorage(ctx, p.storage, false, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, storage.Store.Close()) }()
	store := &countingStore{Store: storage.Store}
	services, err := service.New(ctx, service.Settings{Store: store, Keys: storage.Keys, Now: app.Now, Log: log})
	if err != nil {
		return err
	}
	refresh := domain.Secret(p.authorization[len("Bearer "):])
	access, err := services.Access.Exchange(ctx, refresh)
	if err != nil {
		return err
	}
	ctx = domain.WithOrigin(ctx, domain.Origin{Operation: "bench", Address: netip.MustParseAddr("127.0.0.1")})
	for _, clients := range b.clients {
		for _, one := range []struct {
			what  string
			token domain.Secret
		}{{"access token", access.Token}, {"token of an apikey", refresh}} {
			v := verification{access: services.Access, store: store, token: one.token}
			if err := v.measure(ctx, b, e, one.what, clients); err != nil {
				return fmt.Errorf("%s: %w", one.what, err)
			}
		}
	}
	return nil
}

// verification is a credential that is verified again and again.
type verification struct {
	access *access.Authenticator
	store  *countingStore
	token  domain.Secret
}

func (v verification) times(ctx context.Context, n int) error {
	for range n {
		if _, err := v.access.Authenticate(ctx, v.token, auth.Access, auth.Refresh); err != nil {
			return err
		}
	}
	return nil
}

func (v verification) measure(ctx context.Context, b *bench, e engine, what string, clients int) error {
	if err := v.times(ctx, 1); err != nil { // from now on it is cached
		return err
	}
	v.store.calls.Store(0)
	if err := v.times(ctx, 1000); err != nil {
		return err
	}
	thousand := v.store.calls.Swap(0)
	done, took, err := v.during(ctx, b.duration, clients)
	if err != nil {
		return err
	}
	each := float64(took.Nanoseconds()) * float64(clients) / float64(done)
	b.table.add(row{
		engine: e.name, what: fmt.Sprintf("credential, %s, c=%d", what, clients),
		product: fmt.Sprintf("%.2f us", each/1000),
		floor:   fmt.Sprintf("%d us", credentialBound.Microseconds()),
		ratio:   each / float64(credentialBound.Nanoseconds()), target: atMost(1),
		note: fmt.Sprintf("database calls: %d for 1000, %.1f a second at %.0f/s", thousand,
			float64(v.store.calls.Load())/took.Seconds(), float64(done)/took.Seconds()),
	})
	return nil
}

// during verifies from several clients at once until the time is over.
func (v verification) during(
	ctx context.Context, d time.Duration, clients int,
) (done int64, took time.Duration, err error) {
	const batch = 100
	var count atomic.Int64
	failures := make([]error, clients)
	var running sync.WaitGroup
	start := time.Now()
	for client := range clients {
		running.Go(func() {
			for time.Since(start) < d && failures[client] == nil {
				failures[client] = v.times(ctx, batch)
				count.Add(batch)
			}
		})
	}
	running.Wait()
	return count.Load(), time.Since(start), errors.Join(failures...)
}
