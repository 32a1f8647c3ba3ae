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

// EndingSpan is where records lie by their ends and then by id: beyond the record AfterID with the
// end After, and not after UpTo. With MaxID as AfterID none that ends at After is beyond.
type EndingSpan struct {
	After   time.Time
	AfterID int64
	UpTo    time.Time
}

// EndingLook is how far it was told that clients end in so many days.
type EndingLook struct {
	Reached  time.Time // of all that end by then it was told, if they were there at LookedAt
	Settled  int64     // all certificates up to this id were there at LookedAt
	Newest   int64     // the highest id of a certificate at LookedAt; of lower ones some may have come later
	LookedAt time.Time
	WholeAt  time.Time // when Reached began anew at the present
}
