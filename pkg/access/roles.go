package access

import (
	"context"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
)

// Roles are the use cases of roles.
type Roles struct {
	Control *Control
}

// Page lists roles.
func (s *Roles) Page(ctx context.Context, req domain.PageRequest) (domain.Page[domain.Role], error) {
	return s.Control.Store.Roles().Page(ctx, req)
}

// Get returns one role.
func (s *Roles) Get(ctx context.Context, id int64) (domain.Role, error) {
	return s.Control.Store.Roles().Get(ctx, id)
}

// Create makes a role. A caller can put only those rights into it that the caller has.
func (s *Roles) Create(ctx context.Context, role domain.Role) (domain.Role, error) {
	return idempotency.Do(ctx, s.Control.Recorder.Results, func() (domain.Role, error) { return s.create(ctx, role) })
}

func (s *Roles) create(ctx context.Context, role domain.Role) (domain.Role, error) {
	role.Name = domain.CleanName(role.Name)
	if err := role.Validate(); err != nil {
		return role, err
	}
	now := s.Control.Now()
	role.CreatedAt, role.UpdatedAt = now, now
	err := s.Control.Change(ctx, func(ctx context.Context, tx domain.Store) (none audit.Change, err error) {
		if err := MayGrant(ctx, "scopes", false, role.Rights()); err != nil {
			return none, err
		}
		if err := tx.Roles().Create(ctx, &role); err != nil {
			return none, err
		}
		return roles.Created(role), nil
	})
	return role, err
}

// Update changes a role, for all its holders.
func (s *Roles) Update(ctx context.Context, id int64, update domain.RoleUpdate) (role domain.Role, err error) {
	err = s.Control.Change(ctx, func(ctx context.Context, tx domain.Store) (none audit.Change, err error) {
		before, err := tx.Roles().Get(ctx, id)
		if err != nil {
			return none, err
		}
		role = before
		if err := update.Apply(&role); err != nil {
			return none, err
		}
		if err := MayGrant(ctx, "scopes", false, before.Rights().Union(role.Rights())); err != nil ||
			roles.Same(before, role) {
			return none, err
		}
		if err := mayWiden(ctx, tx, before, role); err != nil {
			return none, err
		}
		role.UpdatedAt = s.Control.Now()
		if err := tx.Roles().Update(ctx, role); err != nil {
			return none, err
		}
		return roles.Changed(domain.ActionUpdate, before, role), nil
	})
	return role, err
}

// mayWiden refuses a restricted caller that would add rights to a role with a holder that has fewer
// restrictions than the caller.
func mayWiden(ctx context.Context, tx domain.Store, before, after domain.Role) error {
	own := domain.PrincipalOf(ctx).Limits
	if !own.Any() || before.Rights().Cover(after.Rights()) {
		return nil
	}
	held, err := tx.Roles().Limits(ctx, before.ID)
	if err != nil {
		return err
	}
	for _, limits := range held {
		if len(limits.Beyond(own)) > 0 {
			return domain.Fault(domain.Forbidden, "scopes", domain.ReasonBeyondLimits)
		}
	}
	return nil
}

// Delete removes a role that has no holders.
func (s *Roles) Delete(ctx context.Context, id int64) error {
	err := s.Control.Change(ctx, func(ctx context.Context, tx domain.Store) (none audit.Change, err error) {
		role, err := tx.Roles().Get(ctx, id)
		if err != nil {
			return none, err
		}
		if err := MayGrant(ctx, "scopes", false, role.Rights()); err != nil {
			return none, err
		}
		if err := tx.Roles().Delete(ctx, id); err != nil {
			return none, err
		}
		return roles.Deleted(role), nil
	})
	return err
}
