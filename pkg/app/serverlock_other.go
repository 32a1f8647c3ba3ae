//go:build !unix

package app

// LockServer does nothing where the system has no such lock.
func LockServer(Storage) (release func() error, err error) {
	return func() error { return nil }, nil
}
