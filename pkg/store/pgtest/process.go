package pgtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
)

// superuser is the database account that owns everything in a cluster, and the
// name of the database it connects to for administration.
const superuser = "postgres"

// ErrNotInstalled reports that this machine has no PostgreSQL server programs.
var ErrNotInstalled = errors.New("pgtest: initdb and postgres not found: install PostgreSQL " +
	"(scripts/setup.sh postgres, or apt-get install postgresql)")

type programs struct{ initdb, postgres string }

// findPrograms prefers what is on PATH to Debian's versioned directories, and
// among those the newest.
func findPrograms() (programs, error) {
	initdb, err1 := exec.LookPath("initdb")
	postgres, err2 := exec.LookPath("postgres")
	if err1 == nil && err2 == nil {
		return programs{initdb, postgres}, nil
	}
	found, newest := programs{}, -1.0
	matches, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	for _, path := range matches {
		bin := filepath.Dir(path)
		version, err := strconv.ParseFloat(filepath.Base(filepath.Dir(bin)), 64)
		if err == nil && version > newest {
			found, newest = programs{path, filepath.Join(bin, "postgres")}, version
		}
	}
	if newest < 0 {
		return programs{}, ErrNotInstalled
	}
	return found, nil
}

// account is the system account the server runs under; nil means this process's own.
type account struct{ uid, gid uint32 }

// serverOwner returns the postgres account for root, because the server refuses
// to run as root, and nil for everybody else.
func serverOwner() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return nil, fmt.Errorf("pgtest: PostgreSQL does not run as root and there is no other account for it: %w", err)
	}
	uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	return &account{uint32(uid), uint32(gid)}, errors.Join(err1, err2)
}

func (a *account) procAttr() *syscall.SysProcAttr {
	if a == nil {
		return &syscall.SysProcAttr{}
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: a.uid, Gid: a.gid}}
}

// startTethered starts cmd so that the kernel sends it sig when this process
// dies, however it dies. The kernel watches the thread that started the child
// and not the process, so that thread is kept until the child has ended; exited
// is closed then.
func startTethered(cmd *exec.Cmd, sig syscall.Signal, exited chan<- struct{}) error {
	tether(cmd.SysProcAttr, sig)
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
			close(exited)
		}
	}()
	return <-started
}

// Program returns the path of another of PostgreSQL's programs, of the same version as the server.
// The error matches [ErrNotInstalled].
func Program(name string) (string, error) {
	bin, err := findPrograms()
	if err != nil {
		return "", err
	}
	dir, err := filepath.EvalSymlinks(bin.postgres)
	if err != nil {
		return "", err
	}
	path := filepath.Join(filepath.Dir(dir), name)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%w: %w", ErrNotInstalled, err)
	}
	return path, nil
}
