package access

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
)

// Users are the use cases of users.
type Users struct {
	Control   *Control
	Passwords *Passwords
	Refusals  *audit.Refusals
	Access    *Authenticator
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
func (s *Users) Create(
	ctx context.Context, user domain.User, password domain.Secret, roles []int64,
) (domain.User, error) {
	return idempotency.Do(ctx, s.Control.Recorder.Results, func() (domain.User, error) {
		return s.create(ctx, user, password, roles)
	})
}

func (s *Users) create(
	ctx context.Context, user domain.User, password domain.Secret, roles []int64,
) (domain.User, error) {
	user.Username = domain.CleanName(user.Username)
	err := errors.Join(user.Validate(), domain.CheckUserPassword(user.Username, password), domain.CheckRoleIDs(roles))
	if err != nil {
		return user, err
	}
	if err := s.mayCreate(ctx, s.Control.Store, &user, roles); err != nil { // before a hash is made
		return user, err
	}
	if user.PasswordHash, err = s.Passwords.hash(ctx, password); err != nil {
		return user, err
	}
	now := s.Control.Now()
	user.Generation, user.Binding, user.CreatedAt, user.UpdatedAt = 1, rand.Text(), now, now
	err = s.Control.Change(ctx, func(ctx context.Context, tx domain.Store) (none audit.Change, err error) {
		if err := s.mayCreate(ctx, tx, &user, roles); err != nil {
			return none, err
		}
		if err := tx.Users().Create(ctx, &user); err != nil {
			return none, err
		}
		return users.Created(user), nil
	})
	return user, err
}

// mayCreate gives a user its roles, and checks that the caller may make it and that its name is
// free.
func (s *Users) mayCreate(ctx context.Context, tx domain.Store, user *domain.User, roles []int64) (err error) {
	if user.Roles, err = pickRoles(ctx, tx, roles, nil); err != nil {
		return err
	}
	if err := mayHold(ctx, user.Holder()); err != nil {
		return err
	}
	_, err = tx.Users().Named(ctx, user.Username)
	if domain.IsKind(err, domain.Missing) {
		return nil
	}
	return cmp.Or(err, error(domain.Fault(domain.Duplicated, "username", domain.ReasonDuplicated)))
}

// Update changes a user, unless a guard refuses the change. A new password ends all sessions.
func (s *Users) Update(
	ctx context.Context, id int64, update domain.UserUpdate, guards ...Guard,
) (domain.User, error) {
	var hash domain.Secret
	apply := func(tx domain.Store, user *domain.User) error {
		if err := update.Apply(user); err != nil {
			return err
		}
		setPassword(user, hash)
		roles, err := pickRoles(ctx, tx, update.Roles, user.Roles)
		user.Roles = roles
		return err
	}
	if update.Password != nil {
		var err error
		if hash, err = s.newHash(ctx, id, *update.Password, guards, apply); err != nil {
			return domain.User{}, err
		}
	}
	return s.edit(ctx, id, guards, apply)
}

// newHash returns the hash of a new password, if the caller may make the change that sets it.
func (s *Users) newHash(
	ctx context.Context, id int64, password domain.Secret, guards []Guard, apply func(domain.Store, *domain.User) error,
) (domain.Secret, error) {
	_, _, err := s.changed(ctx, s.Control.Store, id, guards, func(tx domain.Store, user *domain.User) error {
		endSessions(user) // as a new password does
		return apply(tx, user)
	})
	if err != nil {
		return "", err
	}
	return s.Passwords.hash(ctx, password)
}

func setPassword(user *domain.User, hash domain.Secret) {
	if hash != "" {
		user.PasswordHash = hash
		endSessions(user)
	}
}

// endSessions ends all sessions of a user for good.
func endSessions(user *domain.User) {
	user.Generation++
	user.Binding = rand.Text()
}

// edit changes a user by fn, if the caller may make that change.
func (s *Users) edit(
	ctx context.Context, id int64, guards []Guard, fn func(domain.Store, *domain.User) error,
) (user domain.User, err error) {
	err = s.Control.Change(ctx, func(ctx context.Context, tx domain.Store) (none audit.Change, err error) {
		var before domain.User
		if before, user, err = s.changed(ctx, tx, id, guards, fn); err != nil || users.Same(before, user) {
			return none, err
		}
		if before.Enabled && !user.Enabled && user.Generation == before.Generation {
			endSessions(&user)
		}
		user.UpdatedAt = s.Control.Now()
		if err := tx.Users().Update(ctx, user); err != nil {
			return none, err
		}
		return users.Changed(domain.ActionUpdate, before, user), nil
	})
	return user, err
}

// changed returns a user before and after fn, if the caller may make that change.
func (s *Users) changed(
	ctx context.Context, tx domain.Store, id int64, guards []Guard, fn func(domain.Store, *domain.User) error,
) (before, after domain.User, err error) {
	if before, err = tx.Users().Get(ctx, id); err != nil {
		return before, after, err
	}
	after = before
	if err := fn(tx, &after); err != nil {
		return before, after, err
	}
	return before, after, s.Control.mayChange(ctx, tx, before.Holder(), after.Holder(), guards)
}

// Delete removes a user and ends its sessions, unless a guard refuses it.
func (s *Users) Delete(ctx context.Context, id int64, guards ...Guard) error {
	err := s.Control.Change(ctx, func(ctx context.Context, tx domain.Store) (none audit.Change, err error) {
		user, err := tx.Users().Get(ctx, id)
		if err != nil {
			return none, err
		}
		if err := s.Control.mayChange(ctx, tx, user.Holder(), domain.Holder{}, guards); err != nil {
			return none, err
		}
		if err := tx.Users().Delete(ctx, id); err != nil {
			return none, err
		}
		return users.Deleted(user), nil
	})
	return err
}
