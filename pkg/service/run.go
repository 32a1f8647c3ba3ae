package service

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/spans"
	"github.com/chaveiro/chaveiro/pkg/tasks"
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
	// describeInterval is between two looks for records of an earlier version: after the first,
	// only a server of that version can have made any.
	describeInterval = time.Hour
	// describeLimit is enough for a million of them.
	describeLimit = 10 * time.Minute
)

// lastTimeout bounds the work at the end.
const lastTimeout = 5 * time.Second

// Run does the background work until ctx ends, and then stores what is only in memory.
func (s *Services) Run(ctx context.Context) {
	var workers sync.WaitGroup
	workers.Go(func() { s.Tasks.Keep(ctx) })
	// Each server keeps the lists that it serves while the database is away, hands events on to its
	// own readers, delivers to the webhooks whose leases it has, and counts for its metrics.
	workers.Go(func() { s.CRLs.Keep(ctx, crlInterval) })
	workers.Go(func() { s.Stream.Keep(ctx) })
	workers.Go(func() { s.Deliverer.Keep(ctx) })
	workers.Go(func() { s.Census.Keep(ctx) })
	workers.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTimeout)
	defer cancel()
	if err := s.Access.StoreUses(last); err != nil {
		s.Access.Log.ErrorContext(ctx, "storing the uses of apikeys failed", "error", err)
	}
}

func (s *Services) backgroundTasks() []tasks.Task {
	list := slices.Concat(s.ownTasks(), s.changingTasks(), s.removingTasks(), s.mailTask())
	for i, task := range list {
		if task.Every >= tracedInterval {
			list[i].Do = s.traced(task.What, task.Do)
		}
	}
	return list
}

// tracedInterval is from how long on a task has a span each time. Others look each second whether
// there is something to do, and would bury all other traces.
const tracedInterval = 5 * time.Second

// traced is do with a span.
func (s *Services) traced(what string, do func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) (err error) {
		if !s.Spans.On() {
			return do(ctx)
		}
		ctx, span := s.Spans.Root(ctx, what)
		defer func() { span.EndWith(err) }()
		return do(domain.WithOrigin(ctx, domain.Origin{TraceID: spans.TraceOf(ctx, nil)}))
	}
}

// ownTasks are those of each process: what they do is of its memory.
func (s *Services) ownTasks() []tasks.Task {
	return []tasks.Task{
		{ // the uses that this process has seen
			Name: "apikey_uses", What: "storing the uses of apikeys", Every: usesInterval, Do: s.Access.StoreUses,
			Everywhere: true,
		},
		{ // what this process remembers of the database
			Name: "history", What: "checking the history of the database", Every: lookInterval, Do: s.History.Watch,
			Everywhere: true,
		},
		{ // for the metrics and the log of this process
			Name: "ca_ends", What: "looking for CAs that end soon", Every: caEndInterval, Do: s.CAEnds.Look,
			AtOnce: true, Everywhere: true,
		},
		{ // each checks the audit for itself, and says when something is gone; a row decides who signs
			Name: "audit_checkpoint", What: "signing the audit", Every: choreInterval, Do: s.Audit.Checkpoint,
			Everywhere: true,
		},
		{ // for the metrics of this process
			Name: "dead_deliveries", What: "counting dead deliveries", Every: choreInterval, Do: s.Deliverer.Count,
			Everywhere: true,
		},
	}
}

// changingTasks change what users see. One server does each of them.
func (s *Services) changingTasks() []tasks.Task {
	return []tasks.Task{
		{
			Name: "revoke_superseded", What: "revoking superseded certificates", Every: overlapInterval,
			Do: s.Clients.RevokeSuperseded, AtOnce: true,
		},
		{
			Name: "mark_expired", What: "marking expired certificates", Every: choreInterval, Do: s.Clients.MarkExpired,
			AtOnce: true,
		},
		{
			Name: "renew_servers", What: "renewing certificates of servers", Every: choreInterval,
			Do: s.Instances.RenewDue, AtOnce: true,
		},
		{
			Name: "renew_responders", What: "renewing OCSP responders", Every: choreInterval,
			Do: s.OCSP.RenewResponders, AtOnce: true,
		},
		{
			Name: "tell_endings", What: "looking for what ends soon", Every: endingInterval, Do: s.Endings.Look,
			AtOnce: true,
		},
		{Name: "silent_agents", What: "looking for silent agents", Every: silenceInterval, Do: s.Sessions.Watch},
		{Name: "signing_keys", What: "rotating the signing keys", Every: choreInterval, Do: s.Signing.RotateDue},
		{
			Name: "device_imports", What: "resuming interrupted imports", Every: importInterval,
			Do: s.Devices.ResumeImports,
		},
		{
			Name: "seal_tokens", What: "sealing the tokens of the vault", Every: sealInterval, Do: s.PAMAccess.SealTokens,
			AtOnce: true,
		},
		{
			Name: "describe_certificates", What: "describing certificates", Every: describeInterval,
			Do: s.Certificates.Describe, AtOnce: true, Limit: describeLimit,
		},
	}
}

// mailTask is there where a mail server is.
func (s *Services) mailTask() []tasks.Task {
	if s.Post.Server.Host == "" {
		return nil
	}
	return []tasks.Task{{Name: "mail", What: "mailing events", Do: s.Post.Keep}}
}

// TaskIntervals is how often the tasks are done that one server does for all, by their names.
func TaskIntervals() map[string]time.Duration {
	all := map[string]time.Duration{}
	for _, task := range append(new(Services).changingTasks(), new(Services).removingTasks()...) {
		all[task.Name] = task.Every
	}
	return all
}

// removingTasks remove what is of no use any more. One server does each of them, so that servers do
// not wait for each other's rows.
func (s *Services) removingTasks() []tasks.Task {
	remove := func(name, what string, do func(context.Context) error) tasks.Task {
		return tasks.Task{Name: "remove_" + name, What: "removing " + what, Every: choreInterval, Do: do}
	}
	return []tasks.Task{
		remove("events", "old events", s.Stream.Prune),
		remove("deliveries", "old deliveries", s.Deliverer.Prune),
		remove("sessions", "old sessions", s.Sessions.Forget),
		remove("throttles", "idle login throttles", s.Login.Forget),
		remove("nonces", "old nonces", s.PAMAccess.Forget),
		remove("results", "old results of requests", s.Results.Forget),
		remove("enrolments", "old enrolments", s.Enrolments.Forget),
	}
}
