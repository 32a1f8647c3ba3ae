package vault

import (
	"context"
	"errors"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// The nonce of a signed request is an argument of whatever the request changes; it is nil for a
// request without one. A change that succeeds has spent the nonce in its own transaction. A change
// that fails has not.

// Spend spends the nonce of a request that has changed nothing. Errors: *domain.Error with
// Unauthenticated if it was spent before.
func (s *Authenticator) Spend(ctx context.Context, nonce *domain.Nonce) error {
	return spend(ctx, s.Access.Store, nonce)
}

func spend(ctx context.Context, tx domain.Store, nonce *domain.Nonce) error {
	if nonce == nil {
		return nil
	}
	return replayed(tx.Nonces().Spend(ctx, *nonce))
}

// replayed turns err into the fault of a replayed request, if err says that the nonce was used
// before.
func replayed(err error) error {
	if domain.IsKind(err, domain.Duplicated) {
		return badSignature(domain.PartNonce, err.Error())
	}
	return err
}

// badSignature is the fault of an OAuth 1.0 request that does not prove its origin.
func badSignature(part domain.Part, cause string) error {
	return &domain.Error{
		Kind: domain.Unauthenticated, Field: "authorization", Reason: domain.ReasonSignature,
		Err: domain.WithPart(part, errors.New(cause)),
	}
}
