//go:build unix

package app

import (
	"errors"
	"os"
	"syscall"
)

// lockDirectory makes others wait who call it for the same directory, until release. The system
// releases it when the process ends, for whatever reason.
func lockDirectory(path string) (release func() error, err error) {
	dir, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	return dir.Close, nil
}

// keepOwner gives a file the owner and the group of another one: root may change the key file of an
// account that must go on reading it.
func keepOwner(file *os.File, of os.FileInfo) error {
	was, ok := of.Sys().(*syscall.Stat_t)
	if !ok || os.Geteuid() != 0 {
		return nil
	}
	return file.Chown(int(was.Uid), int(was.Gid))
}
