package kms

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Stores are all stores of keys that the operator has configured. The nil pointer has none.
type Stores struct {
	list []*Store
}

// Open opens stores that are given as name=URI. Errors: [ErrURI]; [ErrUnsupported] for a scheme
// that this program was built without. It reaches for none of them.
func Open(given []string, openers map[string]Opener, bounds Bounds) (*Stores, error) {
	stores := &Stores{}
	for _, text := range given {
		store, err := openOne(text, openers, bounds)
		if err == nil && slices.ContainsFunc(stores.list, func(s *Store) bool { return s.Name == store.Name }) {
			err = errors.Join(fmt.Errorf("%w: two key stores have the name %s", ErrURI, store.Name), store.close())
		}
		if err != nil {
			return nil, errors.Join(err, stores.Close())
		}
		stores.list = append(stores.list, store)
	}
	return stores, nil
}

func openOne(text string, openers map[string]Opener, bounds Bounds) (*Store, error) {
	name, address, ok := strings.Cut(text, "=")
	if !ok || !isName(name) {
		return nil, fmt.Errorf("%w: a key store is not NAME=URI, as hsm=pkcs11:token=chaveiro?module-path=…", ErrURI)
	}
	uri, err := ParseURI(address)
	if err != nil {
		return nil, fmt.Errorf("key store %s: %w", name, err)
	}
	open := openers[uri.Scheme]
	if open == nil {
		known := strings.Join(slices.Sorted(maps.Keys(openers)), ", ")
		return nil, fmt.Errorf("key store %s: %w: the scheme is none of %s", name, ErrURI, known)
	}
	provider, err := open(uri)
	if err != nil {
		return nil, fmt.Errorf("key store %s: %w", name, err)
	}
	return newStore(name, uri, provider, bounds), nil
}

// Names returns the names of all stores.
func (s *Stores) Names() []string {
	var names []string
	for _, one := range s.all() {
		names = append(names, one.Name)
	}
	return names
}

// All returns all stores, in the order in which they were given.
func (s *Stores) All() []*Store { return s.all() }

func (s *Stores) all() []*Store {
	if s == nil {
		return nil
	}
	return s.list
}

// Named returns the store of a name. Errors: [ErrNoStore].
func (s *Stores) Named(name string) (*Store, error) {
	for _, one := range s.all() {
		if one.Name == name {
			return one, nil
		}
	}
	return nil, fmt.Errorf("%w: %q", ErrNoStore, name)
}

// Of returns the store that a key is in: the first one whose attributes the key has. Errors:
// [ErrNoStore].
func (s *Stores) Of(key URI) (*Store, error) {
	for _, one := range s.all() {
		if key.Within(one.URI) {
			return one, nil
		}
	}
	return nil, fmt.Errorf("%w for %s", ErrNoStore, key)
}

// Find looks for a key that is there. Errors: [ErrURI], also for a URI that says how to reach the
// store, which the operator alone does; [ErrNoStore]; those of [Provider.Find].
func (s *Stores) Find(ctx context.Context, text string) (*Signer, error) {
	uri, err := ParseURI(text)
	if err != nil {
		return nil, err
	}
	if len(uri.query) > 0 {
		return nil, fmt.Errorf("%w: it has attributes after a question mark: those are of the key store", ErrURI)
	}
	store, err := s.Of(uri)
	if err != nil {
		return nil, err
	}
	found := make(chan Key, 1)
	err = store.do(ctx, store.bounds.Time, func(ctx context.Context) error {
		key, err := store.provider.Find(ctx, uri)
		found <- key
		return err
	})
	if err != nil {
		return nil, err
	}
	key := <-found
	return &Signer{URI: key.URI(), store: store, public: key.Public()}, nil
}

// Create makes a key in the store of a name. Errors: [ErrNoStore]; those of [Provider.Create].
func (s *Stores) Create(ctx context.Context, name, algorithm, label string) (*Signer, error) {
	store, err := s.Named(name)
	if err != nil {
		return nil, err
	}
	made := make(chan *Signer, 1)
	err = store.do(ctx, store.bounds.Making, func(ctx context.Context) error {
		key, err := store.provider.Create(ctx, algorithm, label)
		if err != nil {
			return err
		}
		if ctx.Err() != nil { // nobody waits for it any more
			return errors.Join(ctx.Err(), store.provider.Discard(context.WithoutCancel(ctx), key.URI()))
		}
		made <- &Signer{URI: key.URI(), store: store, public: key.Public()}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return <-made, nil
}

// Discard removes a key that [Stores.Create] has made, and that nobody has heard of.
func (s *Stores) Discard(ctx context.Context, key *Signer) error {
	return key.store.do(ctx, key.store.bounds.Time, func(ctx context.Context) error {
		return key.store.provider.Discard(ctx, key.URI)
	})
}

// Signer returns the signer of a key whose public key is known. It reaches for no store before it
// signs. When no store is configured for it, each signature fails with [ErrNoStore].
func (s *Stores) Signer(text string, public crypto.PublicKey) (*Signer, error) {
	uri, err := ParseURI(text)
	if err != nil {
		return nil, err
	}
	store, _ := s.Of(uri)
	return &Signer{URI: uri, store: store, public: public}, nil
}

// NameOf returns the name of the store of a key. Errors: [ErrURI], [ErrNoStore].
func (s *Stores) NameOf(text string) (string, error) {
	uri, err := ParseURI(text)
	if err != nil {
		return "", err
	}
	store, err := s.Of(uri)
	if err != nil {
		return "", err
	}
	return store.Name, nil
}

// Check asks the store of a key whether it can be used. Errors: [ErrURI], [ErrNoStore], [ErrAway].
func (s *Stores) Check(ctx context.Context, text string) error {
	uri, err := ParseURI(text)
	if err != nil {
		return err
	}
	store, err := s.Of(uri)
	if err != nil {
		return err
	}
	return store.Check(ctx)
}

// Close leaves all stores.
func (s *Stores) Close() (err error) {
	for _, one := range s.all() {
		err = errors.Join(err, one.close())
	}
	return err
}

// Signer is a key in a store, as package crypto wants it. A signature takes at most the time that
// the store is given for an operation.
type Signer struct {
	URI    URI
	store  *Store // nil: none is configured
	public crypto.PublicKey
	within context.Context // of the caller; nil: none
}

// Within returns the same key for one caller, whose signatures end with its context: package crypto
// has none.
func (k *Signer) Within(ctx context.Context) *Signer {
	one := *k
	one.within = ctx
	return &one
}

var _ crypto.Signer = (*Signer)(nil)

// Public returns the public key.
func (k *Signer) Public() crypto.PublicKey { return k.public }

// Store returns the name of the store; empty: none is configured.
func (k *Signer) Store() string {
	if k.store == nil {
		return ""
	}
	return k.store.Name
}

// Sign signs a digest. The store takes random numbers of its own. Errors: [ErrAway], [ErrNoStore],
// [ErrOtherKey], those of [Provider.Find], and that of the context of the caller.
func (k *Signer) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if k.store == nil {
		return nil, fmt.Errorf("%w for %s", ErrNoStore, k.URI)
	}
	ctx := k.within
	if ctx == nil {
		ctx = context.Background()
	}
	return k.store.sign(ctx, k.URI, k.public, digest, opts)
}
