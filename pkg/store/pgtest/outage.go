package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Freeze stops all processes of the server where they are, as a machine that hangs
// does: connections stay open, and nothing answers. It needs /proc.
func (c *Cluster) Freeze() error { return c.signalAll(syscall.SIGSTOP) }

// Thaw lets a frozen server go on.
func (c *Cluster) Thaw() error { return c.signalAll(syscall.SIGCONT) }

// signalAll begins with the process that would start others.
func (c *Cluster) signalAll(sig syscall.Signal) error {
	if err := c.server.Process.Signal(sig); err != nil {
		return err
	}
	children, err := childrenOf(c.server.Process.Pid)
	for _, pid := range children {
		if failed := syscall.Kill(pid, sig); !errors.Is(failed, syscall.ESRCH) {
			err = errors.Join(err, failed)
		}
	}
	return err
}

func childrenOf(parent int) (children []int, err error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(files) == 0 {
		return nil, errors.Join(errors.New("pgtest: no /proc"), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// pid (name) state ppid …, where the name may have anything in it.
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) < 2 || fields[1] != strconv.Itoa(parent) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			return nil, err
		}
		children = append(children, pid)
	}
	return children, nil
}

// Down ends the server at once and keeps what it has written.
func (c *Cluster) Down() error {
	if c.server == nil {
		return errors.New("pgtest: the server does not run")
	}
	c.kill()
	c.server = nil
	return nil
}

// Up starts a server again that is down.
func (c *Cluster) Up(ctx context.Context) error {
	if c.server != nil {
		return errors.New("pgtest: the server runs")
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	c.exited = make(chan struct{})
	if err := c.run(ctx); err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	return nil
}
