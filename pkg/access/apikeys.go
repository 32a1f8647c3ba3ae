package access

import (
	"context"
	"errors"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
)

// APIKeys are the use cases of apikeys.
type APIKeys struct {
	Control *Control
	Access  *Authenticator
	// TokensOnce shows whole tokens in the answers of Create and Rotate only, also to superusers.
	TokensOnce bool
}

// IssuedKey is an apikey with its token, as far as the caller may see it.
type IssuedKey struct {
	domain.APIKey
	Token domain.Secret
}

// Page lists apikeys.
func (s *APIKeys) Page(ctx context.Context, req domain.PageRequest) (domain.Page[IssuedKey], error) {
	found, err := s.Control.Store.APIKeys().Page(ctx, req)
	page := domain.Page[IssuedKey]{
		Items: []IssuedKey{}, Current: found.Current, Next: found.Next, Previous: found.Previous,
	}
	for _, key := range found.Items {
		issued, tokenErr := s.shown(ctx, key)
		err = errors.Join(err, tokenErr)
		page.Items = append(page.Items, issued)
	}
	return page, err
}

// Get returns one apikey.
func (s *APIKeys) Get(ctx context.Context, id int64) (IssuedKey, error) {
	key, err := s.Control.Store.APIKeys().Get(ctx, id)
	if err != nil {
		return IssuedKey{}, err
	}
	return s.shown(ctx, key)
}

// shown adds the token. It is whole only for superusers that could make such an apikey themselves,
// and masked for all others, or for everybody with TokensOnce.
func (s *APIKeys) shown(ctx context.Context, key domain.APIKey) (IssuedKey, error) {
	issued, err := s.whole(ctx, key)
	caller := domain.PrincipalOf(ctx)
	if s.TokensOnce || !caller.Superuser || len(key.Holder().Restrictions().Beyond(caller.Limits)) > 0 {
		issued.Token = issued.Token.Masked()
	}
	return issued, err
}

func (s *APIKeys) whole(ctx context.Context, key domain.APIKey) (IssuedKey, error) {
	tokens, err := s.Access.Tokens(ctx)
	if err != nil {
		return IssuedKey{}, err
	}
	token, err := tokens.Refresh(key)
	return IssuedKey{key, token}, err
}

// Create makes an apikey with the roles of the ids.
func (s *APIKeys) Create(ctx context.Context, key domain.APIKey, roles []int64) (IssuedKey, error) {
	return s.issue(ctx, func() (domain.APIKey, error) { return s.create(ctx, key, roles) })
}

// issue returns the apikey that do gives, or gave when the request came first, with its whole
// token.
func (s *APIKeys) issue(ctx context.Context, do func() (domain.APIKey, error)) (IssuedKey, error) {
	key, err := idempotency.Do(ctx, s.Control.Recorder.Results, do)
	if err != nil {
		return IssuedKey{}, err
	}
	return s.whole(ctx, key)
}

func (s *APIKeys) create(ctx context.Context, key domain.APIKey, roles []int64) (domain.APIKey, error) {
	key.Name = domain.CleanName(key.Name)
	if err := errors.Join(key.Validate(), domain.CheckRoleIDs(roles)); err != nil {
		return key, err
	}
	now := s.Control.Now()
	key.Generation, key.Binding, key.CreatedAt, key.UpdatedAt = 1, domain.NewBinding(), now, now
	err := s.Control.Change(ctx, func(ctx context.Context, tx domain.Store) (none audit.Change, err error) {
		if key.Roles, err = pickRoles(ctx, tx, roles, nil); err != nil {
			return none, err
		}
		if err := mayHold(ctx, key.Holder()); err != nil {
			return none, err
		}
		if err := tx.APIKeys().Create(ctx, &key); err != nil {
			return none, err
		}
		return apikeys.Created(key), nil
	})
	return key, err
}

// Update changes an apikey, unless a guard refuses the change. Its token stays the same.
func (s *APIKeys) Update(
	ctx context.Context, id int64, update domain.APIKeyUpdate, guards ...Guard,
) (IssuedKey, error) {
	key, err := s.edit(ctx, id, domain.ActionUpdate, guards, func(tx domain.Store, key *domain.APIKey) error {
		if err := update.Apply(key); err != nil {
			return err
		}
		roles, err := pickRoles(ctx, tx, update.Roles, key.Roles)
		key.Roles = roles
		return err
	})
	if err != nil {
		return IssuedKey{}, err
	}
	return s.shown(ctx, key)
}

// Rotate gives an apikey a new token. The previous token works until the overlap ends; the tokens
// before that stop working. A guard may refuse it.
func (s *APIKeys) Rotate(
	ctx context.Context, id int64, overlap time.Duration, guards ...Guard,
) (IssuedKey, error) {
	if err := domain.CheckOverlap(overlap); err != nil {
		return IssuedKey{}, err
	}
	rotate := func(_ domain.Store, key *domain.APIKey) error {
		key.Generation++
		key.Binding = key.Binding.Next()
		key.PreviousUntil = time.Time{}
		if overlap > 0 {
			key.PreviousUntil = s.Control.Now().Add(overlap)
		}
		return nil
	}
	return s.issue(ctx, func() (domain.APIKey, error) { return s.edit(ctx, id, domain.ActionRotate, guards, rotate) })
}

// edit changes an apikey by fn, if the caller may make that change.
func (s *APIKeys) edit(
	ctx context.Context, id int64, action domain.Action, guards []Guard, fn func(domain.Store, *domain.APIKey) error,
) (key domain.APIKey, err error) {
	err = s.Control.Change(ctx, func(ctx context.Context, tx domain.Store) (none audit.Change, err error) {
		before, err := tx.APIKeys().Get(ctx, id)
		if err != nil {
			return none, err
		}
		key = before
		if err := fn(tx, &key); err != nil {
			return none, err
		}
		err = s.Control.mayChange(ctx, tx, before.Holder(), key.Holder(), guards)
		if err != nil || apikeys.Same(before, key) {
			return none, err
		}
		// its own token works again once it is enabled; tokens made from that do not
		if before.Enabled && !key.Enabled {
			key.Binding = key.Binding.Closed()
		}
		key.UpdatedAt = s.Control.Now()
		if err := tx.APIKeys().Update(ctx, key); err != nil {
			return none, err
		}
		return apikeys.Changed(action, before, key), nil
	})
	return key, err
}

// Delete removes an apikey, unless a guard refuses it. Its tokens stop working.
func (s *APIKeys) Delete(ctx context.Context, id int64, guards ...Guard) error {
	err := s.Control.Change(ctx, func(ctx context.Context, tx domain.Store) (none audit.Change, err error) {
		key, err := tx.APIKeys().Get(ctx, id)
		if err != nil {
			return none, err
		}
		if err := s.Control.mayChange(ctx, tx, key.Holder(), domain.Holder{}, guards); err != nil {
			return none, err
		}
		if err := tx.APIKeys().Delete(ctx, id); err != nil {
			return none, err
		}
		return apikeys.Deleted(key), nil
	})
	return err
}
