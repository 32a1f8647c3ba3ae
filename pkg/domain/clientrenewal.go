package domain

import "time"

// ClientRenewal is what is asked of the next certificate of a client.
type ClientRenewal struct {
	Name         *string        // only instead of a name that no new certificate may have; nil: as it is
	Overlap      *time.Duration // how long the earlier certificates stay valid; nil: DefaultRenewalOverlap
	Password     Secret         // of the new private key; empty: none
	Expiration   *int           // days; nil: DefaultClientLife, or until the CA ends
	KeyAlgorithm string         // empty: the default
	Request      []byte         // as in a ClientSpec
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
