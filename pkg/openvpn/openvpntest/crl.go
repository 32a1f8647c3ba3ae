package openvpntest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const (
	crlName       = "crl.pem"
	signalTimeout = 200 * time.Millisecond
)

// SetCRL replaces the revocation lists (PEM) of the running server, which reads
// them when the next client comes. The server must have been started with a CRL.
func (s *Server) SetCRL(pem []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.crlAt.IsZero() {
		return errors.New("openvpntest: the server was started without a CRL")
	}
	s.stale = true
	return s.writeCRL(pem)
}

// writeCRL gives every version of the file a later second than the one before:
// OpenVPN looks at the size and at the whole second of the modification time,
// and two lists may well agree in both.
func (s *Server) writeCRL(pem []byte) error {
	next := time.Now().Truncate(time.Second)
	if earliest := s.crlAt.Add(time.Second); next.Before(earliest) {
		next = earliest
	}
	hidden := filepath.Join(s.dir, crlName+".new")
	if err := os.WriteFile(hidden, pem, 0o644); err != nil {
		return err
	}
	if err := os.Chtimes(hidden, next, next); err != nil {
		return err
	}
	s.crlAt = next
	return os.Rename(hidden, filepath.Join(s.dir, crlName))
}

// reset makes a point-to-point server forget its last peer. Such a server reads the CRL when it
// prepares a session, not when the client comes, which is one client too early; a soft restart
// makes it read the file again.
func (s *Server) reset(ctx context.Context) error {
	if !s.p2p || !s.stale {
		return nil
	}
	from := s.proc.log.len()
	if err := s.restart(ctx, from); err != nil {
		return err
	}
	return s.awaitReady(ctx, from)
}

// restart repeats its signal, because OpenVPN ignores it for a moment after it has logged that it
// listens.
func (s *Server) restart(ctx context.Context, from int) error {
	for ctx.Err() == nil {
		if err := s.proc.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
			return err
		}
		wait, cancel := context.WithTimeout(ctx, signalTimeout)
		err := s.proc.await(wait, from, "process restarting")
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
	}
	return ctx.Err()
}
