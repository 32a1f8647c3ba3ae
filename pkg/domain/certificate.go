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

// Certificates keeps the certificates; none is ever removed or changed. A serial is unique within
// its CA.
//
// The groups Certificates, Certificates_ClientsOf and Clients_Enrol of the suite hold it.
type Certificates interface {
	// Create stores c and sets c.ID; Issuer is not looked at and not stored. It does not check that
	// the client is one of the CA. On PostgreSQL it waits for a Lock of the CA or of the client.
	// Errors: Duplicated on cert when the CA has the serial already; NotFound on ca_id when there
	// is no such CA, or no such client.
	Create(ctx context.Context, c *Certificate) error
	// OfClient returns the client's certificate; of several the one with the highest id. Issuer is
	// nil. Errors: Missing, when the client has none or does not exist.
	OfClient(ctx context.Context, clientID int64) (Certificate, error)
	// ClientsOf returns the clients that have the certificates of these serials of a CA, by serial.
	// Serials are compared as they are written; those that are not known are left out. The map is
	// never nil. Any number of serials may be given: they are looked up in batches of 512, so
	// outside a transaction the answer is not of one moment.
	ClientsOf(ctx context.Context, caID int64, serials []string) (map[string]int64, error)
}

// Revocation says since when a certificate is not to be trusted. NotAfter is zero when nothing but the serial is known
// (it came with a foreign CRL). Epoch counts the revocations of the CA in the order in which they were committed.
type Revocation struct {
	CAID      int64
	Serial    string
	RevokedAt time.Time
	Reason    int // RFC 5280, section 5.3.1
	NotAfter  time.Time
	Epoch     int64
}

// Revocations keeps the revocations of each CA; none is ever removed or changed, save that they go
// with their CA. A revocation is stored by Advance and Add in one transaction, in this order.
//
// The groups Revocations, Revocations_Points and Concurrency of the suite hold it.
type Revocations interface {
	// Advance increments the CA's epoch by one, gives it another mark and returns the epoch. It
	// locks the CA's row: until the transaction ends no other Advance, Lock, Publish or change of
	// this CA gets through, so epochs are committed in their order. It has to be called in the
	// transaction that adds at least one revocation of this epoch: an epoch without one is never
	// reached by a list. Errors: Missing.
	Advance(ctx context.Context, caID int64) (int64, error)
	// Point returns how far the CA's revocations have come, and in which history, all by one
	// statement. CA is empty when the fingerprint of the CA's key is not stored. Errors: Missing.
	Point(ctx context.Context, caID int64) (RevocationPoint, error)
	// Epoch returns the CA's epoch, 0 before the first Advance. Errors: Missing.
	Epoch(ctx context.Context, caID int64) (int64, error)
	// Add stores the revocations under their epochs, all or none; none given is nothing. It checks
	// neither the epochs nor whether such certificates exist. A serial that its CA has revoked
	// already, one that is given twice and a CA that does not exist are errors that are no *Error,
	// and doom the transaction: a caller that can't know calls Find before.
	Add(ctx context.Context, revocations []Revocation) error
	// Find returns the revocation of a serial, which is compared as it is written, or false. A CA
	// that does not exist has none.
	Find(ctx context.Context, caID int64, serial string) (Revocation, bool, error)
	// After returns all revocations of the CA with a later epoch, by epoch and then by serial;
	// their number is not bounded. A CA that does not exist has none.
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

// CRLs keeps the CRLs: per CA the current one, and the number of the last one for as long as the CA
// is there. Numbers and the latest ThisUpdate only rise.
//
// The groups CRLs, CRLs_FirstExpiry, CRLs_Continue, Revocations_Points and Concurrency of the suite
// hold it.
type CRLs interface {
	// LastNumber returns the number of the CA's last CRL: that of the last Publish, or what
	// CAs.Create, Continue or Histories.Renew has raised it to. It is 0 when there was none.
	// Errors: Missing.
	LastNumber(ctx context.Context, caID int64) (int64, error)
	// State returns where the CA's lists stand, all by one statement. Errors: Missing.
	State(ctx context.Context, caID int64) (CRLState, error)
	// Latest returns the CA's current CRL, or false when it has none or does not exist. Follows,
	// Issuer and Seen are not stored.
	Latest(ctx context.Context, caID int64) (CRL, bool, error)
	// FirstExpiry returns the earliest NextUpdate of all current CRLs, or false when there is none.
	FirstExpiry(ctx context.Context) (time.Time, bool, error)
	// Publish stores crl in the place of the CA's CRL, and reports whether it did. It is a
	// transaction of its own and must not be called inside one: that is an error that is no *Error.
	//
	// It is false, and nothing is stored, when the CA does not exist; when the last number is not
	// crl.Follows, or not below crl.Number: of two replicas that sign the next list one is told
	// false; when the CA's certificate is not crl.Issuer, unless that is nil; and, unless
	// crl.Seen.Mark is empty, when the CA's revocations or the incarnation do not follow crl.Seen,
	// or the CA's epoch is below crl.Epoch; Seen.CA is not looked at. A crl.ThisUpdate that is
	// earlier than the latest is stored, and does not set that back. It locks the CA's row.
	Publish(ctx context.Context, crl CRL) (bool, error)
	// Continue makes the CA's numbers go on above number: lists up to it were published that the
	// database does not know. A number that is not above the last one leaves that as it is. last is
	// the latest of those lists, or nil; it takes the place of an earlier one by Number, and the
	// latest ThisUpdate rises to its. last.Number must not be above number, which alone raises the
	// last number. Whatever list is there then has the epoch -1: the next one has to be signed.
	//
	// A CA that does not exist is nothing when last is nil, and else an error that is no *Error.
	Continue(ctx context.Context, caID, number int64, last *CRL) error
}
