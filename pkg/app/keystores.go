package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/kms"
	"github.com/chaveiro/chaveiro/pkg/kms/awskms"
	"github.com/chaveiro/chaveiro/pkg/kms/token"
	"github.com/chaveiro/chaveiro/pkg/kms/transit"
)

// The errors of commands that a URI of a key is given to; see package kms.
var (
	ErrKeyURI     = kms.ErrURI
	ErrNoKeyStore = kms.ErrNoStore
)

// keyStoreOpeners are the kinds of key stores that there are, by the scheme of their URI.
var keyStoreOpeners = map[string]kms.Opener{
	"awskms": awskms.Open, "pkcs11": token.Open, "transit": transit.Open,
}

// openKeyStores opens the key stores of the configuration. It reaches for none of them.
func (s StorageConfig) openKeyStores() (*kms.Stores, error) {
	stores, err := kms.Open(s.KeyStores, keyStoreOpeners, kms.Bounds{})
	if err != nil {
		return nil, fmt.Errorf("key-stores: %w", err)
	}
	if _, err := stores.Named(domain.KeyInDatabase); err == nil {
		return nil, errors.Join(errors.New("key-stores: database is the name of the database itself"), stores.Close())
	}
	return stores, nil
}

// checkKeyStores refuses what can't be a key store, before any of it is logged.
func (s StorageConfig) checkKeyStores() error {
	stores, err := s.openKeyStores()
	return errors.Join(err, stores.Close())
}

// keyStoreFault says which key store that is in use can't be reached: the keys of CAs are there.
func (s *Server) keyStoreFault(ctx context.Context) (string, error) {
	uris, err := s.storage.Store.CAs().KeyURIs(ctx)
	if err != nil {
		return "", nil // the check of the database says so
	}
	asked := map[string]bool{}
	for _, uri := range uris {
		name, err := s.storage.KeyStores.NameOf(uri)
		if err != nil {
			return "no key store is configured for the key of a CA", err
		}
		if asked[name] {
			continue
		}
		asked[name] = true
		if err := s.storage.KeyStores.Check(ctx, uri); err != nil {
			return "the key store " + name + " can't be reached: CAs whose keys are there sign nothing", err
		}
	}
	return "", nil
}
