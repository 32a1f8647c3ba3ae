package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// profiles serves profiles of the process on a Unix socket, which only its account can connect to.
// There is no other way to them: a profile of the heap may have secrets in it.
type profiles struct {
	listener net.Listener
	log      *slog.Logger
}

// profiles opens the socket; without a path it returns nil.
func (s *Server) profiles() (*profiles, error) {
	path := s.config.PprofSocket
	if path == "" {
		return nil, nil
	}
	listener, err := listenPrivately(path)
	if err != nil {
		return nil, fmt.Errorf("pprof-socket: %w", err)
	}
	s.log.Info("profiles are served", "socket", path)
	return &profiles{listener, s.log}, nil
}

// listenPrivately makes a socket of mode 0600. It appears under its name when its mode is set, so
// nobody else can ever connect. One that a process has left behind is replaced; one that a process
// listens on, and anything that is no socket, is left alone.
func listenPrivately(path string) (net.Listener, error) {
	if err := removeStale(path); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), ".pprof-") // of mode 0700
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	hidden := filepath.Join(dir, "s")
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: hidden, Net: "unix"})
	if err != nil {
		return nil, err
	}
	listener.SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(hidden, 0o600), os.Rename(hidden, path)); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return ownSocket{listener, path}, nil
}

// ownSocket removes its file at the end.
type ownSocket struct {
	net.Listener
	path string
}

// Close implements net.Listener.
func (o ownSocket) Close() error {
	err := os.Remove(o.path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // another Close was first
	}
	return errors.Join(err, o.Listener.Close())
}

// removeStale removes a socket that nobody listens on.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s is there and is no socket", path)
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		return errors.Join(fmt.Errorf("%s belongs to a process that runs", path), conn.Close())
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	return os.Remove(path)
}

// serve answers until ctx ends.
func (p *profiles) serve(ctx context.Context) {
	if p == nil {
		return
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: readHeaderTimeout}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // a profile that is being taken is cut off
	defer stop()
	if err := server.Serve(p.listener); !errors.Is(err, http.ErrServerClosed) {
		p.log.Error("profiles are not served any more", "error", err)
	}
}
