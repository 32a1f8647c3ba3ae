package service

import (
	"crypto/sha256"
	"slices"
	"sync"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
)

// maxKnown bounds the memory of what is remembered; beyond it everything is forgotten.
const maxKnown = 10000

// grants remembers what genuine tokens say, by their hash: checking a signature costs more than a whole read of a client. It says nothing about
// whether the apikey still exists.
type grants struct {
	mu    sync.Mutex
	known map[[sha256.Size]byte]auth.Grant
}

// verify is tokens.Verify, with memory.
func (g *grants) verify(tokens *auth.Tokens, now time.Time, token string, uses []auth.Use) (auth.Grant, error) {
	hash := sha256.Sum256([]byte(token))
	g.mu.Lock()
	grant, ok := g.known[hash]
	g.mu.Unlock()
	if ok && slices.Contains(uses, grant.Use) && !grant.Expired(now) {
		return grant, nil
	}
	grant, err := tokens.Verify(token, uses...)
	if err != nil {
		return grant, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.known == nil || len(g.known) >= maxKnown {
		g.known = map[[sha256.Size]byte]auth.Grant{}
	}
	g.known[hash] = grant
	return grant, nil
}
