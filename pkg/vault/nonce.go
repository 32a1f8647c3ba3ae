package vault

import (
	"context"
	"errors"

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
	if pending := n.unspent(); pending != nil {
		return replayed(tx.Nonces().Spend(ctx, *pending))
	}
	return nil
}

// unspent is the nonce, or nil when there is none to spend.
func (n *pendingNonce) unspent() *domain.Nonce {
	if n == nil || n.spent {
		return nil
	}
	return &n.Nonce
}

// replayed is the fault of a request that comes a second time, if err says that its nonce was used before.
func replayed(err error) error {
	if domain.IsKind(err, domain.Duplicated) {
		return badSignature(domain.PartNonce, err.Error())
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
func badSignature(part domain.Part, cause string) error {
	return &domain.Error{
		Kind: domain.Unauthenticated, Field: "authorization", Reason: domain.ReasonSignature, Err: domain.WithPart(part, errors.New(cause)),
	}
}
