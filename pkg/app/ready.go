package app

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/chaveiro/chaveiro/pkg/events"
	"github.com/chaveiro/chaveiro/pkg/pki"
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

// auditGauge reports that something that was signed is gone from the audit, for alarms.
func (s *Server) auditGauge() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "chaveiro_audit_loss",
		Help: "1 when the audit is not signed any more because something that was signed is gone from it.",
	}, func() float64 {
		if s.Services.Audit.Loss() {
			return 1
		}
		return 0
	})
}

// caGauges report when the first CA ends and how many do soon, for alarms. They use what the last
// look at the CAs has found, and ask nobody.
func (s *Server) caGauges() []prometheus.Collector {
	return []prometheus.Collector{
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "chaveiro_ca_expires_seconds",
			Help: "Seconds until the first CA without a successor ends, negative when it has; 0 when there is none.",
		}, func() float64 {
			if first := s.Services.CAEnds.Health().First; !first.IsZero() {
				return first.Sub(Now()).Seconds()
			}
			return 0
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "chaveiro_ca_expiring",
			Help: "CAs without a successor that end within 90 days, or have ended in the last 90 days.",
		}, func() float64 { return float64(s.Services.CAEnds.Health().Ending) }),
	}
}

// eventGauges report on the stream of events. They use the state of this process, and ask nobody.
func (s *Server) eventGauges() []prometheus.Collector {
	gauge := func(name, help string, value func(events.Health) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(
			prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return value(s.Services.Stream.Health()) },
		)
	}
	return []prometheus.Collector{
		gauge("chaveiro_event_readers", "Callers that follow the stream of events here.", func(h events.Health) float64 {
			return float64(h.Readers)
		}),
		gauge("chaveiro_event_newest", "The id of the newest event of the stream.", func(h events.Health) float64 {
			return float64(h.Newest)
		}),
		gauge(
			"chaveiro_event_lag_seconds", "For how long what has happened could not be put into the stream; 0 when it can.",
			func(h events.Health) float64 { return h.Lag.Seconds() },
		),
	}
}

// crlGauges report when the first CRL expires and how many CRLs are not as they should be, for
// alarms. They use the state of this process, and ask nobody.
func (s *Server) crlGauges() []prometheus.Collector {
	gauge := func(name, help string, value func(pki.CRLHealth) float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(
			prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return value(s.Services.CRLs.Health()) },
		)
	}
	return []prometheus.Collector{
		gauge("chaveiro_crl_expires_seconds", "Seconds until the first of the current CRLs ends; 0 when there is none.",
			func(h pki.CRLHealth) float64 {
				if h.Ends.IsZero() {
					return 0
				}
				return h.Ends.Sub(Now()).Seconds()
			}),
		gauge(
			"chaveiro_crl_stale", "CRLs that could not be brought up to date: the last ones are served.",
			func(h pki.CRLHealth) float64 { return float64(h.Stale) },
		),
		gauge(
			"chaveiro_crl_overdue", "CRLs that should have been signed anew an hour ago.",
			func(h pki.CRLHealth) float64 { return float64(h.Overdue) },
		),
	}
}
