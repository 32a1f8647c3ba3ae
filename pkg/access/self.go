package access

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type sparing struct{}

// SparingSelf returns a context in which callers can't take away their own rights: a change of the
// apikey or the user that makes the request is refused, with [domain.ReasonSelf], if it deletes or
// disables it, if it takes a right or the mark of a superuser away, if it adds a restriction, or if
// it ends the token of an apikey at once.
func SparingSelf(ctx context.Context) context.Context {
	return context.WithValue(ctx, sparing{}, true)
}

// sparesSelf checks a change from before to after; a zero after means a deletion.
func sparesSelf(ctx context.Context, before, after domain.Holder, now time.Time) error {
	caller := domain.PrincipalOf(ctx)
	if ctx.Value(sparing{}) == nil || caller.Kind != before.Kind || caller.ID != before.ID {
		return nil
	}
	if takes(before, after, now) {
		return domain.Fault(domain.Rule, "self", domain.ReasonSelf)
	}
	return nil
}

// takes reports whether a change takes something away from a user or an apikey.
func takes(before, after domain.Holder, now time.Time) bool {
	ends := before.Kind == domain.PrincipalAPIKey && after.Generation != before.Generation &&
		!after.PreviousUntil.After(now)
	return ends || before.Active(now) && !after.Active(now) || before.Superuser && !after.Superuser ||
		!after.Rights.Cover(before.Rights) || len(before.Restrictions().Beyond(after.Restrictions())) > 0
}
