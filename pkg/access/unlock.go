package access

import (
	"context"
	"net/netip"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/bounded"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Unlock forgets the attempts to sign in with a username, so that its user does not have to wait.
// Errors: *domain.Error with Missing.
func (s *Users) Unlock(ctx context.Context, username string) error {
	user, err := s.Control.Store.Users().Named(ctx, username)
	if err != nil {
		return err
	}
	return s.unlock(ctx, accountBucket(user.Username), audit.Change{
		Action: domain.ActionUpdate, Resource: domain.ScopeUsers, ID: user.ID, Name: user.Username,
		After: audit.Facts{"unlocked": true},
	})
}

// UnlockAddress forgets the attempts to sign in from an address; for IPv6, from its network of 2^64
// addresses.
func (s *Users) UnlockAddress(ctx context.Context, address netip.Addr) error {
	near := bounded.Neighbourhood(address)
	return s.unlock(
		ctx, addressBucket(address), audit.Change{
			Action: domain.ActionUpdate, Resource: domain.ScopeUsers, Name: near, After: audit.Facts{"unlocked": true},
		},
	)
}

func (s *Users) unlock(ctx context.Context, bucket string, c audit.Change) error {
	return s.Control.Recorder.Apply(
		ctx, s.Control.Store,
		func(tx domain.Store) (audit.Change, error) { return c, tx.Throttles().Empty(ctx, bucket) },
	)
}
