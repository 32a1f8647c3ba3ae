package netnstest

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Program is a program that runs in the network of a host.
type Program struct {
	cmd   *exec.Cmd
	log   transcript
	ended chan struct{} // closed when it has ended
}

// Start starts a program in a directory. It ends when the network is closed, or when this process
// ends.
func (n *Network) Start(host, dir string, args ...string) (*Program, error) {
	p := &Program{
		cmd: exec.Command("ip", append([]string{"netns", "exec", n.names[host]}, args...)...), ended: make(chan struct{}),
	}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, &p.log, &p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // the signal comes when the thread ends that has started the program
		defer close(p.ended)
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	n.undo = append(n.undo, p.Stop)
	return p, nil
}

// PID is the process id: ip becomes the program that it starts.
func (p *Program) PID() int { return p.cmd.Process.Pid }

// Stop kills the program and waits for its end.
func (p *Program) Stop() {
	_ = p.cmd.Process.Kill() // fails when it has ended
	<-p.ended
}

// Log returns all that the program has written.
func (p *Program) Log() string { return p.log.String() }

// Await waits until the log has a text, so many times.
func (p *Program) Await(ctx context.Context, text string, times int) error {
	for strings.Count(p.Log(), text) < times {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%q was not logged %d times:\n%s", text, times, p.Log())
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// transcript is what a program has written so far.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (b *transcript) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String returns all that was written.
func (b *transcript) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
