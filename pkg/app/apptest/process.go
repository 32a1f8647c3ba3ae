package apptest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	startTimeout = 30 * time.Second
	stopTimeout  = 2 * time.Minute
)

// Options say on which data the program works. Two processes with the same options share their
// data.
type Options struct {
	DataDir     string   // required
	DatabaseURL string   // empty: an SQLite file in DataDir
	Args        []string // more arguments of serve
	Env         []string // more variables, as KEY=value
	Stdin       string   // what a command reads
}

// environ is the environment of this process without what would configure the program.
func (o Options) environ() []string {
	var env []string
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "CHAVEIRO_") && !strings.HasPrefix(entry, "OTEL_") {
			env = append(env, entry)
		}
	}
	env = append(env, "CHAVEIRO_DATA_DIR="+o.DataDir, "CHAVEIRO_SLOW_QUERY=0s") // tests run on busy machines
	if o.DatabaseURL != "" {
		env = append(env, "CHAVEIRO_DATABASE_URL="+o.DatabaseURL)
	}
	return append(env, o.Env...)
}

// Process is a running server.
type Process struct {
	URL     string // http://127.0.0.1:port
	binary  string
	options Options
	cmd     *exec.Cmd
	log     *transcript
	exited  <-chan struct{} // closed after the process was reaped
}

// Launch starts a server on a free port of the loopback interface and returns once it listens. It
// runs until it is told to end, ctx is done, or this process ends.
func Launch(ctx context.Context, binary string, o Options) (*Process, error) {
	p, err := Spawn(binary, o)
	if err != nil {
		return nil, err
	}
	if err := p.Await(ctx); err != nil {
		p.Kill()
		return nil, err
	}
	context.AfterFunc(ctx, p.Kill)
	return p, nil
}

// Spawn starts a server and does not wait for it. The caller must end it.
func Spawn(binary string, o Options) (*Process, error) {
	return SpawnCommand(binary, o, append([]string{"serve", "--listen", "127.0.0.1:0"}, o.Args...)...)
}

// SpawnCommand starts a command that runs until it is ended, as the agent does. The caller must end
// it.
func SpawnCommand(binary string, o Options, args ...string) (*Process, error) {
	p := &Process{binary: binary, options: o, cmd: exec.Command(binary, args...), log: newTranscript()}
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = o.environ(), p.log, p.log
	exited, err := startTethered(p.cmd)
	if err != nil {
		return nil, fmt.Errorf("apptest: %w", err)
	}
	p.exited = exited
	return p, nil
}

// Await waits until the server says where it listens.
func (p *Process) Await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	line, err := p.AwaitLog(ctx, "listening")
	if err != nil {
		return fmt.Errorf("apptest: the server does not start: %w\n%s", err, p.Log())
	}
	p.URL = "http://" + line["address"].(string)
	return nil
}

// AwaitLog waits for the first line of the log with this message and returns its attributes.
func (p *Process) AwaitLog(ctx context.Context, message string) (map[string]any, error) {
	for {
		more := p.log.more()
		for line := range strings.Lines(p.Log()) {
			attributes := map[string]any{}
			if json.Unmarshal([]byte(line), &attributes) == nil && attributes["msg"] == message {
				return attributes, nil
			}
		}
		select {
		case <-more:
		case <-p.exited:
			return nil, fmt.Errorf("the server ended: %s", p.cmd.ProcessState)
		case <-ctx.Done():
			return nil, fmt.Errorf("no %q in the log: %w", message, ctx.Err())
		}
	}
}

// Log is what the server has printed so far, one JSON object a line.
func (p *Process) Log() string { return p.log.String() }

// Token makes an apikey that may do everything, and returns its token.
func (p *Process) Token(ctx context.Context, name string) (string, error) {
	outcome, err := Execute(ctx, p.binary, p.options, "apikey", "create", "--name", name, "--superuser")
	if err != nil {
		return "", err
	}
	if outcome.Code != 0 {
		return "", fmt.Errorf("apptest: apikey create: code %d: %s", outcome.Code, outcome.Stderr)
	}
	return strings.TrimSuffix(outcome.Stdout, "\n"), nil
}

// PID is the id of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Kill ends the server without a warning, as a crash does, and returns when it is gone.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // an error means that it is gone
	<-p.exited
}

// Signal sends a signal and does not wait.
func (p *Process) Signal(sig os.Signal) error { return p.cmd.Process.Signal(sig) }

// Stop asks the server to end and waits until it has.
func (p *Process) Stop() error { return errors.Join(p.Signal(syscall.SIGTERM), p.Wait()) }

// Wait waits until the server has ended, which is an error unless it ended well.
func (p *Process) Wait() error {
	select {
	case <-p.exited:
	case <-time.After(stopTimeout):
		p.Kill()
		return fmt.Errorf("apptest: the server did not end within %s", stopTimeout)
	}
	if !p.cmd.ProcessState.Success() {
		return fmt.Errorf("apptest: the server ended with %s\n%s", p.cmd.ProcessState, p.Log())
	}
	return nil
}

// startTethered starts cmd so that the kernel kills it when this process dies. The kernel watches
// the thread that started the child and not the process, so that thread is kept until the child has
// ended.
func startTethered(cmd *exec.Cmd) (exited <-chan struct{}, err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	tether(cmd.SysProcAttr)
	started, ended := make(chan error, 1), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // the state of the process says more
			close(ended)
		}
	}()
	return ended, <-started
}

// transcript collects what a process prints, and signals readers that wait for more.
type transcript struct {
	// mu guards text and changed, while text is added to or copied.
	mu      sync.Mutex
	text    strings.Builder
	changed chan struct{}
}

func newTranscript() *transcript { return &transcript{changed: make(chan struct{})} }

// Write implements io.Writer.
func (l *transcript) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.changed = make(chan struct{})
	return l.text.Write(b)
}

// more returns a channel that is closed at the next write. Take it before reading: otherwise that
// write may go unnoticed.
func (l *transcript) more() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
