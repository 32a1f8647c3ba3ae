package domain

import (
	"context"
	"time"
)

// CertificateCount is how many certificates a CA has in each state. Each certificate is in one
// state. Those of OCSP responders, which are renewed by themselves, are not counted.
type CertificateCount struct {
	CAID       int64
	Active     int64 // valid
	Superseded int64 // still valid, and revoked soon, because another has taken its place
	Suspended  int64 // revoked until they are resumed
	Revoked    int64 // for good, also when they have ended since
	Expired    int64 // ended, and never revoked
	// Expiring are those of Active that end soon, and NextExpiry is when the first of Active ends;
	// zero: there is none.
	Expiring   int64
	NextExpiry time.Time
}

// Add adds the certificates of another CA.
func (c *CertificateCount) Add(other CertificateCount) {
	c.Active += other.Active
	c.Superseded += other.Superseded
	c.Suspended += other.Suspended
	c.Revoked += other.Revoked
	c.Expired += other.Expired
	c.Expiring += other.Expiring
	if c.NextExpiry.IsZero() || !other.NextExpiry.IsZero() && other.NextExpiry.Before(c.NextExpiry) {
		c.NextExpiry = other.NextExpiry
	}
}

// Pass changes a count by what the passing of time alone has changed since; see Censuses.Passed. It
// leaves NextExpiry.
func (c *CertificateCount) Pass(m CertificateCount) {
	ended := m.Expired - m.Superseded // of those that were active
	c.Expired += m.Expired
	c.Superseded -= m.Superseded
	c.Active -= ended
	c.Expiring += m.Expiring - ended
}

// CensusTimes are when certificates are counted, and by when those end that are Expiring.
type CensusTimes struct{ At, Soon time.Time }

// CensusCount is a count of all certificates, as it is kept for other servers and the next start.
type CensusCount struct {
	CensusTimes
	Point   string    // of the audit, before
	WholeAt time.Time // when all were read
	Took    time.Duration
	Counts  []CertificateCount
}

// AgentCount is how many agents have ever reported, how many of them are late, and how many
// sessions the others see.
type AgentCount struct{ Reported, Silent, Sessions int64 }

// TableSize is how large a table is, with its indexes. Rows and Bytes are -1 when they are not
// known.
type TableSize struct {
	Name        string
	Rows, Bytes int64
}

// DatabaseSize is how large a database is. Free are the octets of Bytes that are free for new rows;
// -1: not known.
type DatabaseSize struct {
	Tables      []TableSize // by name
	Bytes, Free int64
}

// Censuses count what is in the database.
//
// The group Censuses of the suite tests it.
type Censuses interface {
	// Certificates counts the certificates of each CA that has any, by ascending id of the CA, at a
	// time; those that end by soon are Expiring. It reads an index of all certificates in parts, so
	// it takes a second or so for a million of them, and is of no single moment.
	Certificates(ctx context.Context, at, soon time.Time) ([]CertificateCount, error)
	// Passed counts those whose state changes from one count to another by the passing of time
	// alone, by ascending id of the CA: as Expired those that end meanwhile, as Superseded those of
	// them that were, and as Expiring those that end between the two times that are soon. It reads
	// these alone.
	Passed(ctx context.Context, from, to CensusTimes) ([]CertificateCount, error)
	// NextExpiry is when the first of the Active certificates of a CA ends that end after a time;
	// zero: there is none. It reads all that end before that one.
	NextExpiry(ctx context.Context, caID int64, after time.Time) (time.Time, error)
	// Point is where the audit is. It changes with each change of a certificate.
	Point(ctx context.Context) (string, error)
	// Last returns the last count that was kept; zero: none was.
	Last(ctx context.Context) (CensusCount, error)
	// Keep replaces it.
	Keep(ctx context.Context, c CensusCount) error
	// APIKeyEnd is when the first of the enabled apikeys ends that end after a time; zero: none.
	APIKeyEnd(ctx context.Context, after time.Time) (time.Time, error)
	// Agents counts the agents beside OpenVPN servers, and the sessions that they see, at a time.
	Agents(ctx context.Context, at time.Time) (AgentCount, error)
	// Size returns how large the tables are, but that of the migrations. Without exact it reads no
	// table: on PostgreSQL rows are an estimate of the statistics; on SQLite they are an upper
	// bound where rows have ids, and octets are known of the whole file alone. With exact it counts
	// all rows, and on SQLite reads the whole file.
	Size(ctx context.Context, exact bool) (DatabaseSize, error)
}
