package access

import (
	"context"
	"errors"
	"fmt"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Profile is what a caller may know of itself: a user, or an apikey in the fields of a user.
type Profile struct {
	Kind   domain.PrincipalKind
	User   domain.User
	Scopes []domain.Permission
}

// Profile returns the caller's own profile.
func (s *Users) Profile(ctx context.Context) (Profile, error) {
	principal := domain.PrincipalOf(ctx)
	p := Profile{Kind: principal.Kind}
	if principal.Kind == domain.PrincipalUser {
		user, err := s.Control.Store.Users().Get(ctx, principal.ID)
		p.User = user
		return p.withScopes(), vanished(err)
	}
	key, err := s.Control.Store.APIKeys().Get(ctx, principal.ID)
	p.User = domain.User{
		ID: key.ID, Username: key.Name, FullName: key.Description, Superuser: key.Superuser, Roles: key.Roles,
		Enabled: key.Enabled,
	}
	return p.withScopes(), vanished(err)
}

// vanished is the fault of a caller whose row was removed since its credential was checked.
func vanished(err error) error {
	if domain.IsKind(err, domain.Missing) {
		return Unauthenticated(err)
	}
	return err
}

// withScopes adds what the roles allow. A superuser may do everything.
func (p Profile) withScopes() Profile {
	rights := p.User.Rights()
	if p.User.Superuser {
		rights = domain.AllRights()
	}
	p.Scopes = rights.Permissions()
	return p
}

// ProfileUpdate is what users may change of their own profile; nil means unchanged. A new password
// needs the present one.
type ProfileUpdate struct {
	Email, FullName   *string
	Current, Password *domain.Secret
}

// UpdateProfile changes the caller's own profile. A new password ends all sessions, and a new
// session is returned. Errors: also Forbidden for apikeys.
func (s *Users) UpdateProfile(ctx context.Context, update ProfileUpdate) (Profile, *Session, error) {
	principal := domain.PrincipalOf(ctx)
	if principal.Kind != domain.PrincipalUser {
		return Profile{}, nil, domain.Fault(domain.Forbidden, "authorization", domain.ReasonForbidden)
	}
	generation, hash, err := s.newPassword(ctx, principal, update)
	if err != nil {
		return Profile{}, nil, err
	}
	user, err := s.edit(ctx, principal.ID, nil, func(_ domain.Store, user *domain.User) error {
		if hash != "" && user.Generation != generation { // another request has changed it since it was checked
			return Unauthenticated(fmt.Errorf("the password of user %d has changed meanwhile", user.ID))
		}
		setPassword(user, hash)
		return domain.UserUpdate{Email: update.Email, FullName: update.FullName}.Apply(user)
	})
	profile := Profile{Kind: principal.Kind, User: user}.withScopes()
	if err != nil || hash == "" {
		return profile, nil, vanished(err)
	}
	session, err := s.Access.session(ctx, user)
	return profile, &session, err
}

// newPassword checks the present password. It returns the generation of the user that was checked,
// and the hash of the new password.
func (s *Users) newPassword(
	ctx context.Context, principal domain.Principal, update ProfileUpdate,
) (int64, domain.Secret, error) {
	if update.Password == nil {
		return 0, "", nil
	}
	var missing error
	if update.Current == nil || *update.Current == "" {
		missing = domain.Fault(domain.Required, "current_password", domain.ReasonRequired)
	}
	if err := errors.Join(missing, domain.CheckUserPassword(principal.Name, *update.Password)); err != nil {
		return 0, "", err
	}
	user, _, err := s.changed(ctx, s.Control.Store, principal.ID, nil, func(_ domain.Store, user *domain.User) error {
		endSessions(user)
		return domain.UserUpdate{Email: update.Email, FullName: update.FullName}.Apply(user)
	})
	if err != nil {
		return 0, "", vanished(err)
	}
	if err := s.Passwords.attempt(ctx, principal.Name); err != nil {
		return 0, "", err
	}
	ok, _, err := s.Passwords.check(ctx, user.PasswordHash, *update.Current)
	if err == nil && !ok {
		fault := domain.Fault(domain.Invalid, "current_password", domain.ReasonPassword)
		s.Refusals.Record(ctx, domain.ResourceTokens, user.ID, fault)
		err = fault
	}
	if err != nil {
		return 0, "", err
	}
	hash, err := s.Passwords.hash(ctx, *update.Password)
	return user.Generation, hash, err
}
