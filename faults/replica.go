package main

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// replicaCount is how many replicas are on PostgreSQL. The last one is never killed, so that it
// meets all other faults in one life, and its memory can be compared. On SQLite there is one, which
// is killed.
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
	door    *proxy   // through which callers come; nil: they come to the server itself
	http    *http.Client
	logs    *logScan

	// disturbed counts what excuses a request that gets no answer; odd while it lasts.
	disturbed atomic.Int64
	// astray is until when the clock excuses refusals, in nanoseconds: it was off by more than what
	// replicas put up with.
	astray atomic.Int64

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
	if r.door != nil {
		r.door.to(strings.TrimPrefix(process.URL, "http://"))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.process = process
	return nil
}

// url is where callers reach the server.
func (r *replica) url() string {
	if r.door != nil {
		return "http://" + r.door.listener.Addr().String()
	}
	return r.now().URL
}

// isAstray says whether the clock excuses refusals.
func (r *replica) isAstray() bool { return time.Now().UnixNano() < r.astray.Load() }

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
	count := replicaCount
	if c.home != nil {
		count = 1
	}
	for i := range count {
		r := &replica{
			number: i, binary: c.settings.binary, logs: c.logs,
			http: &http.Client{
				Timeout:   answerTimeout,
				Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 10 * time.Second},
			},
			options: apptest.Options{
				Env:  []string{"CHAVEIRO_MASTER_KEY=" + key, "CHAVEIRO_KEY_STORES=" + storeName + "=" + c.keys.stub.Address()},
				Args: []string{"--request-timeout", requestTimeout.String(), "--webhook-allow", "127.0.0.0/8"},
			},
		}
		var err error
		if c.home == nil {
			r.options.DataDir, r.options.DatabaseURL = filepath.Join(c.dir, fmt.Sprintf("replica%d", i)), c.database.url(i)
		} else {
			r.options.DataDir = c.home.data()
			r.door, err = newProxy("tcp", "127.0.0.1:0")
		}
		if err == nil && c.settings.counts[clock] > 0 {
			r.clock, err = newMovable(filepath.Join(c.dir, fmt.Sprintf("clock%d", i)))
		}
		if err != nil {
			return err
		}
		if r.clock != nil {
			r.options.Env = append(r.options.Env, clockVariable+"="+r.clock.path)
		}
		c.replicas = append(c.replicas, r)
	}
	return nil
}
