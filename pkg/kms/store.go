package kms

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds says how much is asked of a store, and for how long. Zero values are the defaults.
type Bounds struct {
	Sessions int           // operations at once; 8
	Time     time.Duration // of one operation, with the wait for its turn; 5 s
	Making   time.Duration // of making a key; 60 s
	Healing  time.Duration // between two questions whether a store is back; 1 s
	Looking  time.Duration // between two looks at a lease; 2 s
}

func (b Bounds) orDefault() Bounds {
	if b.Sessions == 0 {
		b.Sessions = 8
	}
	for _, one := range []struct {
		of  *time.Duration
		get time.Duration
	}{{&b.Time, 5 * time.Second}, {&b.Making, time.Minute}, {&b.Healing, time.Second}, {&b.Looking, 2 * time.Second}} {
		if *one.of == 0 {
			*one.of = one.get
		}
	}
	return b
}

// Store is a store of keys that the operator has configured.
type Store struct {
	Name string
	URI  URI

	provider Provider
	bounds   Bounds
	turns    chan struct{} // one for each operation that runs
	lease    atomic.Pointer[Lease]

	mu     sync.Mutex
	away   error          // why the store can't be used; nil: it can
	keys   map[string]Key // those that were found, by URI
	healer context.CancelFunc
	closed bool
}

func newStore(name string, uri URI, provider Provider, bounds Bounds) *Store {
	bounds = bounds.orDefault()
	return &Store{
		Name: name, URI: uri, provider: provider, bounds: bounds, turns: make(chan struct{}, bounds.Sessions),
		keys: map[string]Key{},
	}
}

// do runs one operation in its turn, for at most a time. One that does not end keeps its turn until
// it does, so no more than so many hang; the caller does not wait for it.
func (s *Store) do(ctx context.Context, most time.Duration, operation func(context.Context) error) error {
	if err := s.Away(); err != nil {
		return err
	}
	err := s.ask(ctx, most, operation)
	if errors.Is(err, ErrAway) {
		s.lose(err)
	}
	return err
}

func (s *Store) ask(ctx context.Context, most time.Duration, operation func(context.Context) error) error {
	caller := ctx
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	select {
	case s.turns <- struct{}{}:
	case <-ctx.Done():
		return s.late(caller, "no session came free")
	}
	ended := make(chan error, 1)
	go func() {
		defer func() { <-s.turns }()
		ended <- operation(ctx)
	}()
	select {
	case err := <-ended:
		if err != nil && ctx.Err() != nil {
			return s.late(caller, "no answer in time")
		}
		return err
	case <-ctx.Done():
		return s.late(caller, "no answer in time")
	}
}

// late is the error of an operation that took too long: that of the caller, when it has gone.
func (s *Store) late(caller context.Context, why string) error {
	if err := caller.Err(); err != nil {
		return err
	}
	return fmt.Errorf("%w: key store %s: %s", ErrAway, s.Name, why)
}

// Away returns why the store can't be used at the moment; nil when it can, as far as is known.
func (s *Store) Away() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.away
}

// lose notes that the store is away, forgets its keys, whose handles may be good no more, and
// begins to look whether it is back.
func (s *Store) lose(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away != nil || s.closed {
		return
	}
	s.away = err
	clear(s.keys)
	ctx, cancel := context.WithCancel(context.Background())
	s.healer = cancel
	go s.heal(ctx)
}

// heal asks the store until it answers.
func (s *Store) heal(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(s.bounds.Healing):
		}
		err := s.ask(ctx, s.bounds.Time, s.provider.Check)
		s.mu.Lock()
		if err == nil {
			s.away, s.healer = nil, nil
			s.mu.Unlock()
			return
		}
		s.away = asAway(err, s.Name)
		s.mu.Unlock()
	}
}

func asAway(err error, store string) error {
	if errors.Is(err, ErrAway) {
		return err
	}
	return fmt.Errorf("%w: key store %s: %w", ErrAway, store, err)
}

// Check asks the store whether it can be used. One that is known to be away is not asked.
func (s *Store) Check(ctx context.Context) error {
	if err := s.Away(); err != nil {
		return err
	}
	err := s.ask(ctx, s.bounds.Time, s.provider.Check)
	if err != nil && ctx.Err() == nil {
		err = asAway(err, s.Name)
		s.lose(err)
	}
	return err
}

// key returns a key, as it was found before, or as it is found now.
func (s *Store) key(ctx context.Context, uri URI) (Key, error) {
	name := uri.String()
	s.mu.Lock()
	key, ok := s.keys[name]
	s.mu.Unlock()
	if ok {
		return key, nil
	}
	key, err := s.provider.Find(ctx, uri)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away == nil {
		s.keys[name] = key
	}
	return key, nil
}

// sign signs with a key, which has to be the expected one.
func (s *Store) sign(
	ctx context.Context, uri URI, public crypto.PublicKey, digest []byte, opts crypto.SignerOpts,
) (signature []byte, err error) {
	made := make(chan []byte, 1) // an operation that is late must not write to what was returned
	err = s.do(ctx, s.bounds.Time, func(ctx context.Context) error {
		key, err := s.key(ctx, uri)
		if err != nil {
			return err
		}
		if !samePublic(key.Public(), public) {
			return fmt.Errorf("%w: %s", ErrOtherKey, uri)
		}
		signature, err := key.Sign(ctx, digest, opts)
		made <- signature
		return err
	})
	if err != nil {
		return nil, err
	}
	return <-made, nil
}

func samePublic(a, b crypto.PublicKey) bool {
	comparable, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && comparable.Equal(b)
}

func (s *Store) close() error {
	s.mu.Lock()
	s.closed = true
	if s.healer != nil {
		s.healer()
	}
	s.mu.Unlock()
	return s.provider.Close()
}
