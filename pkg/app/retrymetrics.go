package app

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/chaveiro/chaveiro/pkg/store"
)

var databaseRetries = counterOf(
	"chaveiro_database_retries_total",
	"Transactions and statements that PostgreSQL has rolled back, or whose connection was lost before the commit, and that were tried again.",
	"reason",
)

// collectRetries tells how often the database was asked again. SQLite never has to be.
func (s *Server) collectRetries(to chan<- prometheus.Metric) {
	if s.storage.Store.Engine() != store.Postgres {
		return
	}
	for _, reason := range store.RetryReasons {
		databaseRetries.add(to, float64(s.storage.Store.Retried(reason)), string(reason))
	}
}
