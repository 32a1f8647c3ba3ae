package netnstest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestSweep: the namespaces of a process that is gone are removed. Those of one that runs, and what
// only looks like one, stay.
func TestSweep(t *testing.T) {
	if err := Check(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	left := fmt.Sprintf(nameFormat, gone.Process.Pid, 1)
	foreign := left + "x"
	for _, name := range []string{left, foreign} {
		if err := run("ip", "netns", "add", name); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = run("ip", "netns", "del", name) })
	}
	own, err := New("host")
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	if err := Sweep(); err != nil {
		t.Fatal(err)
	}
	for name, stays := range map[string]bool{left: false, foreign: true, own.names["host"]: true} {
		_, err := os.Stat(filepath.Join("/run/netns", name))
		if (err == nil) != stays || err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, want it to stay: %t", name, err, stays)
		}
	}
}
