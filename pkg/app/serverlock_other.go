//go:build !unix

package app

// LockServer does nothing where the system has no such lock.
func LockServer(StorageConfig) (release func() error, err error) {
	return func() error { return nil }, nil
}
