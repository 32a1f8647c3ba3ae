package pki

import (
	"context"
	"crypto"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// keyTime is how long a request may wait for its turn to make an RSA key, and make it.
const keyTime = 130 * time.Second

// makeKey makes a private key. One that is costly has a time of its own, after which the rest of
// the request has as much as it had when it began: that is for the context which is returned, and
// which the caller ends.
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
