package service

import (
	"context"
	"sync"
	"time"
)

// The intervals of what is done in the background. CRLs that are asked for are always current;
// these are for those that nobody asks for.
const (
	crlInterval   = time.Minute
	usesInterval  = 5 * time.Second
	choreInterval = time.Minute
	sealInterval  = 5 * time.Minute
	// importInterval is short: until an import is finished no list has its devices.
	importInterval = 5 * time.Second
	lookInterval   = time.Second
)

// choreTimeout bounds each time that something is done in the background, lastTimeout what is done
// at the end.
const (
	choreTimeout = 30 * time.Second
	lastTimeout  = 5 * time.Second
)

// Run does what has to be done in the background until ctx ends, and then what must not be left
// undone.
func (s *Services) Run(ctx context.Context) {
	var workers sync.WaitGroup
	workers.Go(func() { s.CRLs.Keep(ctx, crlInterval) })
	workers.Go(func() { s.always(ctx, sealInterval, "sealing the tokens of the vault", s.PAMAccess.SealTokens) })
	workers.Go(func() { s.every(ctx, usesInterval, "storing the uses of apikeys", s.Access.StoreUses) })
	workers.Go(func() { s.every(ctx, lookInterval, "looking at the database", s.History.Watch) })
	workers.Go(func() { s.always(ctx, choreInterval, "marking expired certificates", s.Clients.MarkExpired) })
	workers.Go(func() { s.every(ctx, choreInterval, "rotating the signing keys", s.Signing.RotateDue) })
	workers.Go(func() { s.every(ctx, choreInterval, "signing the audit", s.Audit.Checkpoint) })
	workers.Go(func() { s.every(ctx, choreInterval, "emptying the throttles", s.Login.Forget) })
	workers.Go(func() { s.every(ctx, choreInterval, "removing old nonces", s.PAMAccess.Forget) })
	workers.Go(func() { s.every(ctx, importInterval, "ending imports that were left", s.Devices.ResumeImports) })
	workers.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTimeout)
	defer cancel()
	if err := s.Access.StoreUses(last); err != nil {
		s.Access.Log.ErrorContext(ctx, "storing the uses of apikeys failed", "error", err)
	}
}

// always is every, with a call at the beginning: what was left while no server ran does not wait.
func (s *Services) always(ctx context.Context, interval time.Duration, what string, do func(context.Context) error) {
	s.once(ctx, what, do)
	s.every(ctx, interval, what, do)
}

// every calls do at every interval until ctx ends, and logs what fails.
func (s *Services) every(ctx context.Context, interval time.Duration, what string, do func(context.Context) error) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		s.once(ctx, what, do)
	}
}

// once calls do, for so long as a chore may take, and logs that it failed.
func (s *Services) once(ctx context.Context, what string, do func(context.Context) error) {
	bounded, cancel := context.WithTimeout(ctx, choreTimeout)
	defer cancel()
	if err := do(bounded); err != nil && ctx.Err() == nil {
		s.Access.Log.ErrorContext(ctx, what+" failed", "error", err)
	}
}
