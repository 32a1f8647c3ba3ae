package main

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// replicaCount is how many replicas there are. The last one is never killed, so that it meets all
// other faults in one life, and its memory can be compared.
const (
	replicaCount = 3
	steady       = replicaCount - 1
)

// replica is one server, which is started again after it was killed.
type replica struct {
	number  int
	binary  string
	options apptest.Options
	clock   *movable // nil: it can't be moved
	http    *http.Client
	logs    *logScan

	// disturbed counts what excuses a request that gets no answer; odd while it lasts.
	disturbed atomic.Int64
	// astray is set while the clock is off by more than what replicas put up with.
	astray atomic.Bool

	mu      sync.Mutex // guards process
	process *apptest.Process
}

// start starts the server and returns when it listens.
func (r *replica) start(ctx context.Context) error {
	process, err := apptest.Spawn(r.binary, r.options)
	if err != nil {
		return err
	}
	if err := process.Await(ctx); err != nil {
		process.Kill()
		return fmt.Errorf("replica %d: %w", r.number, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.process = process
	return nil
}

func (r *replica) now() *apptest.Process {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.process
}

// kill ends the server as a crash does, and looks at what it has logged.
func (r *replica) kill() error {
	r.begin()
	process := r.now()
	process.Kill()
	r.http.CloseIdleConnections()
	return r.logs.add(process.Log())
}

// begin says that requests may get no answer from now on, and end that they do.
func (r *replica) begin() { r.disturbed.Add(1) }
func (r *replica) end()   { r.disturbed.Add(1) }

// signal freezes the server or lets it go on.
func (r *replica) signal(s syscall.Signal) error { return r.now().Signal(s) }

// newReplicas prepares the replicas: one master key, a directory and a way to the database each.
func (c *campaign) newReplicas(key string) error {
	for i := range c.replicas {
		dir := filepath.Join(c.dir, fmt.Sprintf("replica%d", i))
		r := &replica{
			number: i, binary: c.binary, logs: c.logs,
			http: &http.Client{
				Timeout:   answerTimeout,
				Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 10 * time.Second},
			},
			options: apptest.Options{
				DataDir: dir, DatabaseURL: c.database.url(i), Env: []string{"CHAVEIRO_MASTER_KEY=" + key},
				Args: []string{"--request-timeout", requestTimeout.String(), "--webhook-allow", "127.0.0.0/8"},
			},
		}
		if c.settings.counts[clock] > 0 {
			var err error
			if r.clock, err = newMovable(filepath.Join(c.dir, fmt.Sprintf("clock%d", i))); err != nil {
				return err
			}
			r.options.Env = append(r.options.Env, clockVariable+"="+r.clock.path)
		}
		c.replicas[i] = r
	}
	return nil
}
