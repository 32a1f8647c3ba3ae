//go:build unix

package store

import (
	"crypto/tls"
	"errors"
	"net"
	"syscall"
)

// isSilent reports whether an idle connection has nothing to read. If its server has ended it,
// there is a message or the end of the stream. It costs one system call.
func isSilent(conn net.Conn) bool {
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn()
	}
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	silent := false
	// Control, not Read: Read would wait for pgx, which may be reading in the background after a
	// write that took long.
	err = raw.Control(func(fd uintptr) {
		var one [1]byte
		_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		silent = errors.Is(err, syscall.EAGAIN)
	})
	return silent && err == nil
}
