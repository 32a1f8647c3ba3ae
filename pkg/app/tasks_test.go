package app_test

import (
	"bytes"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// takeover is how long a task may be without a server after that of its holder has died.
const takeover = 15 * time.Second

// trio are three servers on one PostgreSQL.
type trio struct {
	options apptest.Options
	servers []*apptest.Process
}

func newTrio(t *testing.T) *trio {
	t.Helper()
	w := &trio{options: onPostgres(t)}
	for range 3 {
		w.servers = append(w.servers, apptest.Start(t, w.options))
	}
	return w
}

// holders are the servers that say that they do a task.
func (w *trio) holders(t *testing.T, task string) (list []*apptest.Process) {
	t.Helper()
	for _, p := range w.servers {
		body, err := (&apptest.Client{URL: p.URL}).Bytes(t.Context(), "/metrics")
		if err == nil && bytes.Contains(body, []byte(`chaveiro_task_holder{task="`+task+`"} 1`)) {
			list = append(list, p)
		}
	}
	return list
}

// holder waits for the one that does a task, and is not before.
func (w *trio) holder(t *testing.T, task string, before *apptest.Process) (*apptest.Process, time.Duration) {
	t.Helper()
	for begun := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		if list := w.holders(t, task); len(list) == 1 && list[0] != before {
			return list[0], time.Since(begun)
		}
		if time.Since(begun) > 2*takeover {
			t.Fatalf("nobody does %s after %s", task, time.Since(begun))
		}
	}
}

// without is the trio without a server that can't answer.
func (w *trio) without(p *apptest.Process) *trio {
	rest := &trio{options: w.options}
	for _, one := range w.servers {
		if one != p {
			rest.servers = append(rest.servers, one)
		}
	}
	return rest
}

// TestTasks_Takeover: another server does the tasks within 15 s after their server was killed or
// stands still, and at once after it has ended. One that stood still does them no more when it
// wakes up, and says so.
func TestTasks_Takeover(t *testing.T) {
	t.Parallel()
	w := newTrio(t)
	const task = "mark_expired"
	first, _ := w.holder(t, task, nil)
	if err := first.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	second, took := w.without(first).holder(t, task, first)
	t.Logf("taken over %s after SIGSTOP", took)
	if took > takeover {
		t.Errorf("it took %s", took)
	}
	if err := first.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if again, _ := w.holder(t, task, first); again != second {
		t.Error("whoever woke up has taken the task from the one that had it")
	}
	if log := first.Log(); strings.Contains(log, `"panic`) {
		t.Error(log)
	}
	second.Kill()
	rest := w.without(second)
	third, took := rest.holder(t, task, second)
	t.Logf("taken over %s after a kill", took)
	if took > takeover {
		t.Errorf("it took %s", took)
	}
	if err := third.Stop(); err != nil {
		t.Error(err)
	}
	_, took = rest.without(third).holder(t, task, third)
	t.Logf("taken over %s after an end in order", took)
	if took > takeover/2 {
		t.Errorf("it took %s", took)
	}
	if got := apptest.Command(t, w.options, "doctor"); !strings.Contains(got.Stdout, "done by ") {
		t.Error(got.Stdout)
	}
}
