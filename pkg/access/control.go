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

// Control is what all changes of who may do what have in common.
type Control struct {
	Store    domain.Store
	Recorder *audit.Recorder
	Callers  *Callers
	Changes  *Changes
	Now      func() time.Time
}

// Changes counts the changes of who may do what that this replica has made. made is added to after
// each change, also one that failed; what is known since before the last one is asked for anew.
type Changes struct{ made atomic.Int64 }

// Change is [audit.Recorder.Apply] in a transaction that no other such change is beside, on any replica; when it has returned, this replica knows of it,
// and the others within trustFor. The context of fn has the caller as it is in the transaction: what was read before may have been changed by the one
// that was waited for.
func (c *Control) Change(ctx context.Context, fn func(ctx context.Context, tx domain.Store) (audit.Change, error)) error {
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

// MayGrant refuses those who have not themselves what they would give, take or touch.
func MayGrant(ctx context.Context, field string, superuser bool, rights domain.Rights) error {
	if domain.PrincipalOf(ctx).MayGrant(superuser, rights) {
		return nil
	}
	return domain.Fault(domain.Forbidden, field, domain.ReasonBeyondOwn)
}

// mayChange checks a change of a user or an apikey from before to after; an after that is zero is none.
func (c *Control) mayChange(ctx context.Context, tx domain.Store, before, after domain.Holder) error {
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
	return c.superuserStays(ctx, tx, before, after)
}

// superuserStays checks that there is somebody else who is superuser for good and from everywhere, before one is no more; and that of those who are so
// until a time or from some networks one is left, where there is nobody else.
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

// mayHold checks that the caller may give somebody new those rights, with those restrictions.
func mayHold(ctx context.Context, after domain.Holder) error {
	if err := mayHave(ctx, after); err != nil {
		return err
	}
	return MayFree(ctx, domain.Restrictions{}, after.Restrictions(), true)
}

// mayHave checks that the caller may give somebody those rights.
func mayHave(ctx context.Context, after domain.Holder) error {
	if err := MayGrant(ctx, "superuser", after.Superuser, domain.Rights{}); err != nil {
		return err
	}
	return MayGrant(ctx, "roles", false, after.Rights)
}

// gives reports whether a change gives a user or an apikey something: another credential, a life, or rights.
func gives(before, after domain.Holder, now time.Time) bool {
	return after.Generation != before.Generation || after.Active(now) && !before.Active(now) ||
		after.Superuser && !before.Superuser || !before.Rights.Cover(after.Rights)
}

// MayFree refuses those who are themselves restricted: what they give has no fewer restrictions than they have, and they take none away. What has fewer
// already they may change as long as that gives nothing.
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

// pickRoles reads the roles of a list, by ascending id; nil leaves those that are there.
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
