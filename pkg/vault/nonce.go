package vault

import (
	"context"
	"errors"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// The nonce of a request that was signed is an argument of whatever the request changes, and nil
// for a request without one. A change that succeeds has spent it, in its transaction; one that
// fails has not.

// Spend spends the nonce of a request that has changed nothing. Errors: *domain.Error with
// Unauthenticated when it was spent before.
func (s *Authenticator) Spend(ctx context.Context, nonce *domain.Nonce) error {
	return spend(ctx, s.Access.Store, nonce)
}

func spend(ctx context.Context, tx domain.Store, nonce *domain.Nonce) error {
	if nonce == nil {
		return nil
	}
	return replayed(tx.Nonces().Spend(ctx, *nonce))
}

// replayed is the fault of a request that comes a second time, if err says that its nonce was used
// before.
func replayed(err error) error {
	if domain.IsKind(err, domain.Duplicated) {
		return badSignature(domain.PartNonce, err.Error())
	}
	return err
}

// badSignature is the fault of an OAuth 1.0 request that does not prove who it is from.
func badSignature(part domain.Part, cause string) error {
	return &domain.Error{
		Kind: domain.Unauthenticated, Field: "authorization", Reason: domain.ReasonSignature,
		Err: domain.WithPart(part, errors.New(cause)),
	}
}
