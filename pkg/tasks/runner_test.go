package tasks_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/store"
	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
	"github.com/chaveiro/chaveiro/pkg/tasks"
)

// quick is a pace at which a test sees some takeovers.
var quick = tasks.Pace{
	Look: 50 * time.Millisecond, Live: 150 * time.Millisecond, Doubt: 1200 * time.Millisecond,
	Life: 2 * time.Second, Note: 300 * time.Millisecond,
}

// ledger is who does what, as the tasks of all runners say.
type ledger struct {
	mu   sync.Mutex
	does map[string]string // the runner by task
	runs map[string]int    // by task and runner
	both []string          // what two have done at once
}

func newLedger() *ledger { return &ledger{does: map[string]string{}, runs: map[string]int{}} }

func (l *ledger) enter(task, runner string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if other := l.does[task]; other != "" {
		l.both = append(l.both, fmt.Sprintf("%s by %s and %s", task, other, runner))
	}
	l.does[task] = runner
	l.runs[task+" "+runner]++
}

func (l *ledger) leave(task string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.does[task] = ""
}

func (l *ledger) of(task string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.does[task]
}

func (l *ledger) count(task, runner string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.runs[task+" "+runner]
}

// tasks are one that is done as long as there is a lease, one that is done often, and one of every
// runner.
func (l *ledger) tasks(runner string) []tasks.Task {
	short := func(name string) func(context.Context) error {
		return func(ctx context.Context) error {
			l.enter(name, runner)
			defer l.leave(name)
			select {
			case <-ctx.Done():
			case <-time.After(10 * time.Millisecond):
			}
			return nil
		}
	}
	return []tasks.Task{
		{Name: "long", What: "the long one", Do: func(ctx context.Context) error {
			l.enter("long", runner)
			defer l.leave("long")
			<-ctx.Done()
			return nil
		}},
		{Name: "often", What: "the other", Every: 20 * time.Millisecond, Do: short("often"), AtOnce: true},
		{Name: "each " + runner, What: "its own", Every: 20 * time.Millisecond, Do: short("each " + runner), Everywhere: true},
	}
}

// start lets a runner do its tasks on a connection of its own. end ends it in order; cut takes the
// database away from it.
func (l *ledger) start(t *testing.T, location, name string) (runner *tasks.Runner, end func(), cut func()) {
	t.Helper()
	db := Must(store.Open(t.Context(), location))(t)
	runner = tasks.New(&tasks.Runner{
		Store: db, Now: time.Now, Log: slog.New(slog.DiscardHandler), Version: name, Schema: 1, Pace: quick,
	}, l.tasks(name))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); runner.Keep(ctx) }()
	closed := sync.OnceFunc(func() { _ = db.Close() })
	end = func() { cancel(); <-ended }
	t.Cleanup(func() { end(); closed() })
	return runner, end, closed
}

func await(t *testing.T, what string, is func() bool) time.Duration {
	t.Helper()
	begun := time.Now()
	for ; !is(); time.Sleep(5 * time.Millisecond) {
		if time.Since(begun) > 30*time.Second {
			t.Fatalf("not within 30 s: %s", what)
		}
	}
	return time.Since(begun)
}

func migrated(t *testing.T) string {
	t.Helper()
	return pgtest.URL(t, func(ctx context.Context, url string) error {
		s, err := store.Open(ctx, url)
		if err != nil {
			return err
		}
		_, err = s.MigrateUp(ctx)
		return errors.Join(err, s.Close())
	})
}

// TestRunner: of several runners one does each task at a time. When it ends another goes on, and
// when it loses the database it stops before another begins.
func TestRunner(t *testing.T) {
	t.Parallel()
	location, l := migrated(t), newLedger()
	ends, cuts := map[string]func(){}, map[string]func(){}
	for _, name := range []string{"a", "b", "c"} {
		_, ends[name], cuts[name] = l.start(t, location, name)
	}
	for name := range ends {
		await(t, name+" does its own", func() bool { return l.count("each "+name, name) > 0 })
	}
	await(t, "somebody does it", func() bool { return l.of("long") != "" })
	first := l.of("long")
	ends[first]()
	took := await(t, "another does it", func() bool { return l.of("long") != "" && l.of("long") != first })
	t.Logf("after an end in order another does it within %s", took)
	second := l.of("long")
	cuts[second]()
	took = await(t, "a third does it", func() bool { return l.of("long") != "" && l.of("long") != second })
	t.Logf("after a loss another does it within %s; a lease lives for %s", took, quick.Life)
	third := l.of("long")
	await(t, "the third does the other task too", func() bool { return l.count("often", third) > 2 })
	if len(l.both) > 0 {
		t.Errorf("done by two at once: %v", l.both)
	}
	for _, name := range []string{"a", "b", "c"} {
		if l.count("each "+name, name) == 0 {
			t.Errorf("%s has not done its own", name)
		}
	}
}

// TestRunner_Notes: what was done is noted, servers that are gone are removed, and a runner says
// what it does. A task that fails is not noted.
func TestRunner_Notes(t *testing.T) {
	t.Parallel()
	location := migrated(t)
	db := Must(store.Open(t.Context(), location))(t)
	defer db.Close()
	Check(t, db.Leases().Live(t.Context(), domain.Replica{ID: "gone", SeenAt: Noon}))
	bad := errors.New("it can't")
	runner := tasks.New(&tasks.Runner{
		Store: db, Now: time.Now, Log: slog.New(slog.DiscardHandler), Version: "v", Schema: 45, Pace: quick,
	}, []tasks.Task{
		{Name: "fails", What: "it", Every: 20 * time.Millisecond, Do: func(context.Context) error { return bad }},
		{Name: "works", What: "it", Every: 20 * time.Millisecond, Do: func(context.Context) error { return nil }},
	})
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { runner.Keep(ctx) })
	noted := func() (list []domain.TaskLease, replicas []domain.Replica) {
		return Must(db.Leases().List(t.Context()))(t), Must(db.Leases().Replicas(t.Context()))(t)
	}
	await(t, "it is noted", func() bool {
		list, replicas := noted()
		return len(list) == 2 && !list[1].DoneAt.IsZero() && len(replicas) == 1 && replicas[0].Version == "v"
	})
	list, _ := noted()
	status := runner.Status()
	if !list[0].DoneAt.IsZero() || !status[0].Failing || !status[0].Held || status[1].Failing ||
		status[1].DoneAt.IsZero() {
		t.Errorf("%+v, %+v", list, status)
	}
	cancel()
	group.Wait()
	list, replicas := noted()
	if list[0].Holder != "" || len(replicas) != 0 || runner.Status()[0].Held {
		t.Errorf("after the end: %+v, %+v", list, replicas)
	}
}
