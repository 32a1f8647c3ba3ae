// Package apptest runs the real program as a process of its own, for tests that are about the
// process: what a crash leaves behind, what a signal does, what is in the log, what a client meets
// at the other end of a socket.
//
// It imports the standard library alone. [Build], [Launch] and [Client] work outside tests as
// well; [Start], [Command], [Prepared] and [Binary] are for tests. Whatever happens to the process
// that launched it, the kernel does not let a launched one survive it.
package apptest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// built is the program that this test binary has built.
var built struct {
	once sync.Once
	dir  string
	err  error
}

// Binary returns the path of the program, built from the sources by the first call of a test
// binary. TestMain must be [Main], or call [Clean].
func Binary(t testing.TB) string {
	t.Helper()
	if testing.Short() {
		t.Skip("needs the program itself, which -short leaves out")
	}
	built.once.Do(func() { built.dir, built.err = build() })
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, "chaveiro")
}

func build() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "chaveiro-apptest-"); err != nil {
		return "", err
	}
	return dir, Build(context.Background(), dir)
}

// Build builds the program into a directory, as chaveiro. It builds without cgo, as releases are,
// unless the race detector is on, which needs cgo. It leaves out the state of the repository, which
// a test need not have. more are further arguments of go build.
//
// The build cache keeps what go run has linked, not what go build has: a test binary after the
// first copies the program, which takes a sixth of the processor time of linking it.
func Build(ctx context.Context, dir string, more ...string) error {
	args, cgo := append([]string{"run", "-buildvcs=false", "-exec", "cp"}, more...), "CGO_ENABLED=0"
	if Raced {
		args, cgo = append(args, "-race"), "CGO_ENABLED=1"
	}
	if Tags != "" {
		args, cgo = append(args, "-tags", Tags), "CGO_ENABLED=1"
	}
	args = append(args, "github.com/chaveiro/chaveiro/cmd/chaveiro", filepath.Join(dir, "chaveiro"))
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), cgo)
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("apptest: go run: %w\n%s", err, output)
	}
	return nil
}

// Main is the TestMain of a package whose tests use [Binary] and need no clean-up of their own.
func Main(m *testing.M) {
	code := m.Run()
	if err := Clean(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// Clean removes what [Binary] has built.
func Clean() error { return os.RemoveAll(built.dir) }

// Start launches the program and ends it with the test. A server that does not come up fails the
// test.
func Start(t testing.TB, o Options) *Process {
	t.Helper()
	p, err := Launch(t.Context(), Binary(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		wantNoRace(t, p.Log())
	})
	return p
}

// wantNoRace fails the test when the race detector has reported a race.
func wantNoRace(t testing.TB, output string) {
	t.Helper()
	if _, report, found := strings.Cut(output, "WARNING: DATA RACE"); found {
		t.Errorf("a data race:\n%s", report)
	}
}

// Outcome is the exit code and the output of a command that has ended.
type Outcome struct {
	Code           int // 0 is success; -1: it was killed
	Stdout, Stderr string
}

// commandTimeout is longer than any command takes: it ends a server that serves where it should
// refuse to.
const commandTimeout = 30 * time.Second

// Command runs the program with these arguments to its end.
func Command(t testing.TB, o Options, args ...string) Outcome {
	t.Helper()
	binary := Binary(t)
	ctx, cancel := context.WithTimeout(t.Context(), commandTimeout)
	defer cancel()
	outcome, err := Execute(ctx, binary, o, args...)
	if err != nil {
		t.Fatalf("chaveiro %s: %v\n%s", strings.Join(args, " "), err, outcome.Stderr)
	}
	wantNoRace(t, outcome.Stderr)
	return outcome
}

// MustCommand is [Command] for one that must succeed. It returns what the command printed.
func MustCommand(t testing.TB, o Options, args ...string) string {
	t.Helper()
	outcome := Command(t, o, args...)
	if outcome.Code != 0 {
		t.Fatalf("chaveiro %s: code %d\n%s", strings.Join(args, " "), outcome.Code, outcome.Stderr)
	}
	return outcome.Stdout
}

// Execute runs the program with these arguments to its end, or until ctx is done. A code that is
// not 0 is no error.
func Execute(ctx context.Context, binary string, o Options, args ...string) (Outcome, error) {
	var stdout, stderr strings.Builder
	cmd := exec.Command(binary, args...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = o.environ(), strings.NewReader(o.Stdin), &stdout, &stderr
	exited, err := startTethered(cmd)
	if err != nil {
		return Outcome{}, fmt.Errorf("apptest: %w", err)
	}
	select {
	case <-exited:
		err = nil
	case <-ctx.Done():
		err = errors.Join(ctx.Err(), cmd.Process.Kill())
		<-exited
	}
	return Outcome{Code: cmd.ProcessState.ExitCode(), Stdout: stdout.String(), Stderr: stderr.String()}, err
}
