package access

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Control is what all changes of access rights have in common.
type Control struct {
	Store    domain.Store
	Recorder *audit.Recorder
	Callers  *Callers
	Changes  *Changes
	Now      func() time.Time
}

// Changes counts the changes of access rights that this replica has made. made is incremented after
// each change, also one that failed. A cached state from before the last change is confirmed before
// it is used again.
type Changes struct{ made atomic.Int64 }

// Change is [audit.Recorder.Apply] in a transaction that excludes all other such changes, on every
// replica. When it has returned, this replica knows the change, and the others know it within
// trustFor. The context of fn has the caller as it is in the transaction: the transaction that this
// one waited for may have changed what was read before.
func (c *Control) Change(
	ctx context.Context, fn func(ctx context.Context, tx domain.Store) (audit.Change, error),
) error {
	var done audit.Change
	err := c.Store.Transact(ctx, func(tx domain.Store) error {
		if err := tx.AccessControl().Advance(ctx); err != nil {
			return err
		}
		ctx, err := c.Callers.Reread(ctx, tx)
		if err != nil {
			return err
		}
		if done, err = fn(ctx, tx); err != nil {
			return err
		}
		return c.Recorder.Record(ctx, tx, done)
	})
	c.Changes.made.Add(1)
	if err == nil {
		c.Recorder.Tell(ctx, done)
	}
	return err
}

// MayGrant refuses a caller that does not have the rights which it would give, take away or touch.
func MayGrant(ctx context.Context, field string, superuser bool, rights domain.Rights) error {
	if domain.PrincipalOf(ctx).MayGrant(superuser, rights) {
		return nil
	}
	return domain.Fault(domain.Forbidden, field, domain.ReasonBeyondOwn)
}

// mayChange checks a change of a user or an apikey from before to after. A zero after means a
// deletion.
func (c *Control) mayChange(
	ctx context.Context, tx domain.Store, before, after domain.Holder, guards []Guard,
) error {
	if err := MayGrant(ctx, "authorization", before.Superuser, before.Rights); err != nil {
		return err
	}
	if err := mayHave(ctx, after); err != nil {
		return err
	}
	if after.Kind != domain.PrincipalNobody {
		if err := MayFree(ctx, before.Restrictions(), after.Restrictions(), gives(before, after, c.Now())); err != nil {
			return err
		}
	}
	if err := c.superuserStays(ctx, tx, before, after); err != nil {
		return err
	}
	for _, guard := range guards {
		if err := guard(domain.PrincipalOf(ctx), before, after, c.Now()); err != nil {
			return err
		}
	}
	return nil
}

// superuserStays checks that another superuser remains. When a lasting superuser, who never expires
// and may come from everywhere, ceases to be one, another lasting one must remain. When any other
// superuser ceases to be one, any other must remain.
func (c *Control) superuserStays(ctx context.Context, tx domain.Store, before, after domain.Holder) error {
	now := c.Now()
	if after.Standing(now) >= before.Standing(now) {
		return nil
	}
	count := func() (int, error) { return tx.AccessControl().Superusers(ctx, now) }
	if before.Standing(now) == domain.LastingSuperuser {
		count = func() (int, error) { return tx.AccessControl().LastingSuperusers(ctx) }
	}
	superusers, err := count()
	if err == nil && superusers <= 1 {
		err = domain.Fault(domain.Rule, "superuser", domain.ReasonLastSuperuser)
	}
	return err
}

// mayHold checks that the caller may give a new holder those rights, with those restrictions.
func mayHold(ctx context.Context, after domain.Holder) error {
	if err := mayHave(ctx, after); err != nil {
		return err
	}
	return MayFree(ctx, domain.Restrictions{}, after.Restrictions(), true)
}

// mayHave checks that the caller may give a holder those rights.
func mayHave(ctx context.Context, after domain.Holder) error {
	if err := MayGrant(ctx, "superuser", after.Superuser, domain.Rights{}); err != nil {
		return err
	}
	return MayGrant(ctx, "roles", false, after.Rights)
}

// gives reports whether a change gives a user or an apikey something: another credential, activity,
// or rights.
func gives(before, after domain.Holder, now time.Time) bool {
	return after.Generation != before.Generation || after.Active(now) && !before.Active(now) ||
		after.Superuser && !before.Superuser || !before.Rights.Cover(after.Rights)
}

// MayFree refuses changes that go beyond the restrictions of the caller. What the caller gives must
// have no fewer restrictions than the caller has, and the caller can't remove one that it has
// itself. A holder that already has fewer may be changed as long as the change gives nothing.
func MayFree(ctx context.Context, before, after domain.Restrictions, gives bool) error {
	var faults []error
	wider := after.Beyond(before)
	for _, field := range after.Beyond(domain.PrincipalOf(ctx).Limits) {
		if gives || slices.Contains(wider, field) {
			faults = append(faults, domain.Fault(domain.Forbidden, field, domain.ReasonBeyondLimits))
		}
	}
	return errors.Join(faults...)
}

// pickRoles reads the roles with the given ids, by ascending id; nil keeps the present ones.
func pickRoles(ctx context.Context, tx domain.Store, ids []int64, present []domain.Role) ([]domain.Role, error) {
	if ids == nil {
		return present, nil
	}
	found, err := tx.Roles().Find(ctx, ids)
	if err != nil {
		return nil, err
	}
	_, err = domain.PickRoles(ids, found)
	return found, err
}
