package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"time"
)

// reloadInterval is how often the files of the TLS certificate are checked for changes.
const reloadInterval = 10 * time.Second

// watch reloads what can be reloaded, at every SIGHUP and when files change, until ctx ends.
func (s *Server) watch(ctx context.Context) {
	ticker := time.NewTicker(reloadInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.config.Hangups:
			s.log.Info("reloading")
			if err := s.config.readLevel(); err != nil {
				s.log.Error("the log level was not reloaded: the one before stays", "error", err)
			}
			s.reloadCertificate(true)
			s.keeper.Again()
		case <-ticker.C:
			s.reloadCertificate(false)
		}
	}
}

func (s *Server) reloadCertificate(force bool) {
	if s.certificate != nil {
		s.certificate.refresh(force)
	}
}

// endInterval is how late it may be told that the TLS certificate ends in so many days.
const endInterval = 10 * time.Minute

// tellEnd puts into the stream of events that the TLS certificate ends soon, until ctx ends.
func (s *Server) tellEnd(ctx context.Context) {
	if s.certificate == nil {
		return
	}
	ticker := time.NewTicker(endInterval)
	defer ticker.Stop()
	for {
		err := s.Services.Endings.TLS(ctx, s.certificate.current.Load().Leaf.NotAfter)
		if err != nil && ctx.Err() == nil {
			s.log.ErrorContext(ctx, "telling the end of the TLS certificate failed", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// ParseLevel reads a level of the log: debug, info, warn or error, in any case.
func ParseLevel(text string) (level slog.Level, err error) {
	if strings.ContainsAny(text, "+-") { // slog takes levels in between, as info+2
		return level, errors.New("not debug, info, warn or error")
	}
	err = level.UnmarshalText([]byte(text))
	return level, err
}

// readLevel sets the log level to what the file says, if there is one.
func (c Config) readLevel() error {
	if c.LogLevelFile == "" || c.Level == nil {
		return nil
	}
	text, err := os.ReadFile(c.LogLevelFile)
	if err != nil {
		return fmt.Errorf("log-level-file: %w", err)
	}
	level, err := ParseLevel(strings.TrimSpace(string(text)))
	if err != nil {
		return fmt.Errorf("log-level-file %s: it says neither debug, info, warn nor error", c.LogLevelFile)
	}
	c.Level.Set(level)
	return nil
}

// warnOfPlainHTTP warns of a listener without TLS on an address that others can reach: what is sent
// there can be read on its way.
func (s *Server) warnOfPlainHTTP(address net.Addr) {
	tcp, ok := address.(*net.TCPAddr)
	if ok && s.certificate == nil && !tcp.IP.IsLoopback() {
		s.log.Warn("plain http on an address that others can reach: tokens and passwords can be read on their way, "+
			"unless a proxy on this machine speaks https for it; set --tls-certificate and --tls-key", "address",
			address.String())
	}
}
