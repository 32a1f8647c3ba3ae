package pki

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"sync"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/kms"
	"github.com/chaveiro/chaveiro/pkg/seal"
)

// Authorities unseals the key of a CA at first use, or finds it in its store, and caches the
// opened authority. Another replica may renew the CA meanwhile. Everything that is stored under a
// CA names the certificate that signed it. So a CA that is gone or was renewed is refused, and so
// is one whose id belongs to another CA after the database was set back; the caller then forgets
// the authority and tries again.
type Authorities struct {
	Store domain.Store
	Keys  *seal.Keyring
	// Stores has the keys that are not in the database; nil: none.
	Stores *kms.Stores
	// OCSP is the beginning of the URL of each CA's responder; the id of the CA follows. Empty:
	// certificates name no responder.
	OCSP string

	// mu guards open and age, for a look-up. It is not held while a CA is read and its key
	// unsealed.
	mu   sync.Mutex
	open map[int64]*ca.Authority
	age  int // counts the calls of Forget and ForgetAll; a load that began before one is not cached
}

// Get returns the authority of a CA. Errors: *domain.Error with Missing.
func (a *Authorities) Get(ctx context.Context, id int64) (*ca.Authority, error) {
	a.mu.Lock()
	authority, ok := a.open[id]
	age := a.age
	a.mu.Unlock()
	if ok {
		return authority, nil
	}
	authority, err := a.load(ctx, id)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.open == nil {
		a.open = map[int64]*ca.Authority{}
	}
	if age == a.age {
		a.open[id] = authority
	}
	return authority, nil
}

func (a *Authorities) load(ctx context.Context, id int64) (*ca.Authority, error) {
	key, err := a.Store.CAs().Key(ctx, id)
	if err != nil {
		return nil, err
	}
	cert, err := ca.ReadCertificate(key.Certificate)
	if err != nil {
		return nil, fmt.Errorf("certificate of CA %d: %w", id, err)
	}
	signer, err := a.signer(key, cert.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("key of CA %d: %w", id, err)
	}
	authority, err := ca.OpenAuthority(cert, signer)
	if err == nil && a.OCSP != "" {
		authority.OCSP = a.OCSP + strconv.FormatInt(id, 10)
	}
	return authority, err
}

// Forget evicts an authority, and reports whether it was in the cache.
func (a *Authorities) Forget(id int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, was := a.open[id]
	delete(a.open, id)
	a.age++
	return was
}

// Outdated evicts an authority whose CA has another certificate meanwhile, and reports whether it
// did. It is for refusals that the certificate has caused. A CA that can't be read is not outdated.
func (a *Authorities) Outdated(ctx context.Context, id int64) bool {
	a.mu.Lock()
	authority := a.open[id]
	a.mu.Unlock()
	if authority == nil {
		return false
	}
	key, err := a.Store.CAs().Key(ctx, id)
	if err != nil || bytes.Equal(key.Certificate, authority.Certificate.Raw) {
		return false
	}
	a.Forget(id)
	return true
}

// ForgetAll empties the cache. Authorities that are being loaded are not cached either.
func (a *Authorities) ForgetAll() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.open)
	a.age++
}
