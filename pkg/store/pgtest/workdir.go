package pgtest

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

const (
	// tempRoot is not os.TempDir: a socket's path has some hundred bytes at
	// most, and the server's account must be able to reach it.
	tempRoot   = "/tmp"
	memoryRoot = "/dev/shm"
	dirPrefix  = "chaveiro-pg-"
	lockName   = "lock"
)

// memoryNeeded is what must be free in memoryRoot, in bytes: the clusters of several test binaries
// are there at once.
const memoryNeeded = 4 << 30

// rootFor says where a cluster's directory is. What need not survive anything is in memory where
// the system has a file system for that with much left: a database has some three hundred files,
// and making and removing those costs a disk more than all that tests do with them.
func rootFor(cfg Config) string {
	if cfg.Root != "" {
		return cfg.Root
	}
	if !cfg.Durable && freeMemory(memoryRoot) >= memoryNeeded {
		return memoryRoot
	}
	return tempRoot
}

// workdir is a cluster's directory. Its lock is held for as long as the process
// that made it lives, which is how others see what a killed process left behind.
type workdir struct {
	path string
	kept string // the server's data, if they are elsewhere and stay
	lock *os.File
}

func (d *workdir) data() string    { return cmp.Or(d.kept, filepath.Join(d.path, "data")) }
func (d *workdir) logFile() string { return filepath.Join(d.path, "log") }

func newWorkdir(root, kept string, owner *account) (*workdir, error) {
	path, err := os.MkdirTemp(root, dirPrefix)
	if err != nil {
		return nil, err
	}
	d := &workdir{path: path, kept: kept}
	if err := d.prepare(owner); err != nil {
		_ = d.remove()
		return nil, err
	}
	return d, nil
}

// prepare takes the lock under another name first, so that a lock file is never
// seen before it is held.
func (d *workdir) prepare(owner *account) error {
	hidden := filepath.Join(d.path, lockName+".new")
	lock, err := os.Create(hidden)
	if err != nil {
		return err
	}
	d.lock = lock
	if err := flock(lock); err != nil {
		return err
	}
	if err := os.Rename(hidden, filepath.Join(d.path, lockName)); err != nil {
		return err
	}
	if d.kept != "" {
		if err := os.MkdirAll(d.kept, 0o700); err != nil {
			return err
		}
	}
	if owner == nil {
		return nil
	}
	err = os.Chown(d.path, int(owner.uid), int(owner.gid))
	if d.kept != "" {
		err = errors.Join(err, os.Chown(d.kept, int(owner.uid), int(owner.gid)))
	}
	return err
}

func (d *workdir) remove() error {
	if d.lock != nil {
		defer d.lock.Close()
	}
	return os.RemoveAll(d.path)
}

// sweep removes directories under root whose process is gone. What cannot be
// removed (another account's, or a server still going down) is left for later.
func sweep(root string) {
	locks, _ := filepath.Glob(filepath.Join(root, dirPrefix+"*", lockName))
	for _, name := range locks {
		sweepOne(name)
	}
}

func sweepOne(name string) {
	lock, err := os.OpenFile(name, os.O_RDWR|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return
	}
	defer lock.Close()
	if flock(lock) != nil {
		return
	}
	dir := filepath.Dir(name)
	if os.RemoveAll(filepath.Join(dir, "data")) == nil { // the lock file goes last
		_ = os.RemoveAll(dir)
	}
}

func flock(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
