package access

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/bounded"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/turns"
)

// Login signs users in by their passwords.
type Login struct {
	Store     domain.Store
	Recorder  *audit.Recorder
	Access    *Authenticator
	Passwords *Passwords
}

// The limits of guessing: a burst of attempts at once, then one in every interval.
const (
	accountBurst    = 10
	accountInterval = 30 * time.Second
	addressBurst    = 30
	addressInterval = 2 * time.Second
)

// Password signs a user in. Errors: *domain.Error with Unauthenticated. It is the same, and takes
// as long, whether the user does not exist, the password is wrong or the user is disabled. It has
// Wait after too many attempts from the address or for the name.
func (s *Login) Password(ctx context.Context, username string, password domain.Secret) (Session, error) {
	if err := s.Passwords.attempt(ctx, username); err != nil {
		return Session{}, err
	}
	user, err := s.named(ctx, username)
	if err != nil && !domain.IsKind(err, domain.Missing) {
		return Session{}, err
	}
	ok, rehashed, checkErr := s.Passwords.check(ctx, user.PasswordHash, password)
	switch {
	case checkErr != nil:
		return Session{}, checkErr
	case err != nil:
		return Session{}, Unauthenticated(errors.New("no user of that name"))
	case !ok:
		return Session{}, Unauthenticated(fmt.Errorf("wrong password for user %d", user.ID))
	case !user.Enabled:
		return Session{}, Unauthenticated(fmt.Errorf("user %d is disabled", user.ID))
	}
	if err := s.welcome(ctx, user, rehashed); err != nil {
		return Session{}, err
	}
	return s.Access.session(ctx, user)
}

// named finds a user by a name as it was typed. The name is cleaned as the account's name was,
// unless an earlier version has made the account: so the name as typed is tried as well.
func (s *Login) named(ctx context.Context, username string) (domain.User, error) {
	clean := domain.CleanName(username)
	user, err := s.Store.Users().Named(ctx, clean)
	if clean != username && domain.IsKind(err, domain.Missing) {
		return s.Store.Users().Named(ctx, username)
	}
	return user, err
}

// welcome records that a user has signed in, and stores a renewed password hash.
func (s *Login) welcome(ctx context.Context, user domain.User, rehashed domain.Secret) error {
	ctx = domain.WithPrincipal(ctx, user.Holder().Principal())
	return s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		if rehashed != "" {
			if err := tx.Users().Rehash(ctx, user.ID, user.PasswordHash, rehashed); err != nil {
				return none, err
			}
		}
		err = tx.Throttles().Empty(ctx, accountBucket(user.Username))
		return audit.Change{
			Action: domain.ActionLogin, Resource: domain.ResourceTokens, ID: user.ID, Name: user.Username,
		}, err
	})
}

// Forget removes the records of attempts that are long past.
func (s *Login) Forget(ctx context.Context) error {
	return s.Store.Throttles().Purge(ctx, s.Passwords.Now())
}

// Passwords hashes and checks passwords, not many at once, and slows down guessing.
type Passwords struct {
	Store domain.Store
	Turns *turns.Turns
	Now   func() time.Time

	unusable domain.Secret
}

// NewPasswords returns a Passwords.
func NewPasswords(store domain.Store, turns *turns.Turns, now func() time.Time) *Passwords {
	return &Passwords{Store: store, Turns: turns, Now: now, unusable: auth.UnusableHash()}
}

// attempt counts an attempt before it is made, so that concurrent attempts are counted too.
func (p *Passwords) attempt(ctx context.Context, username string) error {
	now := p.Now()
	wait, err := p.Store.Throttles().
		Take(ctx, addressBucket(domain.OriginOf(ctx).Address), now, addressInterval, addressBurst)
	if err == nil && wait == 0 {
		wait, err = p.Store.Throttles().Take(ctx, accountBucket(username), now, accountInterval, accountBurst)
	}
	if err == nil && wait > 0 {
		err = limited(domain.Unauthenticated, wait, errors.New("too many attempts to sign in"))
	}
	return err
}

func addressBucket(address netip.Addr) string { return "address/" + bounded.Neighbourhood(address) }

// accountBucket hides the name: users type their passwords there.
func accountBucket(username string) string {
	sum := sha256.Sum256([]byte(domain.NameKey(domain.CleanName(username))))
	return "account/" + hex.EncodeToString(sum[:16])
}

// check compares a password. An empty hash matches none, and takes as long. For a hash of another
// cost a new hash comes back.
func (p *Passwords) check(
	ctx context.Context, hash, password domain.Secret,
) (ok bool, rehashed domain.Secret, err error) {
	if hash == "" {
		hash = p.unusable
	}
	err = p.Turns.Do(ctx, func() error {
		var outdated bool
		if ok, outdated = auth.CheckPassword(hash, password); ok && outdated {
			rehashed = auth.HashPassword(password)
		}
		return nil
	})
	return ok, rehashed, err
}

// hash returns the hash of a new password.
func (p *Passwords) hash(ctx context.Context, password domain.Secret) (hash domain.Secret, err error) {
	err = p.Turns.Do(ctx, func() error {
		hash = auth.HashPassword(password)
		return nil
	})
	return hash, err
}
