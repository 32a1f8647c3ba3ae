package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chaveiro/chaveiro/pkg/wire"
)

// checkTimeout bounds one round of checks.
const checkTimeout = 2 * time.Second

// ready checks what the service can't do without: the database, its schema, and CRLs that have not ended.
func (s *Server) ready(ctx context.Context) []wire.Check {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return []wire.Check{
		{Name: "serving", Fault: s.drainFault()},
		{Name: "database", Fault: s.databaseFault(ctx)},
		{Name: "schema", Fault: s.schemaFault(ctx)},
		{Name: "crl", Fault: s.crlFault(ctx)},
	}
}

func (s *Server) drainFault() string {
	if s.draining.Load() {
		return "the server is stopping"
	}
	return ""
}

func (s *Server) databaseFault(ctx context.Context) string {
	if err := s.vault.Store.Ping(ctx); err != nil {
		s.log.ErrorContext(ctx, "the database does not answer", "error", err)
		return "the database does not answer"
	}
	return ""
}

func (s *Server) schemaFault(ctx context.Context) string {
	missing, err := s.vault.Store.SchemaBehind(ctx)
	if err != nil {
		return "the schema can't be read"
	}
	if missing > 0 {
		return "migrations are missing"
	}
	return ""
}

func (s *Server) crlFault(ctx context.Context) string {
	first, found, err := s.vault.Store.CRLs().FirstExpiry(ctx)
	if err != nil {
		return "the CRLs can't be read"
	}
	if found && !Now().Before(first) {
		return "a CRL has expired: OpenVPN refuses the clients of its CA"
	}
	return ""
}

// crlGauge tells when the first CRL ends, for alarms.
func (s *Server) crlGauge() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "chaveiro_crl_expires_seconds", Help: "Seconds until the first of the current CRLs ends; 0 when there is none.",
	}, func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), checkTimeout)
		defer cancel()
		first, found, err := s.vault.Store.CRLs().FirstExpiry(ctx)
		if err != nil || !found {
			return 0
		}
		return first.Sub(Now()).Seconds()
	})
}
