package census

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// MaxCAs bounds the CAs that are told of one by one: those with the lowest ids.
const MaxCAs = 100

// Soon is how long before its end a certificate counts as expiring.
const Soon = 30 * 24 * time.Hour

// The pace. A count takes at most one part in restFactor of the time of a connection that reads.
const (
	minRest      = 10 * time.Second
	maxRest      = time.Hour
	restFactor   = 100
	countTimeout = 10 * time.Minute
)

// Counter counts again and again. One goroutine a process does, Keep; each replica counts for
// itself.
type Counter struct {
	Store domain.Store
	Now   func() time.Time
	Log   *slog.Logger

	last atomic.Pointer[Count]
}

// Count is what was counted.
type Count struct {
	At           time.Time
	Took         time.Duration // to read all certificates, the last time that a server did
	CAs          []domain.CA   // the first MaxCAs, by ascending id
	Certificates []domain.CertificateCount
	APIKeyEnd    time.Time // when the first of the enabled apikeys ends; zero: none does
	Agents       domain.AgentCount
	Size         domain.DatabaseSize // as it is known without reading the tables
}

// Last returns the last count; nil before the first one. It asks nobody. The caller changes nothing
// in it.
func (c *Counter) Last() *Count { return c.last.Load() }

// Keep counts until ctx ends.
func (c *Counter) Keep(ctx context.Context) {
	for failing := false; ctx.Err() == nil; {
		began := time.Now()
		err := c.Count(ctx)
		if failed := err != nil && ctx.Err() == nil; failed != failing {
			failing = failed
			if failed {
				c.Log.ErrorContext(ctx, "counting the certificates for the metrics failed", "error", err)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(rest(time.Since(began))):
		}
	}
}

// rest is how long Keep waits after a count.
func rest(took time.Duration) time.Duration { return min(max(restFactor*took, minRest), maxRest) }

// Count counts once. When that fails, the last count stays.
func (c *Counter) Count(ctx context.Context) error {
	found := Count{At: c.Now()}
	ctx, cancel := context.WithTimeout(ctx, countTimeout)
	defer cancel()
	cas, err := c.Store.CAs().Page(ctx, domain.PageRequest{Size: MaxCAs})
	if err != nil {
		return err
	}
	found.CAs = cas.Items
	counted, err := c.certificates(ctx, found.At)
	if err != nil {
		return err
	}
	found.At, found.Took, found.Certificates = counted.At, counted.Took, counted.Counts
	if found.APIKeyEnd, err = c.Store.Censuses().APIKeyEnd(ctx, found.At); err != nil {
		return err
	}
	if found.Agents, err = c.Store.Censuses().Agents(ctx, found.At); err != nil {
		return err
	}
	if found.Size, err = c.Store.Censuses().Size(ctx, false); err != nil {
		return err
	}
	c.last.Store(&found)
	return nil
}
