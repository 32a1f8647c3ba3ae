package domain

import (
	"context"
	"math/big"
	"time"
)

// Certificate is one that a CA issued to a client, here or elsewhere. Serial is lower-case hex.
type Certificate struct {
	ID           int64
	CAID         int64
	ClientID     int64
	Serial       string
	NotBefore    time.Time
	NotAfter     time.Time
	DER          []byte
	SealedKey    []byte // the private key (PKCS#8 PEM) under the master key
	KeyProtected bool   // the PEM inside is itself encrypted with the client's password
	CreatedAt    time.Time
	Issuer       []byte // the CA's certificate, in DER; only for Enrol
}

// Certificates keeps the certificates; none is ever removed. Errors: *Error with Missing, Duplicated on cert for a serial
// that the CA has already, NotFound on ca_id.
type Certificates interface {
	// Create stores c and sets its ID.
	Create(ctx context.Context, c *Certificate) error
	// OfClient returns the client's certificate.
	OfClient(ctx context.Context, clientID int64) (Certificate, error)
	// ClientsOf returns the clients that have the certificates of these serials of a CA, by serial. Serials that are not known are left out.
	ClientsOf(ctx context.Context, caID int64, serials []string) (map[string]int64, error)
}

// Revocation says since when a certificate is not to be trusted. NotAfter is zero when nothing but the serial is known
// (it came with a foreign CRL). Epoch counts the revocations of the CA in the order in which they were committed.
type Revocation struct {
	CAID      int64
	Serial    string
	RevokedAt time.Time
	Reason    int // RFC 5280, 5.3.1
	NotAfter  time.Time
	Epoch     int64
}

// Revocations keeps the revocations; none is ever removed or changed.
type Revocations interface {
	// Advance increments the CA's epoch and returns it. Until the transaction ends no other can advance it, so epochs are
	// committed in their order.
	Advance(ctx context.Context, caID int64) (int64, error)
	// Point returns how far the CA's revocations have come, and in which history.
	Point(ctx context.Context, caID int64) (RevocationPoint, error)
	// Epoch returns the CA's epoch.
	Epoch(ctx context.Context, caID int64) (int64, error)
	// Add stores the revocations under their epochs.
	Add(ctx context.Context, revocations []Revocation) error
	// Find returns the revocation of a serial, or false.
	Find(ctx context.Context, caID int64, serial string) (Revocation, bool, error)
	// After returns the revocations of the CA with a later epoch, by epoch.
	After(ctx context.Context, caID, epoch int64) ([]Revocation, error)
}

// CRL is a signed revocation list. It lists every revocation up to Epoch, and maybe later ones. The list itself carries Number added to the
// Base of its CA's CRLState.
type CRL struct {
	CAID       int64
	Number     int64
	Follows    int64 // only for Publish: the last number that its maker knows
	Epoch      int64
	ThisUpdate time.Time
	NextUpdate time.Time
	SignedAt   time.Time
	DER        []byte
	// Issuer is the CA's certificate, in DER, and Seen what was read of the CA before the list was made. Only for Publish, which stores no list of
	// another history; zero values are not looked at.
	Issuer []byte
	Seen   RevocationPoint
}

// CRLState is where the lists of a CA stand.
type CRLState struct {
	RevocationPoint
	// Number is that of the last list, 0 for none.
	Number int64
	// Base is added to the numbers; nil: nothing. It is the number of a list made elsewhere, where that is too large for Number.
	Base *big.Int
	// ThisUpdate is the latest of all lists, own or made elsewhere; zero for none.
	ThisUpdate time.Time
}

// CRLs keeps the CRLs: per CA the latest ones, and the number of the last for ever.
type CRLs interface {
	// LastNumber returns the number of the CA's last CRL, 0 when it has none.
	LastNumber(ctx context.Context, caID int64) (int64, error)
	// State returns where the CA's lists stand, all as of one moment. Errors: *Error with Missing.
	State(ctx context.Context, caID int64) (CRLState, error)
	// Latest returns the CA's last CRL, or false.
	Latest(ctx context.Context, caID int64) (CRL, bool, error)
	// FirstExpiry returns the earliest NextUpdate of all current CRLs, or false when there is none.
	FirstExpiry(ctx context.Context) (time.Time, bool, error)
	// Publish stores crl if the last number is still the one that it follows, and reports whether it did: of two replicas that sign the
	// next list one is told false.
	Publish(ctx context.Context, crl CRL) (bool, error)
	// Continue makes the CA's numbers go on above number: lists up to it were published that the database does not know. last is the latest of
	// those lists, or nil; it takes the place of an earlier one. Whatever list is there then has the epoch -1: the next one has to be signed.
	Continue(ctx context.Context, caID, number int64, last *CRL) error
}
