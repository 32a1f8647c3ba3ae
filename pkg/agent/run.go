package agent

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"
)

// Program keeps several instances current.
type Program struct {
	Instances []*Instance
	Interval  time.Duration // between two steps of an instance, at least
	Version   string        // of the program
	// ReportEvery is how often the service is told who is connected, at least; 0: never.
	ReportEvery time.Duration
	// Metrics is where the metrics are served, on the loopback; empty: nowhere.
	Metrics string
	Now     func() time.Time
	Log     *slog.Logger
}

// longestPause is how long the agent waits at most after failures.
const longestPause = 10 * time.Second

// Run keeps the instances current until ctx ends.
func (p *Program) Run(ctx context.Context) error {
	if err := p.open(); err != nil {
		return err
	}
	stop, err := p.serveMetrics()
	if err != nil {
		return errors.Join(err, p.close())
	}
	defer stop()
	var loops sync.WaitGroup
	var first sync.WaitGroup
	first.Add(len(p.Instances))
	for _, i := range p.Instances {
		loops.Go(func() { p.keep(ctx, i, sync.OnceFunc(first.Done)) })
	}
	loops.Go(func() { p.tell(ctx, &first) })
	loops.Wait()
	notify("STOPPING=1")
	return p.close()
}

// Once brings all instances up to date once.
func (p *Program) Once(ctx context.Context) error {
	if err := p.open(); err != nil {
		return err
	}
	var faults []error
	for _, i := range p.Instances {
		i.patience = 0 // nobody waits for OpenVPN here
		faults = append(faults, i.Step(ctx))
	}
	return errors.Join(errors.Join(faults...), p.close())
}

func (p *Program) open() error {
	for k, i := range p.Instances {
		i.reports.every, i.reports.version = p.ReportEvery, p.Version
		if err := i.Open(); err != nil {
			for _, opened := range p.Instances[:k] {
				err = errors.Join(err, opened.Close())
			}
			return err
		}
	}
	return nil
}

func (p *Program) close() (err error) {
	for _, i := range p.Instances {
		err = errors.Join(err, i.Close())
	}
	return err
}

// keep keeps one instance current. done is called after its first step.
func (p *Program) keep(ctx context.Context, i *Instance, done func()) {
	defer done()
	for ctx.Err() == nil {
		began := time.Now()
		if err := i.Step(ctx); err != nil && ctx.Err() == nil && i.health.mayLog("step", p.Now()) {
			p.Log.ErrorContext(ctx, "not up to date", "instance", i.ID, "error", err)
		}
		done()
		if p.rest(ctx, i, began) != nil {
			return
		}
	}
}

// longestWait is how long the service is asked to wait for a change.
const longestWait = 30 * time.Second

// rest waits until there may be something to do, and for the pace at least since the step began.
// The error is that of ctx.
func (p *Program) rest(ctx context.Context, i *Instance, began time.Time) error {
	pace := i.pace(p.Interval)
	if i.failures == 0 {
		if err := p.await(ctx, i, pace); err != nil {
			return err
		}
	}
	return pause(ctx, pace-time.Since(began))
}

// await waits for the service. Meanwhile it does what there is to do beside OpenVPN, each time that
// the pace has passed and without asking the service again, and then listens to OpenVPN.
func (p *Program) await(ctx context.Context, i *Instance, pace time.Duration) error {
	type news struct {
		same bool
		err  error
	}
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	came := make(chan news, 1)
	tag, most := i.memory.Tag, i.quiet()
	go func() {
		defer stop()
		same, err := i.Source.Wait(ctx, i.ID, tag, most)
		came <- news{same, err}
	}()
	for i.busy() && pause(waiting, pace) == nil {
		if err := i.linger(ctx); err != nil && ctx.Err() == nil && i.health.mayLog("step", p.Now()) {
			p.Log.ErrorContext(ctx, "not up to date", "instance", i.ID, "error", err)
		}
	}
	i.listen(waiting)
	n := <-came
	i.same = n.same
	return n.err
}

// linger does what is left to do beside OpenVPN.
func (i *Instance) linger(ctx context.Context) error {
	err := i.enforce(ctx)
	i.report(ctx)
	i.health.connected(len(i.sessions.names), i.sessions.ended)
	i.health.stepped(i.memory, i.Now(), err)
	return err
}

// busy reports whether there is something to do beside OpenVPN, whatever the service says.
func (i *Instance) busy() bool { return i.memory.Reload != Nothing || i.ending() }

// quiet is until when the instance has nothing to do by itself.
func (i *Instance) quiet() time.Duration {
	if i.Management.Path == "" {
		return longestWait
	}
	return min(longestWait, max(time.Second, overview-i.Now().Sub(i.sessions.looked).Abs()))
}

// pace is how long to wait: the interval, and more after failures, so that a service that comes
// back is not overrun. Where nobody listens, asking costs the service nothing.
func (i *Instance) pace(interval time.Duration) time.Duration {
	wait := interval
	for range min(i.failures, 10) {
		if i.refused {
			break
		}
		wait = min(2*wait, max(longestPause, interval))
	}
	if i.failures > 0 {
		wait = wait/2 + rand.N(wait/2+1)
	}
	return wait
}

// serveMetrics serves the metrics.
func (p *Program) serveMetrics() (stop func(), err error) {
	if p.Metrics == "" {
		return func() {}, nil
	}
	listener, err := net.Listen("tcp", p.Metrics)
	if err != nil {
		return nil, err
	}
	if tcp, ok := listener.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		return nil, errors.Join(errors.New("metrics are served on the loopback only"), listener.Close())
	}
	server := &http.Server{
		Handler: http.HandlerFunc(p.metrics), ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second,
		MaxHeaderBytes: 8 << 10,
	}
	go func() { _ = server.Serve(listener) }()
	return func() { _ = server.Close() }, nil
}
