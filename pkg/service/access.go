package service

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Access are the use cases of credentials: it makes apikeys, exchanges them for access tokens, and finds out who makes a
// request.
type Access struct {
	Store  domain.Store
	Tokens *auth.Tokens
	Now    func() time.Time
	Log    *slog.Logger

	grants grants
	mu     sync.Mutex
	known  map[int64]knownKey
}

// knownKey is an apikey as it was read a moment ago.
type knownKey struct {
	key  domain.APIKey
	read time.Time
}

// trustFor is how long an apikey that was read is taken to be unchanged.
const trustFor = time.Second

// OpenTokens unseals the secret that tokens are made with, and makes it the first time. It fails when the master key is not the one
// that the database was sealed with.
func OpenTokens(ctx context.Context, store domain.Store, keys *ca.Keyring, now func() time.Time) (*auth.Tokens, error) {
	const name = "token-signing"
	fresh := make([]byte, auth.SecretSize)
	rand.Read(fresh)
	sealed, err := store.Secrets().GetOrCreate(ctx, name, keys.Seal(fresh, secretContext(name)))
	if err != nil {
		return nil, fmt.Errorf("read the token secret: %w", err)
	}
	secret, err := keys.Open(sealed, secretContext(name))
	if err != nil {
		return nil, fmt.Errorf("the master key is not the one this database was sealed with: %w", err)
	}
	return auth.NewTokens(secret, now)
}

// CreateAPIKey makes an apikey and returns it with its token.
func (s *Access) CreateAPIKey(ctx context.Context, name string, superuser bool) (domain.APIKey, domain.Secret, error) {
	if err := domain.CheckAPIKeyName(name); err != nil {
		return domain.APIKey{}, "", err
	}
	now := s.Now()
	key := domain.APIKey{Name: name, Superuser: superuser, Generation: 1, CreatedAt: now, UpdatedAt: now}
	if err := s.Store.APIKeys().Create(ctx, &key); err != nil {
		return domain.APIKey{}, "", err
	}
	token, err := s.Tokens.Refresh(key)
	if err == nil {
		s.Log.InfoContext(ctx, "apikey created", "apikey_id", key.ID, "name", key.Name, "superuser", superuser)
	}
	return key, token, err
}

// AccessToken is the outcome of an exchange.
type AccessToken struct {
	Token domain.Secret
	Life  time.Duration
}

// Exchange gives an access token for the token of an apikey. Errors: *domain.Error with Unauthenticated.
func (s *Access) Exchange(ctx context.Context, refresh domain.Secret) (AccessToken, error) {
	key, err := s.verify(ctx, refresh, auth.Refresh)
	if err != nil {
		return AccessToken{}, err
	}
	token, err := s.Tokens.Access(key)
	return AccessToken{Token: token, Life: auth.AccessLife}, err
}

// Authenticate says who holds the token, which must be of one of the uses. Errors: *domain.Error with Unauthenticated.
func (s *Access) Authenticate(ctx context.Context, token domain.Secret, uses ...auth.Use) (domain.Principal, error) {
	key, err := s.verify(ctx, token, uses...)
	if err != nil {
		return domain.Principal{}, err
	}
	return domain.Principal{Kind: domain.PrincipalAPIKey, ID: key.ID, Name: key.Name, Superuser: key.Superuser}, nil
}

func (s *Access) verify(ctx context.Context, token domain.Secret, uses ...auth.Use) (domain.APIKey, error) {
	grant, err := s.grants.verify(s.Tokens, s.Now(), string(token), uses)
	if err != nil {
		return domain.APIKey{}, unauthenticated(err)
	}
	key, err := s.key(ctx, grant.APIKeyID)
	if domain.IsKind(err, domain.Missing) {
		return domain.APIKey{}, unauthenticated(err)
	}
	if err == nil && key.Generation != grant.Generation {
		return domain.APIKey{}, unauthenticated(errors.New("token of an earlier generation"))
	}
	return key, err
}

func unauthenticated(cause error) error {
	return &domain.Error{Kind: domain.Unauthenticated, Field: "authorization", Reason: domain.ReasonCredential, Err: cause}
}

// key reads an apikey, at most once in trustFor: a change holds everywhere within that time.
func (s *Access) key(ctx context.Context, id int64) (domain.APIKey, error) {
	now := s.Now()
	s.mu.Lock()
	known, ok := s.known[id]
	s.mu.Unlock()
	if ok && now.Sub(known.read).Abs() < trustFor {
		return known.key, nil
	}
	key, err := s.Store.APIKeys().Get(ctx, id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		delete(s.known, id)
		return key, err
	}
	if s.known == nil || len(s.known) >= maxKnown {
		s.known = map[int64]knownKey{}
	}
	s.known[id] = knownKey{key: key, read: now}
	return key, nil
}
