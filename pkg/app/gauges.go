package app

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/chaveiro/chaveiro/pkg/events"
	"github.com/chaveiro/chaveiro/pkg/pki"
)

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
