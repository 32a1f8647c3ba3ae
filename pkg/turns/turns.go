package turns

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chaveiro/chaveiro/pkg/bounded"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Turns are those of the callers of requests. A nil Turns does not bound.
type Turns struct {
	turns *bounded.Turns
	retry time.Duration // when those are told to come back who find no place
}

// New returns Turns with these bounds.
func New(bounds bounded.TurnBounds, retry time.Duration) *Turns {
	return &Turns{turns: bounded.NewTurns(bounds), retry: retry}
}

// Do runs fn when it is the turn of the caller of ctx. Errors: [domain.Unavailable] when too many wait; that of ctx if it ends before.
func (t *Turns) Do(ctx context.Context, fn func() error) error {
	leave, err := t.Enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	return fn()
}

// Enter is Do for what ends when leave is called, once. Who has to wait gives the turn of the request back, for others that are less costly.
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

// callerName is whose turn it is: an apikey's, a user's, or that of the network from which a stranger comes.
func callerName(ctx context.Context) string {
	if who := domain.PrincipalOf(ctx); who.Kind != domain.PrincipalNobody {
		return fmt.Sprintf("%s %d", who.Kind, who.ID)
	}
	return bounded.Neighbourhood(domain.OriginOf(ctx).Address)
}
