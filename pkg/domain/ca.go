package domain

import (
	"context"
	"errors"
	"math"
	"time"
)

// The limits of a CA.
const (
	DefaultCALife = 10950 // days: clients with the longest life fit in for ten years
	MaxCALife     = 10950 // days
)

// CA is a certificate authority.
type CA struct {
	ID          int64
	ParentID    int64 // the CA that has issued its certificate; 0: none that is here
	Name        string
	Description string
	Subject
	KeyAlgorithm  string
	KeyURI        string // of its key in a token or a vault; empty: the key is in the database. It stays the same
	ExpiresAt     time.Time
	CreatedAt     time.Time
	UpdatedAt     time.Time
	RenewedAt     time.Time // when its present certificate was made; zero: at its creation
	PredecessorID int64     // the CA whose place it takes, with a new key; 0: none
	SuccessorID   int64     // the CA that takes its place; 0: none. Only read
}

// Life is the life of the present certificate in days, as counted when it was made.
func (c CA) Life() int {
	made := c.CreatedAt
	if !c.RenewedAt.IsZero() {
		made = c.RenewedAt
	}
	return int(math.Round(c.ExpiresAt.Sub(made).Hours() / 24))
}

// CAKey is what a CA signs with: its certificate in DER, and its private key sealed under the
// master key, unless that is in a token or a vault. Fingerprint is that of the public key. No two
// CAs have the same key, because the list of each would lack the revocations of the other. A CA
// keeps its key: a renewal changes the certificate, and SealedKey with it, which is bound to that.
type CAKey struct {
	CAID        int64
	Certificate []byte
	SealedKey   []byte // empty: the key is at KeyURI
	KeyURI      string // as in CA; only read
	Chain       []byte // the certificates of the CAs above it that are not here, in DER; nil: none
	Fingerprint string // only for Create
	// ParentID, PredecessorID and SuccessorID are as in CA. They are only read.
	ParentID, PredecessorID, SuccessorID int64
}

// CASpec is what is asked of a new CA.
type CASpec struct {
	Name         string
	Description  string
	Subject      Subject
	Expiration   *int   // days; nil: DefaultCALife, or until the parent ends
	KeyAlgorithm string // empty: the default, or that of the key at KeyURI
	KeyStore     string // the store in which its key is made; empty: none, the database has it
	KeyURI       string // of a key that is there already; empty: one is made
	ParentID     int64  // the CA that issues its certificate; 0: itself
	PathLength   *int   // how many CAs may be below it; nil: 1 for a root, 0 for others
}

// Depth is the PathLength, or its default.
func (s CASpec) Depth() int {
	switch {
	case s.PathLength != nil:
		return *s.PathLength
	case s.ParentID == 0:
		return 1
	}
	return 0
}

// Validate joins the faults of all fields.
func (s CASpec) Validate() error {
	return errors.Join(
		CheckCAName("name", s.Name),
		requireEmail(s.Subject.Email),
		s.Subject.Validate(),
		checkDescription(s.Description),
		checkLife(s.Expiration, MaxCALife),
		unless(s.KeyURI == "" || s.KeyStore == "", "key_store", ReasonKeyThere),
	)
}

// CheckCAName checks a CA's name: 1 to 64 characters, none of them a control character or
// invisible.
func CheckCAName(field, name string) error {
	if name == "" {
		return Fault(Required, field, ReasonRequired)
	}
	return checkNameText(field, name, MaxCommonName)
}

// CAImport is a CA that was made elsewhere. Empty Name and Email are taken from the certificate.
type CAImport struct {
	Name        string
	Email       string
	Description string
	Certificate []byte // PEM, with those of the CAs above it, if there are any
	Key         Secret // PEM, or the URI of a key in a token or a vault
	Password    Secret // of the key
	CRL         []byte // PEM; empty: none
}

// Validate joins the faults of the fields that can be checked without opening certificate and key.
func (i CAImport) Validate() error {
	var name error
	if i.Name != "" {
		name = CheckCAName("name", i.Name)
	}
	return errors.Join(name, checkEmail(i.Email), checkDescription(i.Description))
}

// CAUpdate is a partial change: nil is unchanged.
type CAUpdate struct {
	RecordUpdate
	Name         *string
	Expiration   *int
	KeyAlgorithm *string
}

// Apply changes c, or says which fields are at fault and leaves c in an undefined state.
func (u CAUpdate) Apply(c *CA) error {
	return errors.Join(
		fixedName("name", u.Name, c.Name),
		fixed("expiration", u.Expiration, c.Life()),
		fixed("key_algorithm", u.KeyAlgorithm, c.KeyAlgorithm),
		u.RecordUpdate.apply(&c.Description, &c.Subject),
	)
}

// CAs keeps the CAs. A name is unique regardless of case. No two CAs have the same key.
//
// The groups CAs, CAs_Page, CAs_Renew and Deadlines of the suite test it.
type CAs interface {
	// Page returns one page of all CAs, by ascending id. See PageRequest for its bounds.
	Page(ctx context.Context, page PageRequest) (Page[CA], error)
	// Get returns one CA. Errors: Missing.
	Get(ctx context.Context, id int64) (CA, error)
	// Lock is a Get after which no other transaction can change the CA, or issue or revoke a
	// certificate or publish a list of it, until this one ends. SuccessorID may be that of before
	// another transaction that has just ended; Key tells. It has to be called inside a
	// transaction: outside, the lock ends with the call. Errors: Missing.
	Lock(ctx context.Context, id int64) (CA, error)
	// Key returns what the CA signs with, and what is above it; Fingerprint is empty. In one
	// history of the database only Renew changes it. Errors: Missing.
	Key(ctx context.Context, id int64) (CAKey, error)
	// NameTaken reports whether a CA has that name, regardless of case; false for a name that no
	// database can hold. It reserves nothing: Create decides.
	NameTaken(ctx context.Context, name string) (bool, error)
	// KeyTaken reports whether a CA has the public key with that fingerprint; false for an empty
	// one. It reserves nothing: Create decides.
	KeyTaken(ctx context.Context, fingerprint string) (bool, error)
	// Create stores c with its key and sets c.ID; it ignores key.CAID. With an empty
	// key.Fingerprint the key may be that of another CA. The CA's lists go on from last, whose
	// RevocationPoint is ignored; the zero value is a CA without lists. Errors: Duplicated on name;
	// Duplicated on cert for a key that another CA has; Duplicated on id for a predecessor
	// that has a successor.
	Create(ctx context.Context, c *CA, key CAKey, last CRLState) error
	// Update stores Description, Subject and UpdatedAt of c; empty values clear. The caller holds
	// Lock. Errors: Missing.
	Update(ctx context.Context, c CA) error
	// Renew stores ParentID, ExpiresAt, RenewedAt and UpdatedAt of c, and its next certificate:
	// Certificate, SealedKey and Chain of key. The caller holds Lock. Errors: Missing.
	Renew(ctx context.Context, c CA, key CAKey) error
	// AddCertificate stores a certificate of a CA besides its present one, and sets its ID. Errors:
	// NotFound on ca_id when there is no such CA.
	AddCertificate(ctx context.Context, c *CACertificate) error
	// Certificates returns the certificates of a CA besides its present one, by ascending id. A CA
	// that does not exist has none.
	Certificates(ctx context.Context, caID int64) ([]CACertificate, error)
	// Delete removes the CA with its CRLs, revocations and certificates, and with the certificates
	// of its responders. Errors: Missing; Rule on id with ReasonCAInUse when it has clients, other
	// certificates or a successor.
	Delete(ctx context.Context, id int64) error
	// KeyURIs returns the KeyURI of each CA that has one, in ascending order.
	KeyURIs(ctx context.Context) ([]string, error)
	// IDs returns the ids of all CAs, in ascending order.
	IDs(ctx context.Context) ([]int64, error)
}
