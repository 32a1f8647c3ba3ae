package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// insideVariable says that this process has a mount namespace of its own.
const insideVariable = "CHAVEIRO_FAULTS_INSIDE"

// diskSize is what a disk has room for, in bytes. It takes memory only for what is on it.
const diskSize = 4 << 30

// inOwnNamespace runs this program again, in a mount namespace that ends with it, and returns its
// exit code. Without root it does nothing.
func inOwnNamespace(ctx context.Context, args []string) (code int, done bool) {
	if os.Getenv(insideVariable) != "" || os.Geteuid() != 0 {
		return 0, false
	}
	program, err := os.Executable()
	if err != nil {
		return 0, false
	}
	again := exec.Command(program, args...)
	again.Env = append(os.Environ(), insideVariable+"=1")
	again.Stdin, again.Stdout, again.Stderr = os.Stdin, os.Stdout, os.Stderr
	again.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGTERM}
	runtime.LockOSThread() // the kernel watches the thread that starts it
	if err := again.Start(); err != nil {
		return 0, false // as where namespaces are not allowed; the table says what is left out
	}
	defer context.AfterFunc(ctx, func() { _ = again.Process.Signal(syscall.SIGTERM) })()
	_ = again.Wait() // the state of the process says more
	return again.ProcessState.ExitCode(), true
}

// disk is a small file system in memory.
type disk struct{ path string }

// newDisk mounts a disk at a directory, which it makes.
func newDisk(path string) (*disk, error) {
	if os.Getenv(insideVariable) == "" {
		return nil, errors.New("it needs root and a mount namespace of its own")
	}
	if err := os.Mkdir(path, 0o755); err != nil {
		return nil, err
	}
	d := &disk{path: path}
	if err := unix.Mount("tmpfs", path, "tmpfs", 0, fmt.Sprintf("mode=755,size=%d", int64(diskSize))); err != nil {
		return nil, fmt.Errorf("mount: %w", err)
	}
	return d, nil
}

// fill leaves no room on the disk: it is made as small as what is on it.
func (d *disk) fill() error {
	var now unix.Statfs_t
	if err := unix.Statfs(d.path, &now); err != nil {
		return err
	}
	used := int64(now.Blocks-now.Bfree) * now.Bsize
	return d.resize(used)
}

// empty gives the room back.
func (d *disk) empty() error { return d.resize(diskSize) }

func (d *disk) resize(bytes int64) error {
	return unix.Mount("tmpfs", d.path, "tmpfs", unix.MS_REMOUNT, fmt.Sprintf("mode=755,size=%d", bytes))
}

func (d *disk) remove() error { return unix.Unmount(d.path, unix.MNT_DETACH) }
