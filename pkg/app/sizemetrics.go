package app

import "github.com/prometheus/client_golang/prometheus"

var (
	databaseBytes = gaugeOf("chaveiro_database_bytes", "Octets of the database, as of the last count.")
	databaseFree  = gaugeOf("chaveiro_database_free_bytes", "Octets of the SQLite file that are free for new rows, as of the last count.")
	tableRows     = gaugeOf("chaveiro_table_rows", "Rows of a table, estimated, as of the last count.", "table")
	tableBytes    = gaugeOf("chaveiro_table_bytes", "Octets of a table with its indexes (PostgreSQL), as of the last count.", "table")
)

// collectSizes tells how large the database is. It uses the last count, and tells nothing of what
// was not known then.
func (s *Server) collectSizes(to chan<- prometheus.Metric) {
	count := s.Services.Census.Last()
	if count == nil {
		return
	}
	tell := func(f family, value int64, labels ...string) {
		if value >= 0 {
			f.add(to, float64(value), labels...)
		}
	}
	tell(databaseBytes, count.Size.Bytes)
	tell(databaseFree, count.Size.Free)
	for _, t := range count.Size.Tables {
		tell(tableRows, t.Rows, t.Name)
		tell(tableBytes, t.Bytes, t.Name)
	}
}
