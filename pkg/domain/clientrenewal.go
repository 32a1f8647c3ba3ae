package domain

import (
	"slices"
	"time"
)

// ClientRenewal is what is asked of the next certificate of a client.
type ClientRenewal struct {
	Name         *string        // only instead of a name that no new certificate may have; nil: as it is
	Overlap      *time.Duration // how long the earlier certificates stay valid; nil: DefaultRenewalOverlap
	Password     Secret         // of the new private key; empty: none
	Expiration   *int           // days; nil: DefaultClientLife, or until the CA ends
	KeyAlgorithm string         // empty: the default
	Request      []byte         // as in a ClientSpec
	InForce      bool           // a client that is revoked, or suspended, is refused
}

// StandingCertificate is a certificate of a client that is not revoked, or only suspended.
type StandingCertificate struct {
	ID        int64
	Serial    string
	Suspended bool
}

// Renewal is the next certificate of a client in force, as [Clients.RenewAtOnce] stores it.
type Renewal struct {
	Before      Client                // as it was read
	Standing    []StandingCertificate // of Before
	After       Client
	Certificate Certificate // RenewAtOnce sets its ID
	Until       time.Time   // when those of Standing are to be revoked as superseded, if not before
	InForce     bool        // as in the ClientRenewal
}

// Simple reports whether the renewal changes nothing but certificates, and revokes none: the client
// is in force at CreatedAt of the certificate, keeps its name, and the certificates before overlap
// with the new one.
func (r Renewal) Simple() bool {
	now := r.Certificate.CreatedAt
	suspended := slices.ContainsFunc(r.Standing, func(c StandingCertificate) bool { return c.Suspended })
	return !suspended && !r.Before.Revoked() && !r.Before.Expired(now) && r.After.Name == r.Before.Name &&
		r.Until.After(now)
}

// Serials returns those of Standing. It is never nil.
func (r Renewal) Serials() []string {
	serials := make([]string, len(r.Standing))
	for i, c := range r.Standing {
		serials[i] = c.Serial
	}
	return serials
}

// The bounds of the overlap of a renewal.
const (
	DefaultRenewalOverlap = 30 * 24 * time.Hour
	MaxRenewalOverlap     = MaxClientLife * 24 * time.Hour
	LongestRenewalOverlap = "P7300D" // MaxRenewalOverlap in ISO 8601
)

// Until returns when the overlap ends that begins at the time now.
func (r ClientRenewal) Until(now time.Time) time.Time {
	if r.Overlap == nil {
		return now.Add(DefaultRenewalOverlap)
	}
	return now.Add(*r.Overlap)
}

// Spec returns what the renewal asks for as the spec of a new client. Errors: *Error.
func (r ClientRenewal) Spec(c Client) (ClientSpec, error) {
	spec := ClientSpec{
		CAID: c.CAID, Name: c.Name, Description: c.Description, Subject: c.Subject, Password: r.Password,
		Expiration: r.Expiration, KeyAlgorithm: r.KeyAlgorithm, Request: r.Request, EmailLess: c.Email == "",
	}
	switch {
	case r.Name == nil || *r.Name == c.Name:
	case CheckClientName("name", c.Name) == nil:
		return spec, Fault(Invalid, "name", ReasonNotEditable)
	default:
		spec.Name = *r.Name
	}
	return spec, r.checkOverlap()
}
