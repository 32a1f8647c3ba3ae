package service

import (
	"context"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// pendingNonce is the nonce of a request that was verified. Who changes something spends it in the transaction of the change; for all others it is
// spent by itself before the answer.
type pendingNonce struct {
	domain.Nonce
	spent bool
}

type nonceKey struct{}

func withNonce(ctx context.Context, n domain.Nonce) context.Context {
	return context.WithValue(ctx, nonceKey{}, &pendingNonce{Nonce: n})
}

// nonceOf returns nil for a request without a nonce; all methods of nil do nothing.
func nonceOf(ctx context.Context) *pendingNonce {
	n, _ := ctx.Value(nonceKey{}).(*pendingNonce)
	return n
}

func (n *pendingNonce) spend(ctx context.Context, tx domain.Store) error {
	if n == nil || n.spent {
		return nil
	}
	err := tx.Nonces().Spend(ctx, n.Nonce)
	if domain.IsKind(err, domain.Duplicated) {
		err = badSignature(err)
	}
	return err
}

// settle notes that the transaction in which the nonce was spent has ended.
func (n *pendingNonce) settle(err error) {
	if n != nil && err == nil {
		n.spent = true
	}
}

// badSignature is the fault of an OAuth 1.0 request that does not prove who it is from.
func badSignature(cause error) error {
	return &domain.Error{Kind: domain.Unauthenticated, Field: "authorization", Reason: domain.ReasonSignature, Err: cause}
}
