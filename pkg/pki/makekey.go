package pki

import (
	"context"
	"crypto"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// keyTime is how long a request may take to wait for its turn to make an RSA key and to make it.
const keyTime = 130 * time.Second

// makeKey makes a private key. A costly key has a deadline of its own. After it, the rest of the
// request has as much time again as the whole request had: that is the returned context, which the
// caller has to end.
func makeKey(
	ctx context.Context, generator *ca.KeyGenerator, algorithm ca.KeyAlgorithm,
) (crypto.Signer, context.Context, context.CancelFunc, error) {
	if !algorithm.Costly() {
		signer, err := generator.Generate(ctx, algorithm)
		return signer, ctx, func() {}, err
	}
	waiting, done := domain.Renewed(ctx, keyTime)
	defer done()
	signer, err := generator.Generate(waiting, algorithm)
	if err != nil {
		return nil, ctx, nil, err
	}
	after, end := domain.Renewed(ctx, 0)
	return signer, after, end, nil
}
