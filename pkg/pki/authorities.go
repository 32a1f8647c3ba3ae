package pki

import (
	"context"
	"fmt"
	"sync"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/seal"
)

// Authorities opens the CAs: it unseals a CA's key at first use and keeps the opened authority. A
// CA's certificate and key never change in one history of the database. Whatever is stored of a
// CA's names the certificate that has signed it, so that a CA which is gone, or whose id another
// has in a database that was set back, is refused.
type Authorities struct {
	Store domain.Store
	Keys  *seal.Keyring

	// mu guards open and age, for a look-up; never while a CA is read and its key unsealed.
	mu   sync.Mutex
	open map[int64]*ca.Authority
	age  int // how often all was forgotten
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
	pem, err := a.Keys.Open(key.SealedKey, caKeyContext(key.Certificate))
	if err != nil {
		return nil, fmt.Errorf("key of CA %d: %w", id, err)
	}
	signer, err := ca.ParsePrivateKey(pem, "")
	if err != nil {
		return nil, fmt.Errorf("key of CA %d: %w", id, err)
	}
	return ca.OpenAuthority(cert, signer)
}

// Forget drops an opened authority, and reports whether there was one.
func (a *Authorities) Forget(id int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, was := a.open[id]
	delete(a.open, id)
	a.age++
	return was
}

// ForgetAll drops all opened authorities, and those that are being opened.
func (a *Authorities) ForgetAll() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.open)
	a.age++
}
