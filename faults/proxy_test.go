package main

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// echo answers on a socket with what it gets.
func echo(t *testing.T, socket string) {
	t.Helper()
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); _ = c.Close() }()
		}
	}()
}

// TestProxy: it carries, holds back and cuts; a connection to nowhere ends.
func TestProxy(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("/tmp", "chaveiro-proxy-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	p, err := newProxy("unix", filepath.Join(dir, "p"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	echo(t, filepath.Join(dir, "server"))
	talk := func(c net.Conn, patience time.Duration) string {
		_ = c.SetDeadline(time.Now().Add(patience))
		_, _ = c.Write([]byte("hello"))
		text := make([]byte, 5)
		n, _ := io.ReadFull(c, text)
		return string(text[:n])
	}
	dial := func() net.Conn {
		c, err := net.Dial("unix", filepath.Join(dir, "p"))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if got := talk(dial(), time.Minute); got != "" {
		t.Errorf("nobody answers %q", got)
	}
	p.to(filepath.Join(dir, "server"))
	c := dial()
	if got := talk(c, time.Minute); got != "hello" {
		t.Errorf("it carries %q", got)
	}
	p.silent.Store(true)
	if got := talk(c, 200*time.Millisecond); got != "" {
		t.Errorf("while it is silent it carries %q", got)
	}
	p.cut()
	p.silent.Store(false)
	if got := talk(c, time.Minute); got != "" {
		t.Errorf("after the cut it carries %q", got)
	}
	if got := talk(dial(), time.Minute); got != "hello" {
		t.Errorf("a new connection carries %q", got)
	}
}

// TestNow: time.Now of this version of Go is the one that is replaced.
func TestNow(t *testing.T) {
	t.Parallel()
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "src", "time", "time.go"))
	if err != nil || strings.Count(string(text), nowBefore) != 1 {
		t.Errorf("%v: see clock.go", err)
	}
}
