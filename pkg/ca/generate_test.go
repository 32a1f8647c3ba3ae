package ca_test

import (
	"context"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

func TestKeyGenerator_MakesWhatItIsAsked(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	for _, algorithm := range algorithms {
		if !algorithm.Valid() {
			t.Errorf("%s is not valid", algorithm)
		}
		got, err := ca.AlgorithmOf(newKey(t, algorithm).Public())
		if err != nil || got != algorithm {
			t.Errorf("asked for %s, got %s, %v", algorithm, got, err)
		}
	}
	for _, algorithm := range []ca.KeyAlgorithm{"", "rsa-1024", "rsa-8192", "ecdsa-p521"} {
		_, err := generator.Generate(t.Context(), algorithm)
		wantError(t, err, ca.ErrUnsupportedKey)
		if algorithm.Valid() {
			t.Errorf("%q is valid", algorithm)
		}
	}
}

func TestKeyGenerator_TheContextEndsTheWait(t *testing.T) {
	t.Parallel()
	one := ca.NewKeyGenerator(workers(1))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	failed := make(chan error)
	for range 3 {
		go func() {
			for ctx.Err() == nil { // a lucky key may be ready in time
				_, _ = one.Generate(ctx, ca.RSA3072)
			}
			_, err := one.Generate(ctx, ca.RSA3072)
			failed <- err
		}()
	}
	for range 3 {
		wantError(t, <-failed, context.DeadlineExceeded)
	}
	if _, err := one.Generate(ctx, ca.ECDSAP256); err != nil {
		t.Errorf("P-256 waits for RSA: %v", err)
	}
}
