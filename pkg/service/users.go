package service

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"reflect"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Users are the use cases of users.
type Users struct {
	Control   *Control
	Passwords *Passwords
	Refusals  *Refusals
	Log       *slog.Logger
}

// Page lists users.
func (s *Users) Page(ctx context.Context, req domain.PageRequest) (domain.Page[domain.User], error) {
	return s.Control.Store.Users().Page(ctx, req)
}

// Get returns one user.
func (s *Users) Get(ctx context.Context, id int64) (domain.User, error) {
	return s.Control.Store.Users().Get(ctx, id)
}

// Create makes a user with the roles of the ids.
func (s *Users) Create(ctx context.Context, user domain.User, password domain.Secret, roles []int64) (domain.User, error) {
	user.Username = domain.CleanName(user.Username)
	err := errors.Join(user.Validate(), domain.CheckUserPassword(user.Username, password), domain.CheckRoleIDs(roles))
	if err != nil {
		return user, err
	}
	if user.PasswordHash, err = s.Passwords.hash(ctx, password); err != nil {
		return user, err
	}
	now := s.Control.Now()
	user.Generation, user.Binding, user.CreatedAt, user.UpdatedAt = 1, rand.Text(), now, now
	err = s.Control.change(ctx, func(ctx context.Context, tx domain.Store) (err error) {
		if user.Roles, err = pickRoles(ctx, tx, roles, nil); err != nil {
			return err
		}
		if err := mayHold(ctx, user.Holder()); err != nil {
			return err
		}
		if err := tx.Users().Create(ctx, &user); err != nil {
			return err
		}
		return s.record(ctx, tx, domain.ActionCreate, nil, &user)
	})
	if err == nil {
		s.Log.InfoContext(ctx, "user created", "user_id", user.ID, "superuser", user.Superuser, "principal", domain.PrincipalOf(ctx).Name)
	}
	return user, err
}

// Update changes a user. A new password ends all sessions.
func (s *Users) Update(ctx context.Context, id int64, update domain.UserUpdate) (domain.User, error) {
	var hash domain.Secret
	if update.Password != nil && domain.CheckUserPassword("", *update.Password) == nil {
		var err error
		if hash, err = s.Passwords.hash(ctx, *update.Password); err != nil {
			return domain.User{}, err
		}
	}
	return s.edit(ctx, id, func(tx domain.Store, user *domain.User) error {
		if err := update.Apply(user); err != nil {
			return err
		}
		setPassword(user, hash)
		roles, err := pickRoles(ctx, tx, update.Roles, user.Roles)
		user.Roles = roles
		return err
	})
}

func setPassword(user *domain.User, hash domain.Secret) {
	if hash != "" {
		user.PasswordHash = hash
		endSessions(user)
	}
}

// endSessions ends them for good.
func endSessions(user *domain.User) {
	user.Generation++
	user.Binding = rand.Text()
}

// edit changes a user by fn, if the caller may.
func (s *Users) edit(ctx context.Context, id int64, fn func(domain.Store, *domain.User) error) (user domain.User, err error) {
	err = s.Control.change(ctx, func(ctx context.Context, tx domain.Store) error {
		before, err := tx.Users().Get(ctx, id)
		if err != nil {
			return err
		}
		user = before
		if err := fn(tx, &user); err != nil {
			return err
		}
		if err := s.Control.mayChange(ctx, tx, before.Holder(), user.Holder()); err != nil || reflect.DeepEqual(userFacts(before), userFacts(user)) {
			return err
		}
		if before.Enabled && !user.Enabled && user.Generation == before.Generation {
			endSessions(&user)
		}
		user.UpdatedAt = s.Control.Now()
		if err := tx.Users().Update(ctx, user); err != nil {
			return err
		}
		return s.record(ctx, tx, domain.ActionUpdate, &before, &user)
	})
	if err == nil {
		s.Log.InfoContext(ctx, "user updated", "user_id", id, "principal", domain.PrincipalOf(ctx).Name)
	}
	return user, err
}

// Delete removes a user, whose sessions end.
func (s *Users) Delete(ctx context.Context, id int64) error {
	err := s.Control.change(ctx, func(ctx context.Context, tx domain.Store) error {
		user, err := tx.Users().Get(ctx, id)
		if err != nil {
			return err
		}
		if err := s.Control.mayChange(ctx, tx, user.Holder(), domain.Holder{}); err != nil {
			return err
		}
		if err := tx.Users().Delete(ctx, id); err != nil {
			return err
		}
		return s.record(ctx, tx, domain.ActionDelete, &user, nil)
	})
	if err == nil {
		s.Log.InfoContext(ctx, "user deleted", "user_id", id, "principal", domain.PrincipalOf(ctx).Name)
	}
	return err
}

func (s *Users) record(ctx context.Context, tx domain.Store, action domain.Action, before, after *domain.User) error {
	c := change{action: action, resource: domain.ScopeUsers}
	if before != nil {
		c.id, c.name, c.before = before.ID, before.Username, userFacts(*before)
	}
	if after != nil {
		c.id, c.name, c.after = after.ID, after.Username, userFacts(*after)
	}
	return s.Control.Audit.record(ctx, tx, c)
}
