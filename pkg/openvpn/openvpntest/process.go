package openvpntest

import (
	"context"
	"errors"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// lifetime is the longest that a process lives, whatever its caller forgets.
const lifetime = 10 * time.Minute

// process is a running openvpn. The kernel kills it when this process dies.
type process struct {
	cmd    *exec.Cmd
	log    *transcript
	exited chan struct{} // closed once the process was reaped and its log is complete
}

// startProcess gives openvpn a session of its own: without a terminal it fails instead of asking
// for a password.
func startProcess(binary, dir string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(binary, args...), log: newTranscript(), exited: make(chan struct{})}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, p.log, p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	tether(p.cmd.SysProcAttr)
	started := make(chan error, 1)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// run keeps its thread for as long as the process lives, because the kernel treats the end of that
// thread as the end of the parent.
func (p *process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	timer := time.AfterFunc(lifetime, func() { _ = p.cmd.Process.Kill() })
	defer timer.Stop()
	_ = p.cmd.Wait()
	close(p.exited)
}

// end returns when the process is gone. It has nothing to clean up: the device and the port of the
// process go with it.
func (p *process) end() {
	_ = p.cmd.Process.Kill() // an error means that it is gone
	<-p.exited
}

// await waits until the log, from byte from on, contains text.
func (p *process) await(ctx context.Context, from int, text string) error {
	for {
		more := p.log.more()
		if strings.Contains(p.log.since(from), text) {
			return nil
		}
		select {
		case <-more:
		case <-p.exited:
			return errors.New("openvpn ended")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// transcript collects the output of a process and notifies readers that wait for more.
type transcript struct {
	// mu guards text and changed, while text is added to or copied.
	mu      sync.Mutex
	text    []byte
	changed chan struct{}
}

func newTranscript() *transcript { return &transcript{changed: make(chan struct{})} }

// Write implements io.Writer.
func (l *transcript) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, b...)
	close(l.changed)
	l.changed = make(chan struct{})
	return len(b), nil
}

// more is closed at the next write. Take it before reading, or that write may be missed.
func (l *transcript) more() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

func (l *transcript) since(from int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text[from:])
}

func (l *transcript) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.text)
}
