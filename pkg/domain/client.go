package domain

import (
	"context"
	"errors"
	"math"
	"strings"
	"time"
)

// The limits of a client (seed 000).
const (
	MaxClientName     = 30   // characters
	DefaultClientLife = 3650 // days
	MaxClientLife     = 7300 // days
)

// firstCRLYear is the first year that a CRL can encode (RFC 5280, sections 5.1.2.4 to 5.1.2.6): one
// earlier date would keep the CA from signing any list.
const firstCRLYear = 1950

// ClientNameCharset is what a client's name may consist of, as shown to users.
const ClientNameCharset = "A-Z a-z 0-9 - ."

// Client is the record of a site, or of a user, and the state of its certificate in force, which is
// the newest one.
type Client struct {
	ID          int64
	Kind        ClientKind
	CAID        int64
	Name        string
	Description string
	Subject
	Serial       string // lower-case hex
	Fingerprint  string // SHA-256 of the certificate in DER, in lower-case hex
	KeyAlgorithm string
	KeyProtected bool // the kept key is encrypted with a password
	NotBefore    time.Time
	ExpiresAt    time.Time
	RevokedAt    time.Time // zero: not revoked
	Reason       RevocationReason
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// Take makes a certificate the one in force.
func (c *Client) Take(cert Certificate) {
	c.Serial, c.Fingerprint, c.KeyAlgorithm, c.KeyProtected = cert.Serial, cert.Fingerprint, cert.KeyAlgorithm,
		cert.KeyProtected
	c.NotBefore, c.ExpiresAt = cert.NotBefore.UTC(), cert.NotAfter.UTC()
	c.RevokedAt, c.Reason = cert.RevokedAt, cert.Reason
}

// Revoked reports whether the certificate is revoked.
func (c Client) Revoked() bool { return !c.RevokedAt.IsZero() }

// Suspended reports whether the certificate is revoked only until it is resumed.
func (c Client) Suspended() bool { return c.Revoked() && c.Reason == CertificateHold }

// HoldsName reports whether no other client may have the name, at the time now: the certificate is
// in force, or suspended and may come back.
func (c Client) HoldsName(now time.Time) bool {
	return (!c.Revoked() || c.Suspended()) && !c.Expired(now)
}

// Expired reports whether the certificate has ended at the time now.
func (c Client) Expired(now time.Time) bool { return !now.Before(c.ExpiresAt) }

// Life is the life of the certificate in days.
func (c Client) Life() int {
	return int(math.Round(c.ExpiresAt.Sub(c.NotBefore).Hours() / 24))
}

// ClientSpec is what is asked of a new client.
type ClientSpec struct {
	CAID         int64
	Name         string
	Description  string
	Subject      Subject
	Password     Secret // of the private key; empty: none
	Expiration   *int   // days; nil: DefaultClientLife, or until the CA ends
	KeyAlgorithm string // empty: the default
	Request      []byte // PKCS #10 in PEM, with the key; empty: a key is made
	EmailLess    bool   // it may be without an e-mail address, as clients that were imported are
}

// Key returns what is asked of the key.
func (s ClientSpec) Key() KeySpec { return KeySpec{s.KeyAlgorithm, s.Password, s.Request} }

// Validate joins the faults of all fields.
func (s ClientSpec) Validate() error {
	var email error
	if !s.EmailLess {
		email = requireEmail(s.Subject.Email)
	}
	return errors.Join(
		CheckClientName("name", s.Name),
		email,
		s.Subject.Validate(),
		checkDescription(s.Description),
		checkText("password", string(s.Password), MaxPassword, false),
		checkLife(s.Expiration, MaxClientLife),
	)
}

// CheckClientName checks a client's name, which is also the common name that OpenVPN looks up in
// its client-config-dir. `.`, `..` and `DEFAULT` mean something else there and are refused.
func CheckClientName(field, name string) error {
	if name == "" {
		return Fault(Required, field, ReasonRequired)
	}
	for _, r := range name {
		if !(r == '-' || r == '.' || '0' <= r && r <= '9' || r < 128 && isLetter(byte(r))) {
			return Fault(Invalid, field, ReasonCharset, ClientNameCharset)
		}
	}
	if len(name) > MaxClientName {
		return Fault(Invalid, field, ReasonTooLong, MaxClientName)
	}
	if name == "." || name == ".." || strings.EqualFold(name, "DEFAULT") {
		return Fault(Invalid, field, ReasonReserved)
	}
	return nil
}

// MaxImportedName is the maximum length of a common name, in characters (RFC 5280, appendix A.1).
const MaxImportedName = MaxCommonName

// CheckImportedName checks the common name of a certificate that was made elsewhere: it is not
// empty, not too long, and without control characters and invisible ones.
func CheckImportedName(field, name string) error {
	if name == "" {
		return Fault(Required, field, ReasonRequired)
	}
	return checkNameText(field, name, MaxImportedName)
}

func checkLife(days *int, limit int) error {
	switch {
	case days == nil:
		return nil
	case *days < 1:
		return Fault(Invalid, "expiration", ReasonTooSmall, 1)
	case *days > limit:
		return Fault(Invalid, "expiration", ReasonTooLarge, limit)
	}
	return nil
}

// ClientUpdate is a partial change: nil is unchanged. The fields that can't be changed are here so
// that a caller that sends the present value is not refused.
type ClientUpdate struct {
	RecordUpdate
	Name       *string
	CAID       *int64
	Expiration *int
	Password   *Secret
}

// Apply changes c, or says which fields are at fault and leaves c in an undefined state.
func (u ClientUpdate) Apply(c *Client) error {
	return errors.Join(
		fixed("name", u.Name, c.Name),
		fixed("ca_id", u.CAID, c.CAID),
		fixed("expiration", u.Expiration, c.Life()),
		u.checkPassword(),
		u.RecordUpdate.apply(&c.Description, &c.Subject),
	)
}

func (u ClientUpdate) checkPassword() error {
	if u.Password == nil || *u.Password == "" {
		return nil
	}
	return Fault(Rule, "password", ReasonPasswordFixed)
}

// fixed refuses a new value for a field that can't be changed.
func fixed[T comparable](field string, asked *T, present T) error {
	if asked == nil || *asked == present {
		return nil
	}
	return Fault(Invalid, field, ReasonNotEditable)
}

// Status selects clients by the state of their certificate.
type Status string

// The states. Expired and revoked overlap: a certificate can be both.
const (
	StatusAny     Status = ""
	StatusValid   Status = "valid"   // neither expired nor revoked
	StatusExpired Status = "expired" // ended, revoked or not
	StatusRevoked Status = "revoked" // revoked, expired or not
)

// ClientFilter selects clients of one kind; other fields that are zero do not restrict. Name is
// compared regardless of case; a `*` at its end, or at both ends, stands for any text. Serials are
// those of any certificate of the client. ByExpiry lists by ExpiresAt and then by id; the cursor is
// then the id of the newest certificate of the client after which the page begins, so it keeps its
// place when the client is renewed.
type ClientFilter struct {
	Kind          ClientKind
	Name          string
	CAID          int64
	InstanceID    int64 // only those that have a config there
	Status        Status
	Serials       []string  // any of these
	ExpiresBefore time.Time // exclusive
	ExpiresAfter  time.Time // inclusive
	ByExpiry      bool
	At            time.Time // when a certificate is valid or expired; zero: as of the last MarkExpired
}

// Wide reports whether the database has to scan for the page: it may have to read all names, all
// with the same prefix, or all clients for those of an expiry, or in the order of expiry for those
// that another field selects: in that order, all that are revoked lie between those that are valid.
// And it may have to read all sites of an instance for those of another field.
func (f ClientFilter) Wide() bool {
	byEnd := !f.ExpiresBefore.IsZero() || !f.ExpiresAfter.IsZero()
	switch {
	case strings.Contains(f.Name, "*"):
		return true
	case len(f.Serials) > 0 || f.Name != "":
		return false
	case f.ByExpiry:
		return f.CAID != 0 || f.Status == StatusRevoked || f.Status == StatusValid || f.InstanceID != 0
	}
	return byEnd || f.InstanceID != 0 && f.SelectsSites()
}

// SelectsSites reports whether a field besides InstanceID restricts.
func (f ClientFilter) SelectsSites() bool {
	byEnd := !f.ExpiresBefore.IsZero() || !f.ExpiresAfter.IsZero()
	return byEnd || f.Name != "" || f.CAID != 0 || f.Status != StatusAny || len(f.Serials) > 0
}

// Clients keeps the clients of both kinds; none is ever removed. A name is unique regardless of
// case, over all kinds and CAs, among the clients that hold it: see Client.HoldsName.
//
// The groups Clients, CreateAll, Clients_Enrol, Clients_RenewAtOnce, Clients_MarkExpired,
// Clients_MarkExpired_ClockAhead, Clients_Page_Filters, Clients_Page_Model and Deadlines of the
// suite test it.
type Clients interface {
	// Page returns one page of the clients that a filter selects, by ascending id, at a cost that
	// does not grow with its depth. See PageRequest for its bounds. A name that no database can
	// hold selects nothing. It writes nothing: certificates that have expired since the last
	// MarkExpired are found beside those that are marked, at a cost that grows with their number.
	Page(ctx context.Context, filter ClientFilter, page PageRequest) (Page[Client], error)
	// Get returns one client of any kind. Errors: Missing.
	Get(ctx context.Context, id int64) (Client, error)
	// Lock is a Get after which no other transaction can change the client until this one ends; on
	// PostgreSQL another may still give it a certificate. It has to be called inside a transaction:
	// outside, the lock ends with the call. Errors: Missing.
	Lock(ctx context.Context, id int64) (Client, error)
	// Standing is Get with the certificates of the client that are not revoked, or only suspended,
	// by ascending id; all by one statement.
	Standing(ctx context.Context, id int64) (Client, []StandingCertificate, error)
	// NameTaken reports whether a client of any CA holds that name at the time now, regardless of
	// case; false for a name that no database can hold. It reserves nothing: Create and Enrol
	// decide.
	NameTaken(ctx context.Context, name string, now time.Time) (bool, error)
	// Holding returns the clients that hold any of the names, also those that have expired and
	// whose names FreeName would take, by NameKey of the name. It leaves out what no database can
	// hold.
	Holding(ctx context.Context, names []string) (map[string]Client, error)
	// FreeName takes a name from the client that holds it, if its certificate has expired by now,
	// and reports whether it did. Until then Create and Enrol find the name taken.
	FreeName(ctx context.Context, name string, now time.Time) (bool, error)
	// Create stores c, without a certificate, and sets c.ID. A zero RevokedAt means not revoked. A
	// client that does not hold its name at CreatedAt leaves it free. It waits for a Lock of the
	// CA. Errors: Duplicated on name; NotFound on ca_id.
	Create(ctx context.Context, c *Client) error
	// CreateAll is Create for any number of clients with different Serials, all or none. Their ids
	// ascend in the order of their names, not of the list.
	CreateAll(ctx context.Context, list []*Client) error
	// Enrol stores a client, its certificate and the event of it, all or none. It sets the IDs of
	// all three, cert.ClientID, e.ResourceID and e.Link. It adds no revocation: for a client with
	// RevokedAt the caller adds it in the same transaction, before.
	//
	// Errors: ErrRightsMoved when the access point is not that of e; NotFound on ca_id when there
	// is no such CA, or when its certificate is not cert.Issuer, unless that is nil. Nothing is
	// stored then. ErrRightsMoved takes precedence over all others and dooms nothing: the caller
	// reads the rights again and retries. NotFound may doom the transaction. Duplicated on name;
	// Duplicated on cert when the CA has the serial already. After Duplicated on cert c.ID is 0 on
	// PostgreSQL, and on SQLite an id that no row has. *Unavailable on PostgreSQL inside a
	// transaction, when the rights have changed while Enrol waited for a lock: the caller has to
	// roll back.
	//
	// On PostgreSQL it is one statement that locks the chain last. Inside a transaction the rule of
	// Audit.Append applies: Enrol must be the last statement. On PostgreSQL, outside a transaction,
	// an Enrol that has waited for a lock for more than a second is retried, up to ten attempts in
	// all; then the error is context.DeadlineExceeded.
	Enrol(ctx context.Context, c *Client, cert *Certificate, e *Event) error
	// Update stores Description, Subject and UpdatedAt of c; empty values clear. The caller holds
	// Lock. Errors: Missing.
	Update(ctx context.Context, c Client) error
	// Revoke sets RevokedAt and UpdatedAt to at, which must not be zero, and Reason, whether or not
	// the client is revoked already. The name comes free unless the reason is CertificateHold. It
	// does not add to the CA's list: the caller does, through Revocations, in the same transaction.
	// Errors: Missing.
	Revoke(ctx context.Context, id int64, at time.Time, reason RevocationReason) error
	// Renew stores what c.Take has set, the Name, which c then holds, and UpdatedAt. The caller
	// holds Lock. Errors: Missing; Duplicated on name.
	Renew(ctx context.Context, c Client) error
	// RenewAtOnce stores a renewal that is Simple, and the event of it, all or none: the
	// certificate, what the client takes of it, and Until as SupersededAt of those of Standing that
	// have none or a later one. It sets the IDs of the certificate and of e. It stores nothing and
	// returns false, also when the access point is that of e, when the client is not as in Before
	// any more, its certificates are not those of Standing, or the CA's certificate is not the
	// Issuer, unless that is nil: the caller then renews step by step, with Lock.
	//
	// Errors, and what else holds, as of Enrol: ErrRightsMoved, Duplicated on cert, *Unavailable,
	// context.DeadlineExceeded.
	RenewAtOnce(ctx context.Context, r *Renewal, e *Event) (bool, error)
	// MarkExpired brings the filter by Status up to date: it marks clients whose certificates ended
	// by now, the earliest first, and unmarks those that a clock that was ahead has marked and that
	// have not ended, the latest first. It does so for at most limit of each kind, and returns the
	// larger of both numbers: when that is limit there may be more. limit is at least 1 and is the
	// number of parameters of one statement. It is several statements, and not atomic; when there
	// is nothing to mark it only reads. It may be called inside a transaction, but is meant to be
	// called outside.
	MarkExpired(ctx context.Context, now time.Time, limit int) (int, error)
}
