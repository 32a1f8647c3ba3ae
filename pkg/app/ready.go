package app

import (
	"context"
	"errors"
	"time"

	"github.com/chaveiro/chaveiro/pkg/store"
	"github.com/chaveiro/chaveiro/pkg/wire"
)

// check is one condition of readiness. find says in a few words what is wrong, or nothing. Callers
// see that text; only the log has the cause. find runs in the background with a context that ends
// after [checkTimeout], at most once a second however many requests ask, beside the other checks,
// and never twice at once. It reads without locks.
type check struct {
	name string
	find func(ctx context.Context) (fault string, cause error)
}

// checks are the conditions that the service can't work without.
func (s *Server) checks() []check {
	return []check{
		{"database", s.databaseFault},
		{"schema", s.schemaFault},
		{"write", s.writeFault},
		{"crl", s.crlFault},
		{"clock", s.clockFault},
		{"key store", s.keyStoreFault},
		{"master key", s.masterKeyFault},
	}
}

// ready returns the results of the last round of checks, and whether the server drains, which needs
// no round.
func (s *Server) ready(ctx context.Context) []wire.Check {
	return append([]wire.Check{{Name: "serving", Fault: s.drainFault()}}, s.readiness.answer(ctx)...)
}

func (s *Server) drainFault() string {
	if s.draining.Load() {
		return "the server is stopping"
	}
	return ""
}

func (s *Server) databaseFault(ctx context.Context) (string, error) {
	if err := s.storage.Store.Ping(ctx); err != nil {
		return "the database does not answer", err
	}
	return "", nil
}

func (s *Server) schemaFault(ctx context.Context) (string, error) {
	schema, err := s.storage.Store.Schema(ctx)
	switch fault := schema.Fault(); {
	case err != nil:
		return "the schema can't be read", err
	case errors.Is(fault, store.ErrNewerSchema):
		return "the schema is newer than this version of the program", fault
	case fault != nil:
		return "migrations are missing", fault
	}
	return "", nil
}

func (s *Server) writeFault(ctx context.Context) (string, error) {
	if err := s.probe.try(ctx, s.storage.Store.Probe); err != nil {
		return "the database can't be written to", err
	}
	return "", nil
}

func (s *Server) crlFault(ctx context.Context) (string, error) {
	health := s.Services.CRLs.Health()
	first, found, err := s.storage.Store.CRLs().FirstExpiry(ctx)
	switch {
	case err != nil && health.Ends.IsZero():
		return "the CRLs can't be read", err
	case err != nil:
		return "the CRLs can't be read: the last ones are served until " + health.Ends.UTC().Format(time.RFC3339), err
	case found && !Now().Before(first):
		return "a CRL has expired: OpenVPN refuses the clients of its CA", nil
	case health.Stale > 0 || health.Overdue > 0:
		return "a CRL can't be brought up to date: the last ones are served until " +
			health.Ends.UTC().Format(time.RFC3339), nil
	}
	return "", nil
}

func (s *Server) clockFault(ctx context.Context) (string, error) {
	if err := s.clock.compare(ctx, s.storage.Store); err != nil {
		return "the clocks can't be compared", err
	}
	return s.clock.fault()
}
