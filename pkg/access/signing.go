package access

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/seal"
)

// Signing keeps the keys that sessions and access tokens are signed with.
type Signing struct {
	Control *Control
	Keys    *seal.Keyring
	Secret  []byte        // of the tokens of apikeys
	Life    time.Duration // how long a key signs before the next one is made
	Now     func() time.Time
}

// settle is how long after its creation a key begins to sign: by then every replica has noticed it.
const settle = 5 * trustFor

// Tokens returns the signer and verifier of tokens with the present keys.
func (s *Signing) Tokens(ctx context.Context) (*auth.Tokens, error) {
	rows, err := s.Control.Store.SigningKeys().List(ctx)
	if err != nil {
		return nil, err
	}
	ring := make([]auth.SigningKey, len(rows))
	for i, row := range rows {
		secret, err := s.Keys.Open(row.Sealed, signingKeyContext(row.ID))
		if err != nil {
			return nil, fmt.Errorf("signing key %s: %w", row.ID, err)
		}
		ring[i] = auth.SigningKey{ID: row.ID, Secret: secret, InForce: row.CreatedAt.Add(settle)}
	}
	return auth.NewTokens(s.Secret, ring, s.Now)
}

// Begin makes the first key of a database, unless another replica has made it. The audit has no
// event of it: nobody has asked for it.
func (s *Signing) Begin(ctx context.Context) error {
	if rows, err := s.Control.Store.SigningKeys().List(ctx); err != nil || len(rows) > 0 {
		return err
	}
	fresh := s.newKey()
	return s.Control.Change(ctx, func(ctx context.Context, tx domain.Store) (none audit.Change, err error) {
		if rows, err := tx.SigningKeys().List(ctx); err != nil || len(rows) > 0 {
			return none, err
		}
		return none, tx.SigningKeys().Create(ctx, fresh)
	})
}

func (s *Signing) newKey() domain.SigningKey {
	secret := make([]byte, auth.SecretSize)
	rand.Read(secret)
	id := rand.Text()
	return domain.SigningKey{ID: id, Sealed: s.Keys.Seal(secret, signingKeyContext(id)), CreatedAt: s.Now()}
}

// signingKeyContext binds a sealed key to its row.
func signingKeyContext(id string) string { return "signing-key/" + id }

// SealedContexts says what the sealed values of this package are bound to.
func SealedContexts() map[domain.SealedKind]func(domain.SealedPlace) string {
	return map[domain.SealedKind]func(domain.SealedPlace) string{
		domain.SealedSigningKey: func(p domain.SealedPlace) string { return signingKeyContext(p.Name) },
	}
}

// Rotate makes a new key. What the earlier keys have signed stays valid until it expires. With
// revoke it becomes invalid at once: everybody but the holders of apikeys has to sign in again.
func (s *Signing) Rotate(ctx context.Context, revoke bool) error {
	return s.rotate(ctx, func([]domain.SigningKey) (bool, bool) { return true, revoke })
}

// RotateDue makes a new key when the newest has signed for its life, or there is none, on one
// replica only.
func (s *Signing) RotateDue(ctx context.Context) error {
	due := func(rows []domain.SigningKey) bool {
		newest, ok := s.newest(rows)
		return !ok || s.Now().Sub(newest) >= s.Life
	}
	rows, err := s.Control.Store.SigningKeys().List(ctx)
	if err != nil || !due(rows) {
		return err
	}
	return s.rotate(ctx, func(rows []domain.SigningKey) (bool, bool) { return due(rows), false })
}

func (s *Signing) rotate(ctx context.Context, decide func([]domain.SigningKey) (rotate, revoke bool)) error {
	fresh := s.newKey()
	return s.Control.Change(ctx, func(ctx context.Context, tx domain.Store) (none audit.Change, err error) {
		rows, err := tx.SigningKeys().List(ctx)
		if err != nil {
			return none, err
		}
		rotate, revoke := decide(rows)
		if !rotate {
			return none, nil
		}
		fresh.CreatedAt = s.Now() // not earlier: the transaction may have waited, and replicas see the key from now on
		if err := tx.SigningKeys().Create(ctx, fresh); err != nil {
			return none, err
		}
		if err := tx.SigningKeys().Delete(ctx, s.useless(rows, revoke)); err != nil {
			return none, err
		}
		return audit.Change{
			Action: domain.ActionRotate, Resource: domain.ResourceSigningKeys, Name: fresh.ID,
			After: audit.Facts{"revoked_earlier": revoke},
		}, nil
	})
}

// newest is when the newest key was made, apart from keys with a time in the future, which a clock
// that was ahead has made.
func (s *Signing) newest(rows []domain.SigningKey) (at time.Time, ok bool) {
	for _, row := range rows {
		if row.CreatedAt.Sub(s.Now()) < domain.ClockTolerance {
			at, ok = row.CreatedAt, true
		}
	}
	return at, ok
}

// useless returns the keys whose last token has expired: those whose successor had signed for
// longer than the life of a session when the newest key was made. The present time does not matter,
// because a clock may be ahead: the removal of a key ends sessions for good.
func (s *Signing) useless(rows []domain.SigningKey, all bool) []string {
	var ids []string
	newest, _ := s.newest(rows)
	for i, row := range rows {
		succeeded := i+1 < len(rows) && newest.Sub(rows[i+1].CreatedAt.Add(settle)) > auth.SessionLife
		if all || succeeded {
			ids = append(ids, row.ID)
		}
	}
	return ids
}
