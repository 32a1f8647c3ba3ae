package app

import "github.com/prometheus/client_golang/prometheus"

var (
	standbyUsable = gaugeOf("chaveiro_read_standby_usable", "1 while lists are read from the standby of read-url.")
	standbyLag    = gaugeOf("chaveiro_read_standby_lag_seconds", "How far the standby of read-url is behind.")
	standbyReads  = counterOf(
		"chaveiro_read_standby_lists_total",
		"Lists that the standby of read-url was asked for: it has answered (standby), or failed and the primary has (primary).",
		"answered",
	)
)

// collectStandby tells of the standby that lists are read from, where there is one.
func (s *Server) collectStandby(to chan<- prometheus.Metric) {
	health, ok := s.storage.Store.StandbyHealth()
	if !ok {
		return
	}
	standbyUsable.add(to, truth(health.Usable))
	standbyLag.add(to, health.Lag.Seconds())
	standbyReads.add(to, float64(health.Reads), "standby")
	standbyReads.add(to, float64(health.Changed), "primary")
}
