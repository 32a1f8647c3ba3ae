package agent

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// mountSmall puts a file system with room for a few files in the place of the directory. It is gone
// when the directory is closed, also when this process is killed.
func (g *gateway) mountSmall() {
	g.t.Helper()
	_ = g.i.Close()
	g.i.Dir = g.t.TempDir()
	err := unix.Mount("none", g.i.Dir, "tmpfs", 0, "size=96k")
	if errors.Is(err, unix.EPERM) && os.Getenv("CI") != "true" {
		g.t.Skip("to mount needs root")
	}
	if err != nil {
		g.t.Fatal(err)
	}
	g.open()
	if err := unix.Unmount(g.i.Dir, unix.MNT_DETACH); err != nil {
		g.t.Fatal(err)
	}
}

// fill fills the disk.
func (g *gateway) fill() {
	g.t.Helper()
	ballast, err := g.i.dir.root.Create("ballast")
	if err != nil {
		g.t.Fatal(err)
	}
	defer ballast.Close()
	for err == nil {
		_, err = ballast.Write(make([]byte, 1024))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		g.t.Fatal(err)
	}
}

// TestInstance_NoSpace: on a disk that is full each file stays as it is, whole, and what could not
// be done is done when there is room.
func TestInstance_NoSpace(t *testing.T) {
	t.Parallel()
	g := newGateway(t)
	g.mountSmall()
	g.do()
	g.now = noon.Add(2 * handshake)
	g.do()
	g.vpn.connect(1, "site-rio", time.Minute)
	g.vpn.connect(2, "site-lisboa", time.Minute)
	before := map[string]string{}
	for name := range g.s.files {
		before[name] = g.text(name)
	}
	g.fill()
	g.revoke("site-rio")
	for range 3 {
		if err := g.i.Step(t.Context()); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("on a full disk: %v", err)
		}
	}
	for name, content := range before {
		if got := g.text(name); got != content {
			t.Errorf("%s is %q, and was %q", name, got, content)
		}
	}
	if err := g.i.dir.root.Remove("ballast"); err != nil {
		t.Fatal(err)
	}
	g.do()
	if g.text(nameCRL) != g.s.files[nameCRL] {
		t.Error("with room, the list is the old one")
	}
	g.connected("site-lisboa")
}

// text reads a file of a directory that has no path any more.
func (g *gateway) text(name string) string {
	g.t.Helper()
	content, err := g.i.dir.read(name)
	if err != nil {
		g.t.Fatal(fmt.Errorf("%s: %w", name, err))
	}
	return string(content)
}
