package app

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/chaveiro/chaveiro/pkg/kms"
	"github.com/chaveiro/chaveiro/pkg/pki"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// usedKey is a key in a store that something needs.
type usedKey struct {
	uri string
	of  string // what needs it, in words
	ca  []byte // the certificate of the CA; nil: it wraps the master key
}

// storedKeys returns the keys of CAs that are in stores.
func (e *examination) storedKeys(ctx context.Context, db *store.Reading) {
	uris, err := db.KeyURIs(ctx)
	if err != nil {
		e.fail("key stores", "", "which CAs have their keys there can't be read: %v", err)
		return
	}
	cas, err := db.CAs(ctx)
	if err != nil {
		return // the check of the CAs says so
	}
	for _, one := range cas {
		if uri := uris[one.ID]; uri != "" {
			e.keys = append(e.keys, usedKey{uri, "the CA " + one.Name, one.Certificate})
		}
	}
}

// wrapping notes the key that wraps the master key, if one does.
func (e *examination) wrapping() {
	s := e.config.StorageConfig
	text := s.environmentKey()
	if s.MasterKey == "" {
		text, _ = os.ReadFile(s.masterKeyFile()) // the check of the master key says what is wrong
	}
	if !kms.IsWrapped(text) {
		return
	}
	if uri, err := kms.WrappedBy(text); err == nil {
		e.keys = append(e.keys, usedKey{uri: uri, of: "the master key"})
	}
}

// keyStores looks at each key store, and at each key there that something needs. Nothing changes
// there: a CA's key signs a text that is thrown away.
func (e *examination) keyStores(ctx context.Context) {
	stores, err := e.config.openKeyStores()
	if err != nil {
		e.fail("key stores", "see key-stores", "%v", err)
		return
	}
	defer stores.Close()
	ctx, cancel := context.WithTimeout(ctx, doctorPatience)
	defer cancel()
	used := map[string]bool{}
	for _, one := range e.keys {
		if name, err := stores.NameOf(one.uri); err == nil {
			used[name] = true
		}
	}
	for _, one := range stores.All() {
		e.keyStore(ctx, one, used[one.Name])
	}
	for _, one := range e.keys {
		e.storedKey(ctx, stores, one)
	}
}

// keyStore asks one store whether it lets this account in, and for how long.
func (e *examination) keyStore(ctx context.Context, one *kms.Store, used bool) {
	tell := e.warn
	if used {
		tell = e.fail
	}
	if err := one.Check(ctx); err != nil {
		tell("key stores", storeRemedy(err), "%s can't be used: %v", one.Name, err)
		return
	}
	lease, err := one.AskLease(ctx)
	left := lease.Ends.Sub(e.now)
	switch {
	case err != nil:
		tell("key stores", storeRemedy(err), "%s can't be used: %v", one.Name, err)
	case lease.Short(e.now):
		e.warn("key stores", "write another token into "+fmt.Sprint(one.SecretFiles()[0])+", or make it one that can be renewed",
			"the token of %s ends in %s, and is not renewed", one.Name, roughly(left))
	case !lease.Ends.IsZero():
		e.good("key stores", "%s can be used; its token ends in %s", one.Name, roughly(left))
	default:
		e.good("key stores", "%s can be used", one.Name)
	}
}

// storedKey uses one key. Of a store that can't be used it was told before.
func (e *examination) storedKey(ctx context.Context, stores *kms.Stores, one usedKey) {
	var err error
	if one.ca != nil {
		err = pki.CheckStoredKey(ctx, stores, one.uri, one.ca)
	} else {
		err = stores.TryWrapping(ctx, one.uri)
	}
	switch {
	case err == nil:
		e.good("key stores", "the key of %s can be used: %s", one.of, one.uri)
	case errors.Is(err, kms.ErrAway):
	default:
		e.fail("key stores", storeRemedy(err), "the key of %s can't be used: %s: %v", one.of, one.uri, err)
	}
}

// storeRemedy is what to do about an error of a key store.
func storeRemedy(err error) string {
	for _, one := range []struct {
		err    error
		remedy string
	}{
		{kms.ErrNoStore, "name its store in key-stores, as the server does"},
		{kms.ErrNoKey, "put the key back, and of a token its public key too; or make a successor of the CA"},
		{kms.ErrManyKeys, "leave one key of that name there"},
		{kms.ErrOtherKey, "put back the key of this CA; or make a successor of the CA"},
		{kms.ErrDenied, "allow it to the account: docs/keys.md has the policy"},
		{kms.ErrUnsupported, "see that the key is of the kind that this takes: docs/keys.md"},
		{kms.ErrWrapped, "put back the key that has wrapped it, or the unwrapped master key"},
	} {
		if errors.Is(err, one.err) {
			return one.remedy
		}
	}
	return "see that the store runs, and the address and the file of the token or PIN in key-stores"
}
