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
// it ends at once the token of an apikey that the request was made with.
func SpareSelf(caller domain.Principal, before, after domain.Holder, now time.Time) error {
	if caller.Kind == before.Kind && caller.ID == before.ID &&
		(ends(caller.Proof, before, after, now) || takes(before, after, now)) {
		return domain.Fault(domain.Rule, "self", domain.ReasonSelf)
	}
	return nil
}

// ends reports whether a change ends the token of an apikey that a proof comes from. The token may
// be of the generation before: one more rotation ends it.
func ends(proof domain.Proof, before, after domain.Holder, now time.Time) bool {
	return before.Kind == domain.PrincipalAPIKey && after.Generation != before.Generation &&
		!after.Accepts(proof.Generation, now)
}

// takes reports whether a change takes something away from a user or an apikey.
func takes(before, after domain.Holder, now time.Time) bool {
	return before.Active(now) && !after.Active(now) || before.Superuser && !after.Superuser ||
		!after.Rights.Cover(before.Rights) || len(before.Restrictions().Beyond(after.Restrictions())) > 0
}
