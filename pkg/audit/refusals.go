package audit

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/chaveiro/chaveiro/pkg/bounded"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Refusals records refused attempts, and slows down callers that make many.
type Refusals struct {
	Store    domain.Store
	Recorder *Recorder
	Now      func() time.Time
	Log      *slog.Logger

	rates          bounded.Rates
	logins, others atomic.Int64
}

// Refused is how many attempts were refused since the process began, also those that are not in the
// audit because there were too many: to sign in, and of any other kind.
func (s *Refusals) Refused() (logins, others int64) { return s.logins.Load(), s.others.Load() }

// The rates up to which refusals are recorded: one for each address without a credential, and one
// for each principal. Beyond them nothing is written, so that nobody can fill the disk by being
// refused.
const (
	strangerBurst = 20
	strangerRate  = 0.5 // per second, as knownRate
	knownBurst    = 200
	knownRate     = 20
)

// Record records that an attempt was refused. When there were too many it returns how long the
// caller has to wait; that refusal is not in the audit, but only in the log.
func (s *Refusals) Record(ctx context.Context, resource domain.Scope, id int64, cause *domain.Error) time.Duration {
	if resource == domain.ResourceTokens {
		s.logins.Add(1)
	} else {
		s.others.Add(1)
	}
	if wait := s.take(ctx); wait > 0 {
		return wait
	}
	what := Facts{"cause": domain.Cause(cause), "field": cause.Field}
	if part := domain.PartOf(cause); part != "" {
		what["part"] = part
	}
	after, err := what.text()
	if err == nil {
		err = s.Store.Audit().Append(ctx, s.Recorder.complete(ctx, domain.Event{
			Action: domain.ActionAccess, Refused: true, Resource: resource, ResourceID: id, After: after,
		}))
	}
	s.Recorder.committed()
	if err != nil && ctx.Err() == nil {
		s.Log.ErrorContext(ctx, "a refusal could not be recorded", "error", err)
	}
	return 0
}

func (s *Refusals) take(ctx context.Context) time.Duration {
	principal := domain.PrincipalOf(ctx)
	if principal.Kind == domain.PrincipalNobody {
		return s.rates.Take(bounded.Neighbourhood(domain.OriginOf(ctx).Address), s.Now(), strangerRate, strangerBurst)
	}
	return s.rates.Take(fmt.Sprintf("%s:%d", principal.Kind, principal.ID), s.Now(), knownRate, knownBurst)
}
