package pgtest

import "syscall"

// tmpfsMagic is the kind of a file system that is in memory: statfs(2).
const tmpfsMagic = 0x01021994

// freeMemory returns the bytes that are free in a file system that is in memory; 0: there is none.
func freeMemory(path string) uint64 {
	var found syscall.Statfs_t
	if syscall.Statfs(path, &found) != nil || uint32(found.Type) != tmpfsMagic {
		return 0
	}
	return found.Bavail * uint64(found.Bsize)
}
