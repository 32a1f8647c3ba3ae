package turns

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chaveiro/chaveiro/pkg/bounded"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Turns are turns whose caller is that of the request. A nil Turns sets no bounds.
type Turns struct {
	turns *bounded.Turns
	retry time.Duration // after how long a caller that found no place may retry
}

// New returns Turns with these bounds.
func New(bounds bounded.TurnBounds, retry time.Duration) *Turns {
	return &Turns{turns: bounded.NewTurns(bounds), retry: retry}
}

// Load is how many jobs run, and how many wait for a turn.
func (t *Turns) Load() (running, waiting int) {
	if t == nil {
		return 0, 0
	}
	return t.turns.Load()
}

// Do runs fn in a turn of the caller of ctx. Errors: [domain.Unavailable] when too many wait; that
// of ctx if it ends before.
func (t *Turns) Do(ctx context.Context, fn func() error) error {
	leave, err := t.Enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	return fn()
}

// Enter is Do for work that ends when leave is called, exactly once. A caller that has to wait
// gives the request's own turn back, so that cheaper requests can use it.
func (t *Turns) Enter(ctx context.Context) (leave func(), err error) {
	if t == nil {
		return func() {}, ctx.Err()
	}
	leave, err = t.turns.Enter(ctx, callerName(ctx), func() { domain.GiveTurn(ctx) })
	if errors.Is(err, bounded.ErrFull) {
		err = &domain.Unavailable{Err: domain.ErrOverloaded, After: t.retry}
	}
	return leave, err
}

// callerName names the caller whose turn it is: an apikey, a user, or, without a credential, the
// network that the request comes from.
func callerName(ctx context.Context) string {
	if who := domain.PrincipalOf(ctx); who.Kind != domain.PrincipalNobody {
		return fmt.Sprintf("%s %d", who.Kind, who.ID)
	}
	return bounded.Neighbourhood(domain.OriginOf(ctx).Address)
}
