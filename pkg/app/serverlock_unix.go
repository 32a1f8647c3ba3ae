//go:build unix

package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/chaveiro/chaveiro/pkg/store"
)

// LockServer takes the lock of the only server that an SQLite file may have, and returns its
// release. When another process holds the lock, the error names that process. The system releases
// the lock when the process ends, for whatever reason. On PostgreSQL there is nothing to lock.
func LockServer(s StorageConfig) (release func() error, err error) {
	if store.EngineOf(s.Location()) != store.SQLite {
		return func() error { return nil }, nil
	}
	path := s.Location()
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	for {
		file, err := lockFile(path + "-server")
		if err != nil {
			return nil, err
		}
		if file != nil {
			return func() error { return errors.Join(os.Remove(file.Name()), file.Close()) }, nil
		}
	}
}

// lockFile makes the file and locks it. It returns nil when the previous holder has removed the
// file in the meantime.
func lockFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf(
			"another server, process %s, runs on %s: SQLite is for one", readPID(file),
			strings.TrimSuffix(path, "-server"),
		)
	}
	if err == nil {
		err = writePID(file)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if !isAt(file, path) {
		return nil, file.Close()
	}
	return file, nil
}

func writePID(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := file.WriteAt(fmt.Appendln(nil, os.Getpid()), 0)
	return err
}

// readPID reads the id of the process that holds the lock. It waits for a server that starts at
// this moment to write it.
func readPID(file *os.File) string {
	for range 100 {
		text, err := io.ReadAll(io.NewSectionReader(file, 0, 32))
		if id, _, whole := strings.Cut(string(text), "\n"); err == nil && whole {
			return id
		}
		time.Sleep(10 * time.Millisecond)
	}
	return "unknown"
}

func isAt(file *os.File, path string) bool {
	mine, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(mine, there)
}
