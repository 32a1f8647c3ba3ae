package access

import (
	"context"
	"crypto/sha256"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/bounded"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// trustFor is how long the cached state is trusted. From the age refreshAfter on, a request asks
// the database whether it is still current.
const (
	trustFor     = time.Second
	refreshAfter = trustFor / 2
)

// Knowledge is the cached state of a replica: what it has read about credentials since the last
// change of any. It is discarded as a whole when the epoch has moved.
type Knowledge struct {
	Point   domain.AccessPoint
	history int // the number that history.Watcher.Look returns
	tokens  *auth.Tokens
	// asked is when the epoch was last confirmed, in microseconds since 1970, and changes is how
	// many changes this replica had made by then. Both are stored while Authenticator.asking is
	// held, and loaded by every request without it.
	asked, changes atomic.Int64

	// mu guards grants and holders. It is held for a look-up, never while a signature is verified
	// or the database is asked.
	mu      sync.RWMutex
	grants  map[[sha256.Size]byte]auth.Grant // by the tokens' hashes: a signature costs more than a look-up
	holders map[holderID]knownHolder
}

type holderID struct {
	kind domain.PrincipalKind
	id   int64
}

// knownHolder is a user or an apikey, or says that there is none.
type knownHolder struct {
	domain.Holder
	missing bool
}

func newKnowledge(point domain.AccessPoint, history int, tokens *auth.Tokens) *Knowledge {
	return &Knowledge{
		Point: point, history: history, tokens: tokens, grants: map[[sha256.Size]byte]auth.Grant{},
		holders: map[holderID]knownHolder{},
	}
}

// age is the time since the epoch was confirmed. It is an absolute value: once the clock was set
// back by more than trustFor, the state is not trusted either.
func (k *Knowledge) age(now time.Time) time.Duration {
	return time.Duration(now.UnixMicro()-k.asked.Load()).Abs() * time.Microsecond
}

// Verify is Tokens.Verify with a cache.
func (k *Knowledge) Verify(token string, now time.Time, uses []auth.Use) (auth.Grant, error) {
	hash := sha256.Sum256([]byte(token))
	k.mu.RLock()
	grant, ok := k.grants[hash]
	k.mu.RUnlock()
	if ok && slices.Contains(uses, grant.Use) && !grant.Expired(now) {
		return grant, nil
	}
	grant, err := k.tokens.Verify(token, uses...)
	if err != nil {
		return grant, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	bounded.Remember(k.grants, hash, grant)
	return grant, nil
}

// holder returns a user or an apikey from the cache, or reads it.
func (k *Knowledge) holder(ctx context.Context, store domain.Store, id holderID) (knownHolder, error) {
	k.mu.RLock()
	found, ok := k.holders[id]
	k.mu.RUnlock()
	if ok {
		return found, nil
	}
	found, err := readHolder(ctx, store, id)
	if err != nil {
		return found, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	bounded.Remember(k.holders, id, found)
	return found, nil
}

func readHolder(ctx context.Context, store domain.Store, id holderID) (knownHolder, error) {
	var holder domain.Holder
	var err error
	if id.kind == domain.PrincipalUser {
		var user domain.User
		user, err = store.Users().Get(ctx, id.id)
		holder = user.Holder()
	} else {
		var key domain.APIKey
		key, err = store.APIKeys().Get(ctx, id.id)
		holder = key.Holder()
	}
	if domain.IsKind(err, domain.Missing) {
		return knownHolder{missing: true}, nil
	}
	return knownHolder{Holder: holder}, err
}
