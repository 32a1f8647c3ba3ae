package service

import (
	"context"
	"sync"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/spans"
)

// The intervals of the background work. A CRL that a client requests is always current; crlInterval
// is for those that no client requests.
const (
	crlInterval   = time.Minute
	usesInterval  = 5 * time.Second
	choreInterval = time.Minute
	sealInterval  = 5 * time.Minute
	// importInterval is short: until an import is finished no list has its devices.
	importInterval = 5 * time.Second
	lookInterval   = time.Second
	// overlapInterval is how late a certificate may be revoked whose overlap has ended.
	overlapInterval = time.Second
	// caEndInterval is how late the metrics of the ends of the CAs may be.
	caEndInterval = 5 * time.Minute
	// endingInterval is how late it may be told that something ends in so many days.
	endingInterval = 10 * time.Minute
	// silenceInterval is how late it may be told that an agent is silent.
	silenceInterval = 5 * time.Second
)

// choreTimeout bounds one run of a background task, lastTimeout the work at the end.
const (
	choreTimeout = 30 * time.Second
	lastTimeout  = 5 * time.Second
)

// Run does the background work until ctx ends, and then stores what is only in memory.
func (s *Services) Run(ctx context.Context) {
	var workers sync.WaitGroup
	workers.Go(func() { s.CRLs.Keep(ctx, crlInterval) })
	workers.Go(func() { s.always(ctx, sealInterval, "sealing the tokens of the vault", s.PAMAccess.SealTokens) })
	workers.Go(func() { s.every(ctx, usesInterval, "storing the uses of apikeys", s.Access.StoreUses) })
	workers.Go(func() { s.every(ctx, lookInterval, "checking the history of the database", s.History.Watch) })
	workers.Go(func() { s.always(ctx, choreInterval, "marking expired certificates", s.Clients.MarkExpired) })
	workers.Go(func() { s.always(ctx, overlapInterval, "revoking superseded certificates", s.Clients.RevokeSuperseded) })
	workers.Go(func() { s.always(ctx, caEndInterval, "looking for CAs that end soon", s.CAEnds.Look) })
	workers.Go(func() { s.always(ctx, choreInterval, "renewing certificates of servers", s.Instances.RenewDue) })
	workers.Go(func() { s.always(ctx, choreInterval, "renewing OCSP responders", s.OCSP.RenewResponders) })
	workers.Go(func() { s.Stream.Keep(ctx) })
	workers.Go(func() { s.every(ctx, choreInterval, "removing old events", s.Stream.Prune) })
	workers.Go(func() { s.Deliverer.Keep(ctx) })
	workers.Go(func() { s.every(ctx, choreInterval, "removing old deliveries", s.Deliverer.Prune) })
	workers.Go(func() { s.always(ctx, endingInterval, "looking for what ends soon", s.Endings.Look) })
	workers.Go(func() { s.every(ctx, silenceInterval, "looking for silent agents", s.Sessions.Watch) })
	workers.Go(func() { s.every(ctx, choreInterval, "removing old sessions", s.Sessions.Forget) })
	workers.Go(func() { s.Post.Keep(ctx) })
	workers.Go(func() { s.describe(ctx) })
	workers.Go(func() { s.Census.Keep(ctx) })
	workers.Go(func() { s.every(ctx, choreInterval, "rotating the signing keys", s.Signing.RotateDue) })
	workers.Go(func() { s.every(ctx, choreInterval, "signing the audit", s.Audit.Checkpoint) })
	workers.Go(func() { s.every(ctx, choreInterval, "removing idle login throttles", s.Login.Forget) })
	workers.Go(func() { s.every(ctx, choreInterval, "removing old nonces", s.PAMAccess.Forget) })
	workers.Go(func() { s.every(ctx, choreInterval, "removing old results of requests", s.Results.Forget) })
	workers.Go(func() { s.every(ctx, choreInterval, "removing old enrolments", s.Enrolments.Forget) })
	workers.Go(func() { s.every(ctx, importInterval, "resuming interrupted imports", s.Devices.ResumeImports) })
	workers.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTimeout)
	defer cancel()
	if err := s.Access.StoreUses(last); err != nil {
		s.Access.Log.ErrorContext(ctx, "storing the uses of apikeys failed", "error", err)
	}
}

// describe completes the records of an earlier version. It takes a minute or so for a million of
// them, once.
func (s *Services) describe(ctx context.Context) {
	if err := s.Certificates.Describe(ctx); err != nil && ctx.Err() == nil {
		s.Access.Log.ErrorContext(ctx, "describing certificates failed", "error", err)
	}
}

// always is every with a call at the start, for work that may have piled up while no server ran.
func (s *Services) always(ctx context.Context, interval time.Duration, what string, do func(context.Context) error) {
	s.once(ctx, interval, what, do)
	s.every(ctx, interval, what, do)
}

// tracedInterval is from how long on a task has a span each time. Others look each second whether
// there is something to do, and would bury all other traces.
const tracedInterval = 5 * time.Second

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
		s.once(ctx, interval, what, do)
	}
}

// once calls do, for so long as a chore may take, and logs that it failed.
func (s *Services) once(
	ctx context.Context, interval time.Duration, what string, do func(context.Context) error,
) {
	bounded, cancel := context.WithTimeout(ctx, choreTimeout)
	defer cancel()
	var span spans.Span
	if interval >= tracedInterval && s.Spans.On() {
		bounded, span = s.Spans.Root(bounded, what)
		bounded = domain.WithOrigin(bounded, domain.Origin{TraceID: spans.TraceOf(bounded, nil)})
	}
	err := do(bounded)
	span.EndWith(err)
	if err != nil && ctx.Err() == nil {
		s.Access.Log.ErrorContext(bounded, what+" failed", "error", err)
	}
}
