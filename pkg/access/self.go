package access

import (
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Guard decides about a change of a user or an apikey from before to after; a zero after means a
// deletion. Its error refuses the change.
type Guard func(caller domain.Principal, before, after domain.Holder, now time.Time) error

// SpareSelf is a [Guard] that keeps callers from taking away their own rights. A change of the
// apikey or the user that makes the request is refused, with [domain.ReasonSelf], if it deletes or
// disables it, if it takes a right or the mark of a superuser away, if it adds a restriction, or if
// it ends the token of an apikey at once.
func SpareSelf(caller domain.Principal, before, after domain.Holder, now time.Time) error {
	if caller.Kind == before.Kind && caller.ID == before.ID && takes(before, after, now) {
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
