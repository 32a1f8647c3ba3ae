package ca

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
)

// KeyGenerator makes private keys. Making an RSA key takes up to several seconds of one core, a
// hundred thousand times as long as any other, so RSA keys are made by workers, for which the
// callers wait in turn, while the caller makes all other keys itself at once. It is safe for
// concurrent use.
//
// A worker during whose work other keys were made then rests for twice as long as it worked:
// goroutines have no priorities, and on two cores one worker without rest was measured to take over
// 40 percent from an HTTP server issuing P-256 certificates, with rest 4 to 15. Resting costs
// nothing to the caller whose key is done, nor to a service that makes RSA keys only. The
// alternative, a thread of lower priority, was worse: the garbage collector must stop that thread
// too, and then the whole process waits for a thread that the kernel does not run.
type KeyGenerator struct {
	worker WorkerTurn
	// quick counts the keys that were not RSA. Each of them adds to it; a worker compares it
	// before and after its work, to know whether to rest.
	quick atomic.Uint64
}

// WorkerTurn waits until a worker is free for the caller that ctx identifies. The worker is busy
// until free is called.
type WorkerTurn func(ctx context.Context) (free func(), err error)

// restFactor is how many times as long as it worked a worker rests.
const restFactor = 2

// NewKeyGenerator makes a generator whose workers are assigned by worker.
func NewKeyGenerator(worker WorkerTurn) *KeyGenerator { return &KeyGenerator{worker: worker} }

// RSAWorkers is the default number of RSA keys that are made at once: half of the processors, at
// least one.
func RSAWorkers() int { return max(1, runtime.GOMAXPROCS(0)/2) }

// Generate makes a private key of algorithm a. For an RSA key it first waits for a worker and then
// for the key. If the wait for the worker fails, the error is that of [WorkerTurn]; if ctx ends
// during the wait for the key, it is ctx.Err(). An abandoned key occupies its worker until it is
// done: the search for primes cannot be interrupted. An algorithm that is not [KeyAlgorithm.Valid]
// is [ErrUnsupportedKey].
func (g *KeyGenerator) Generate(ctx context.Context, a KeyAlgorithm) (crypto.Signer, error) {
	switch a {
	case RSA2048:
		return g.generateRSA(ctx, 2048)
	case RSA3072:
		return g.generateRSA(ctx, 3072)
	case RSA4096:
		return g.generateRSA(ctx, 4096)
	}
	g.quick.Add(1)
	switch a {
	case ECDSAP256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case ECDSAP384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case Ed25519:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return nil, fmt.Errorf("%w: keys of this algorithm are not generated", ErrUnsupportedKey)
}

type rsaResult struct {
	key *rsa.PrivateKey
	err error
}

func (g *KeyGenerator) generateRSA(ctx context.Context, bits int) (crypto.Signer, error) {
	free, err := g.worker(ctx)
	if err != nil {
		return nil, err
	}
	done := make(chan rsaResult, 1)
	go g.work(bits, done, free)
	select {
	case result := <-done:
		if result.err != nil {
			return nil, fmt.Errorf("couldn't generate an RSA key: %w", result.err)
		}
		return result.key, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// work makes one key in the turn that its caller was given. The turn ends after the rest that is
// due. done has room for the key if the caller has gone.
func (g *KeyGenerator) work(bits int, done chan<- rsaResult, free func()) {
	defer free()
	start, quick := time.Now(), g.quick.Load()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	done <- rsaResult{key, err}
	if g.quick.Load() != quick {
		time.Sleep(restFactor * time.Since(start))
	}
}
