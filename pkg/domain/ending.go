package domain

import "time"

// Ending is a record that ends: the certificate in force of a client or of an instance, a CA, an
// apikey, an authorization of the vault, or the server's own TLS certificate.
type Ending struct {
	Resource Scope
	ID       int64
	Name     string
	CAID     int64  // of certificates
	Serial   string // of certificates
	EndsAt   time.Time
}

// EndingDays are how many days ahead it is told that something ends, ascending.
var EndingDays = []int{1, 7, 14, 30, 90}
