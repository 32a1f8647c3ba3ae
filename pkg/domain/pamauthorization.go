package domain

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// PAMResource is a part of the vault that an authorization can be for.
type PAMResource string

// PAMCore is the part with the devices; the others are only names, which the vendor's clients know.
const PAMCore PAMResource = "PAM Core"

// DefaultPAMResources are those of an authorization that names none.
func DefaultPAMResources() []PAMResource { return []PAMResource{PAMCore} }

// pamResources are the vendor's names of resources.
var pamResources = []PAMResource{
	PAMCore, "Certificate Manager", "Task Manager", "Dashboards", "Web Proxy Session", "Users", "A2A", "System",
}

// PAMAuthorization is a pair of keys of an application, and what the keys allow.
type PAMAuthorization struct {
	ID            int64
	Application   Application // of ApplicationID; only read
	ApplicationID int64
	Name          string
	Enabled       bool
	Write         bool // false: read only
	Resources     []PAMResource
	ExpiresAt     time.Time // zero: never
	AllowedIPs    []netip.Prefix
	Referrers     []string // pages, for the Referer header, with all pages below them; empty: any
	// SHA-256 of the client certificate that its requests must come with, in lower case
	// hexadecimal; empty: none
	Fingerprint   string
	Devices       []int64 // ids of the devices that it sees beside those that it has created; empty: all
	Key           string  // the consumer key, or the client id
	Token         string  // of OAuth 1.0
	Secrets       PAMSecrets
	Generation    int64
	PreviousUntil time.Time // until when the secrets before the last rotation are accepted too
	Binding       Binding
	CreatedAt     time.Time
	UpdatedAt     time.Time

	Proof Proof // of the request that authenticates with it; not stored
}

// PAMSecrets are the sealed secrets of an authorization: the present ones and those before the last
// rotation.
type PAMSecrets struct{ Present, Previous []byte }

// Holder is what an authorization has in common with users and apikeys.
func (a PAMAuthorization) Holder() Holder {
	return Holder{
		Kind: PrincipalPAM, ID: a.ID, Name: a.Application.Name + "/" + a.Name,
		Enabled: a.Enabled && a.Application.Enabled, ExpiresAt: a.ExpiresAt,
		Generation: a.Generation, PreviousUntil: a.PreviousUntil, AllowedIPs: a.AllowedIPs,
		Binding: Binding{
			Own: a.Binding.Own, Before: a.Binding.Before, Passing: a.Binding.Passing + a.Application.Passing,
		},
	}
}

// Principal is the authorization as the author of a request.
func (a PAMAuthorization) Principal() Principal {
	p := a.Holder().Principal()
	p.Devices = a.Devices
	p.Proof = a.Proof
	return p
}

// Check returns the fault of an authorization that lacks the right to read devices, or to change
// them if write is set; nil when it has the right.
func (a PAMAuthorization) Check(write bool) error {
	switch {
	case !a.Allows(PAMCore):
		return Fault(Forbidden, "authorization", ReasonResource)
	case write && !a.Write:
		return Fault(Forbidden, "authorization", ReasonReadOnly)
	}
	return nil
}

// Allows reports whether the authorization is for a resource.
func (a PAMAuthorization) Allows(resource PAMResource) bool {
	return slices.Contains(a.Resources, resource)
}

// AdmitsReferrer reports whether requests may come from a page.
func (a PAMAuthorization) AdmitsReferrer(referrer string) bool {
	return len(a.Referrers) == 0 ||
		slices.ContainsFunc(a.Referrers, func(page string) bool { return below(page, referrer) })
}

// below reports whether an address is that of a page, or of something below it: `https://intranet`
// is not above `https://intranet.example.com`.
func below(page, address string) bool {
	rest, found := strings.CutPrefix(address, page)
	return found && (rest == "" || strings.HasSuffix(page, "/") || strings.ContainsRune("/?#", rune(rest[0])))
}

// AdmitsCertificate reports whether requests may come with a client certificate, which is given in
// DER; nil is none.
func (a PAMAuthorization) AdmitsCertificate(der []byte) bool {
	if a.Fingerprint == "" {
		return true
	}
	digest := sha256.Sum256(der)
	return der != nil && subtle.ConstantTimeCompare([]byte(hex.EncodeToString(digest[:])), []byte(a.Fingerprint)) == 1
}

// CanonicalFingerprint returns the stored form of a fingerprint: tools write it with colons, or in
// upper case.
func CanonicalFingerprint(text string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(text), ":", ""))
}

// The bounds of the lists.
const (
	maxReferrers     = 64
	maxListedDevices = 1000
)

// Validate joins the faults of all fields.
func (a PAMAuthorization) Validate() error {
	var faults FaultList
	faults.Add(errors.Join(checkName("name", a.Name), checkExpiry(a.ExpiresAt), checkAllowedIPs(a.AllowedIPs)))
	for i, r := range a.Resources {
		field := fmt.Sprintf("resources[%d]", i)
		switch {
		case !slices.Contains(pamResources, r):
			faults.Add(Fault(Invalid, field, ReasonChoice, joinResources()))
		case slices.Contains(a.Resources[:i], r):
			faults.Add(Fault(Duplicated, field, ReasonTwice))
		}
	}
	if len(a.Referrers) > maxReferrers {
		faults.Add(Fault(Invalid, "referrers", ReasonTooMany, maxReferrers))
	}
	if digest, err := hex.DecodeString(a.Fingerprint); a.Fingerprint != "" &&
		(err != nil || len(digest) != sha256.Size) {
		faults.Add(Fault(Invalid, "certificate_fingerprint", ReasonFormat))
	}
	if len(a.Devices) > maxListedDevices {
		faults.Add(Fault(Invalid, "devices", ReasonTooMany, maxListedDevices))
	}
	for i, r := range a.Referrers {
		faults.Add(checkName(fmt.Sprintf("referrers[%d]", i), r))
	}
	return faults.Err()
}

func joinResources() string {
	texts := make([]string, len(pamResources))
	for i, r := range pamResources {
		texts[i] = string(r)
	}
	return strings.Join(texts, ", ")
}

// PAMAuthorizationUpdate is a partial change: nil is unchanged. The zero time and empty lists
// clear.
type PAMAuthorizationUpdate struct {
	Name           *string
	Enabled, Write *bool
	Resources      []PAMResource
	ExpiresAt      *time.Time
	AllowedIPs     []netip.Prefix
	Referrers      []string
	Fingerprint    *string
	Devices        []int64
}

// Apply changes a, or says which fields are at fault and leaves a in an undefined state.
func (u PAMAuthorizationUpdate) Apply(a *PAMAuthorization) error {
	setName(&a.Name, u.Name)
	set(&a.Enabled, u.Enabled)
	set(&a.Write, u.Write)
	set(&a.ExpiresAt, u.ExpiresAt)
	if u.Resources != nil {
		a.Resources = u.Resources
	}
	if u.AllowedIPs != nil {
		a.AllowedIPs = u.AllowedIPs
	}
	if u.Referrers != nil {
		a.Referrers = u.Referrers
	}
	set(&a.Fingerprint, u.Fingerprint)
	if u.Devices != nil {
		a.Devices = u.Devices
	}
	return a.Validate()
}

// PAMAuthorizations keeps the authorizations, each with its application. A name is unique within
// its application regardless of case; a key is unique as it is written. Create, Update and Delete
// must come after AccessControl.Advance in the same transaction: without it, other replicas go on
// using their cached state.
//
// The group PAMAuthorizations of the suite tests it.
type PAMAuthorizations interface {
	// Page returns one page of the authorizations of an application, or of all when it is 0, by
	// ascending id. See PageRequest for its bounds. An application that does not exist has none.
	Page(ctx context.Context, applicationID int64, page PageRequest) (Page[PAMAuthorization], error)
	// Get returns one authorization. Errors: Missing.
	Get(ctx context.Context, id int64) (PAMAuthorization, error)
	// Keyed returns the authorization of a consumer key or client id, which is compared as it is
	// written. Errors: Missing, also for a key that no database can hold.
	Keyed(ctx context.Context, key string) (PAMAuthorization, error)
	// Create stores a for a.ApplicationID and sets a.ID; it ignores a.Application and a.Proof.
	// Errors: Duplicated on name, or on key; NotFound on application_id.
	Create(ctx context.Context, a *PAMAuthorization) error
	// Update stores everything of a but ApplicationID and CreatedAt. Zero times and empty lists
	// clear. Errors: Missing; Duplicated on name, or on key.
	Update(ctx context.Context, a PAMAuthorization) error
	// Delete removes an authorization. Devices that it has created keep its id as their CreatorID.
	// Errors: Missing.
	Delete(ctx context.Context, id int64) error
}
