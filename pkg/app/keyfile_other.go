//go:build !unix

package app

import "os"

// lockDirectory does nothing where the system has no such lock.
func lockDirectory(string) (release func() error, err error) {
	return func() error { return nil }, nil
}

// keepOwner does nothing where a new file has its owner from the directory.
func keepOwner(*os.File, os.FileInfo) error { return nil }
