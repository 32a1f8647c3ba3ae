package domain

import (
	"context"
	"math/big"
	"time"
)

// CertificateKind says what a certificate is for.
type CertificateKind string

// The kinds of certificates.
const (
	CertificateOfClient  CertificateKind = "client"
	CertificateOfServer  CertificateKind = "server"
	CertificateOfCA      CertificateKind = "ca"      // of a CA below another one
	CertificateOfForeign CertificateKind = "foreign" // made elsewhere, and only known here
)

// Certificate is one that a CA issued, here or elsewhere. Serial is lower-case hex. Fingerprint is
// the SHA-256 of DER in lower-case hex.
type Certificate struct {
	ID           int64
	CAID         int64
	ClientID     int64 // 0: of no client
	Kind         CertificateKind
	Name         string // the common name
	Serial       string
	Fingerprint  string
	KeyAlgorithm string // empty: unknown
	NotBefore    time.Time
	NotAfter     time.Time
	DER          []byte
	SealedKey    []byte    // the private key (PKCS#8 PEM) under the master key; nil: it is not kept here
	KeyKept      bool      // SealedKey is not nil; also set where SealedKey is not read
	KeyProtected bool      // the PEM inside is itself encrypted with the client's password
	SupersededAt time.Time // when it is to be revoked, because another has taken its place; zero: never
	RevokedAt    time.Time // zero: not revoked
	Reason       RevocationReason
	CreatedAt    time.Time
	Issuer       []byte // the CA's certificate, in DER; only for Enrol
}

// Revoked reports whether the certificate is revoked.
func (c Certificate) Revoked() bool { return !c.RevokedAt.IsZero() }

// Suspended reports whether the certificate is revoked only until it is resumed.
func (c Certificate) Suspended() bool { return c.Revoked() && c.Reason == CertificateHold }

// CertificateFilter selects certificates; zero fields do not restrict. Name is compared regardless
// of case. ByExpiry lists by NotAfter and then by id; the cursor is still an id.
type CertificateFilter struct {
	CAID          int64
	ClientID      int64
	Kind          CertificateKind
	Status        Status
	Name          string
	Serials       []string // any of these
	Fingerprint   string
	ExpiresBefore time.Time // exclusive
	ExpiresAfter  time.Time // inclusive
	ByExpiry      bool
	At            time.Time // when a certificate is valid or expired
}

// Wide reports whether the database may have to scan for the page: no field selects few
// certificates by an index, or those of the order by expiry are also selected by another field. In
// that order, all that are revoked lie between those that are valid.
func (f CertificateFilter) Wide() bool {
	if f.ClientID != 0 || len(f.Serials) > 0 || f.Fingerprint != "" || f.Name != "" {
		return false
	}
	if f.ByExpiry {
		return f.CAID != 0 || f.Kind != "" || f.Status == StatusRevoked || f.Status == StatusValid
	}
	return f.Kind != "" || f.Status != StatusAny || !f.ExpiresBefore.IsZero() || !f.ExpiresAfter.IsZero()
}

// Certificates keeps the certificates; none is ever removed, but those of the responders of a CA
// that is deleted. A serial is unique within its CA.
//
// The groups Certificates, Certificates_Page, CreateAll and Clients_Enrol of the suite test it.
type Certificates interface {
	// Page returns one page of the certificates that a filter selects, without DER and SealedKey,
	// by ascending id unless the filter says otherwise. See PageRequest for its bounds. A text that
	// no database can hold selects nothing.
	Page(ctx context.Context, filter CertificateFilter, page PageRequest) (Page[Certificate], error)
	// Get returns one certificate. Issuer is nil. Errors: Missing.
	Get(ctx context.Context, id int64) (Certificate, error)
	// Create stores c and sets c.ID; it ignores Issuer. It does not check that the client belongs
	// to the CA. On PostgreSQL it waits for a Lock of the CA. Errors: Duplicated on cert when the
	// CA has the serial already; NotFound on ca_id when there is no such CA, or no such client.
	Create(ctx context.Context, c *Certificate) error
	// CreateAll is Create for many certificates, all or none, in the order of the list, so that ids
	// ascend. They are of one CA and have different serials. An empty list is a no-op.
	CreateAll(ctx context.Context, list []*Certificate) error
	// OfClient returns the client's certificate, or of several the one with the highest id. Issuer
	// is nil. Errors: Missing, when the client has none or does not exist.
	OfClient(ctx context.Context, clientID int64) (Certificate, error)
	// OfSerial returns the certificate of a serial, which is compared as it is written. Errors:
	// Missing.
	OfSerial(ctx context.Context, caID int64, serial string) (Certificate, error)
	// Standing returns all certificates of a client that are not revoked, or only suspended, by
	// ascending id, without DER and SealedKey.
	Standing(ctx context.Context, clientID int64) ([]Certificate, error)
	// Revoke sets RevokedAt and Reason of a certificate; a zero time resumes it. It does not add to
	// the CA's list: the caller does, through Revocations, in the same transaction. Errors:
	// Missing.
	Revoke(ctx context.Context, id int64, at time.Time, reason RevocationReason) error
	// Supersede sets SupersededAt. Errors: Missing.
	Supersede(ctx context.Context, id int64, at time.Time) error
	// Superseded returns certificates that are not revoked, or only suspended, and whose
	// SupersededAt has come, the earliest first, at most limit, without DER and SealedKey.
	Superseded(ctx context.Context, now time.Time, limit int) ([]Certificate, error)
	// Undescribed returns certificates without a Fingerprint, at most limit. A version before
	// schema 16 has stored them.
	Undescribed(ctx context.Context, limit int) ([]Certificate, error)
	// Describe sets Fingerprint and KeyAlgorithm of certificates, all or none, and of their clients
	// where they are the newest ones of those. It is idempotent.
	Describe(ctx context.Context, list []Certificate) error
	// ClientsOf returns the clients that have the certificates of these serials of a CA, by serial;
	// 0 for a certificate of no client. Serials are compared as they are written; unknown ones are
	// left out. The map is never nil. Any number of serials may be given: they are looked up in
	// batches of 512, so outside a transaction the answer is not one snapshot.
	ClientsOf(ctx context.Context, caID int64, serials []string) (map[string]int64, error)
}

// Revocation says since when a certificate is revoked. NotAfter is zero when only the serial is
// known (it came with a foreign CRL). Epoch counts the revocations of the CA in the order in which
// they were committed.
type Revocation struct {
	CAID         int64
	Serial       string
	RevokedAt    time.Time
	Reason       RevocationReason
	InvalidSince time.Time // since when the key is not to be trusted (RFC 5280, section 5.3.2); zero: unknown
	NotAfter     time.Time
	Epoch        int64
	Changed      bool // an earlier list may have an entry of the serial that differs
}

// Lifted reports whether the certificate is valid again. An entry of a foreign list with that
// reason, which is a mistake there, is none.
func (r Revocation) Lifted() bool { return r.Changed && r.Reason == RemoveFromCRL }

// Revocations keeps the revocations of each CA. None is removed except together with its CA. One
// changes only when a certificate that was suspended is resumed or revoked for good. A revocation
// is stored by Advance and then Add or Change, in one transaction.
//
// The group Revocations of the suite tests it.
type Revocations interface {
	// Advance increments the CA's epoch by one, gives it a new mark and returns the epoch. It locks
	// the CA's row: until the transaction ends every other Advance, Lock, Publish or change of this
	// CA waits, so epochs are committed in their order. It must be called in the transaction that
	// adds at least one revocation of this epoch: no list ever reaches an epoch without a
	// revocation. Errors: Missing.
	Advance(ctx context.Context, caID int64) (int64, error)
	// Point returns the state of the CA's revocations and the history that it belongs to, all by
	// one statement. CA is empty when the fingerprint of the CA's key is not stored. Errors:
	// Missing.
	Point(ctx context.Context, caID int64) (RevocationPoint, error)
	// Epoch returns the CA's epoch, 0 before the first Advance. Errors: Missing.
	Epoch(ctx context.Context, caID int64) (int64, error)
	// Add stores the revocations under their epochs, all or none; an empty list is a no-op. It
	// checks neither the epochs nor whether such certificates exist. A serial that its CA has
	// revoked already, a serial that is given twice and a CA that does not exist are errors that
	// are no *Error, and doom the transaction: a caller that can't exclude them calls Find before.
	Add(ctx context.Context, revocations []Revocation) error
	// Change replaces the revocation of a serial by r, under the epoch of r, and sets Changed.
	// Errors: Missing.
	Change(ctx context.Context, r Revocation) error
	// Find returns the revocation of a serial, which is compared as it is written, or false; also
	// one that is lifted. A CA that does not exist has none.
	Find(ctx context.Context, caID int64, serial string) (Revocation, bool, error)
	// Status returns what is known of a serial, which is compared as it is written, and the Point
	// that it belongs to, all by one statement. Errors: Missing, when there is no such CA.
	Status(ctx context.Context, caID int64, serial string) (SerialStatus, error)
	// After returns all revocations of the CA with a later epoch, by epoch and then by serial, also
	// those that are lifted; their number is not bounded. A CA that does not exist has none.
	After(ctx context.Context, caID, epoch int64) ([]Revocation, error)
}

// CRL is a signed revocation list. It lists every revocation up to Epoch, and maybe later ones. The
// list itself carries the sum of Number and the Base of its CA's CRLState.
type CRL struct {
	CAID       int64
	Number     int64
	Follows    int64 // only for Publish: the last number that the replica which made the list has read
	Epoch      int64
	ThisUpdate time.Time
	NextUpdate time.Time
	SignedAt   time.Time
	DER        []byte
	// Issuer is the CA's certificate, in DER, and Seen the state of the CA that was read before the
	// list was made. Both are only for Publish, which stores no list of another history; zero
	// values are not compared.
	Issuer []byte
	Seen   RevocationPoint
	// Told goes into the outbox of events when the list is published, unless it is zero. It is only
	// for Publish, too.
	Told StreamEvent
}

// CRLState is the state from which the next list of a CA goes on.
type CRLState struct {
	RevocationPoint
	// Number is that of the last list, 0 for none.
	Number int64
	// Base is added to the numbers; nil: nothing. It is the number of a list made elsewhere, if
	// that is too large for Number.
	Base *big.Int
	// ThisUpdate is the latest of all lists, own or made elsewhere; zero for none.
	ThisUpdate time.Time
	// RenewedAt is when the CA got its present certificate; zero: it has its first.
	RenewedAt time.Time
	// Now is the time by the clock of the database when the state was read; zero: it has none of
	// its own.
	Now time.Time
}

// CRLs keeps the CRLs: for each CA the current one, and the number of the last one for as long as
// the CA exists. Numbers and the latest ThisUpdate never decrease.
//
// The groups CRLs, CRLs_FirstExpiry and Revocations of the suite test it.
type CRLs interface {
	// LastNumber returns the number of the CA's last CRL: that of the last Publish, or the number
	// to which CAs.Create, Continue or Histories.Renew has raised it. It is 0 when there was none.
	// Errors: Missing.
	LastNumber(ctx context.Context, caID int64) (int64, error)
	// State returns the CRLState of a CA, read by one statement. Errors: Missing.
	State(ctx context.Context, caID int64) (CRLState, error)
	// States is State for several CAs; those that do not exist are left out.
	States(ctx context.Context, ids []int64) (map[int64]CRLState, error)
	// Latest returns the CA's current CRL, or false when it has none or does not exist. Follows,
	// Issuer and Seen are not stored.
	Latest(ctx context.Context, caID int64) (CRL, bool, error)
	// FirstExpiry returns the earliest NextUpdate of all current CRLs, or false when there is none.
	FirstExpiry(ctx context.Context) (time.Time, bool, error)
	// Publish replaces the CA's CRL by crl, and reports whether it did. It is a transaction of its
	// own and must not be called inside one: that is an error that is no *Error.
	//
	// It is false, and nothing is stored, when the CA does not exist; when the last number is not
	// crl.Follows, or not below crl.Number: of two replicas that sign the next list at the same
	// time one gets false; when the CA's certificate is not crl.Issuer, unless that is nil; and,
	// unless crl.Seen.Mark is empty, when the CA's revocations or the incarnation do not follow
	// crl.Seen, or the CA's epoch is below crl.Epoch; Seen.CA is ignored. A list with a
	// crl.ThisUpdate earlier than the latest is stored, and does not set the latest back. It locks
	// the CA's row.
	Publish(ctx context.Context, crl CRL) (bool, error)
	// Continue makes the CA's numbers go on above number: lists up to it were published that the
	// database does not know. A number that is not above the last number leaves that as it is. last
	// is the latest of those lists, or nil; it replaces a list with a lower Number, and raises the
	// latest ThisUpdate to its own. last.Number must not be above number, which alone raises the
	// last number. The list that the CA has afterwards gets the epoch -1, so that the next one has
	// to be signed.
	//
	// If the CA does not exist, Continue is a no-op when last is nil, and otherwise an error that
	// is no *Error.
	Continue(ctx context.Context, caID, number int64, last *CRL) error
}
