package domain

import (
	"context"
	"time"
	"unicode/utf8"
)

// The limits of an enrolment.
const (
	DefaultEnrolmentLife = 7 * 24 * time.Hour
	MaxEnrolmentLife     = 90 * 24 * time.Hour
	LongestEnrolmentLife = "P90D" // MaxEnrolmentLife in ISO 8601
	MinEnrolmentLife     = time.Minute
	MaxEnrolmentTries    = 10 // wrong PINs
	// EnrolmentRepeat is how long a claim can be repeated with its token, because the answer may
	// have been lost.
	EnrolmentRepeat = 15 * time.Minute
	MinPIN          = 4   // characters
	MaxPIN          = 32  // characters
	MaxKeyFile      = 200 // octets
)

// Lack is what the router of a format of profiles can't do, for messages.
type Lack string

// EnrolmentState is whether an enrolment can still be claimed.
type EnrolmentState string

// The states.
const (
	EnrolmentOpen    EnrolmentState = "open"
	EnrolmentClaimed EnrolmentState = "claimed"
	EnrolmentRevoked EnrolmentState = "revoked"
	EnrolmentLocked  EnrolmentState = "locked" // after MaxEnrolmentTries
	EnrolmentExpired EnrolmentState = "expired"
)

// Enrolment is a link by which a site gets its profile at an instance, once.
type Enrolment struct {
	ID         int64
	ClientID   int64
	InstanceID int64
	Format     string // of the profile; empty: the person at the site chooses
	SecretHash []byte // SHA-256
	PINHash    []byte // SHA-256 of the secret and the PIN; nil: there is none
	Tries      int    // wrong PINs
	CreatedAt  time.Time
	ExpiresAt  time.Time
	RevokedAt  time.Time // zero: not revoked

	// Who has claimed it.
	ClaimedAt   time.Time // zero: nobody
	ClaimedFrom string    // the address
	ClaimHash   []byte    // SHA-256 of what only the one who has claimed it knows
}

// State is that of the enrolment at the time now.
func (e Enrolment) State(now time.Time) EnrolmentState {
	switch {
	case !e.RevokedAt.IsZero():
		return EnrolmentRevoked
	case !e.ClaimedAt.IsZero():
		return EnrolmentClaimed
	case e.Tries >= MaxEnrolmentTries:
		return EnrolmentLocked
	case !now.Before(e.ExpiresAt):
		return EnrolmentExpired
	}
	return EnrolmentOpen
}

// EnrolmentFilter selects enrolments. Zero values select all.
type EnrolmentFilter struct {
	ClientID   int64
	InstanceID int64
}

// EnrolmentSpec is what is asked of a new enrolment.
type EnrolmentSpec struct {
	ClientID   int64
	InstanceID int64
	Format     string
	PIN        Secret         // empty: none
	Life       *time.Duration // nil: DefaultEnrolmentLife
}

// Validate joins the faults of all fields but the format, which package kits knows.
func (s EnrolmentSpec) Validate() error {
	var faults FaultList
	if s.PIN != "" && utf8.RuneCountInString(string(s.PIN)) < MinPIN {
		faults.Add(Fault(Invalid, "pin", ReasonTooShort, MinPIN))
	}
	faults.Add(checkText("pin", string(s.PIN), MaxPIN, false))
	if s.Life != nil && (*s.Life < MinEnrolmentLife || *s.Life > MaxEnrolmentLife) {
		faults.Add(Fault(Invalid, "expires_in", ReasonDuration, LongestEnrolmentLife))
	}
	return faults.Err()
}

// CheckKeyFile refuses what can't be the name of a file in a configuration.
func CheckKeyFile(name string) error {
	if len(name) > MaxKeyFile {
		return Fault(Invalid, "key_file", ReasonTooLong, MaxKeyFile)
	}
	return checkText("key_file", name, MaxKeyFile, false)
}

// Enrolments keeps the enrolments. No two have the same secret.
//
// The group Enrolments of the suite tests it.
type Enrolments interface {
	// Page returns one page of the enrolments that a filter selects, by ascending id. See
	// PageRequest for its bounds.
	Page(ctx context.Context, filter EnrolmentFilter, page PageRequest) (Page[Enrolment], error)
	// Get returns one enrolment. Errors: Missing.
	Get(ctx context.Context, id int64) (Enrolment, error)
	// Lock is a Get after which no other transaction can change the enrolment until this one ends.
	// Errors: Missing.
	Lock(ctx context.Context, id int64) (Enrolment, error)
	// OfSecret returns the enrolment whose SecretHash is hash. Errors: Missing.
	OfSecret(ctx context.Context, hash []byte) (Enrolment, error)
	// Create stores e and sets e.ID. Errors: NotFound on client_id or instance_id.
	Create(ctx context.Context, e *Enrolment) error
	// Update stores Tries, RevokedAt and who has claimed it. Errors: Missing.
	Update(ctx context.Context, e Enrolment) error
	// Purge removes the enrolments that expired before a time, claimed or not.
	Purge(ctx context.Context, before time.Time) error
	// RemoveOf removes the enrolments of an instance, which is going to be deleted.
	RemoveOf(ctx context.Context, instanceID int64) error
}
