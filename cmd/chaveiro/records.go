package main

import (
	"cmp"
	"net/netip"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// The records as the commands print them, with the fields of the api dialect in its order.

// subjectFields are what a certificate says of its holder.
type subjectFields struct {
	Country      string `json:"country"`
	Province     string `json:"province"`
	City         string `json:"city"`
	Organization string `json:"organization"`
	Sector       string `json:"sector"`
}

func subjectOf(s domain.Subject) subjectFields {
	return subjectFields{
		Country: s.Country, Province: s.Province, City: s.City, Organization: s.Organization, Sector: s.Sector,
	}
}

type caRecord struct {
	ID            int64  `json:"id" table:"ID"`
	ParentID      *int64 `json:"parent_id"`
	PredecessorID *int64 `json:"predecessor_id"`
	SuccessorID   *int64 `json:"successor_id"`
	Name          string `json:"name" table:"NAME"`
	Description   string `json:"description"`
	subjectFields
	Email         string  `json:"email"`
	KeyAlgorithm  string  `json:"key_algorithm" table:"KEY"`
	KeyURI        *string `json:"key_uri"`
	ExpiryDate    stamp   `json:"expiry_date" table:"EXPIRES"`
	ExpiresInDays int     `json:"expires_in_days" table:"DAYS LEFT"`
	ExpiresSoon   bool    `json:"expires_soon"`
	RenewedAt     stamp   `json:"renewed_at"`
	CreatedAt     stamp   `json:"created_at" table:"CREATED"`
	UpdatedAt     stamp   `json:"updated_at"`
}

// caRecordAt makes records that say what ends soon at the time now.
func caRecordAt(now time.Time) func(domain.CA) caRecord {
	return func(c domain.CA) caRecord {
		return caRecord{
			ID: c.ID, ParentID: optional(c.ParentID), PredecessorID: optional(c.PredecessorID),
			SuccessorID: optional(c.SuccessorID), Name: c.Name, Description: c.Description,
			subjectFields: subjectOf(c.Subject), Email: c.Email, KeyAlgorithm: c.KeyAlgorithm,
			KeyURI: optional(c.KeyURI), ExpiryDate: stamp(c.ExpiresAt), ExpiresInDays: c.DaysLeft(now),
			ExpiresSoon: c.Ending(now),
			RenewedAt:   stamp(c.RenewedAt), CreatedAt: stamp(c.CreatedAt), UpdatedAt: stamp(c.UpdatedAt),
		}
	}
}

type clientRecord struct {
	ID          int64  `json:"id" table:"ID"`
	CAID        int64  `json:"ca_id" table:"CA"`
	Name        string `json:"name" table:"NAME"`
	Email       string `json:"email" table:"EMAIL"`
	Description string `json:"description"`
	subjectFields
	Expired          bool    `json:"expired" table:"EXPIRED"`
	Revoked          bool    `json:"revoked" table:"REVOKED"`
	RevokedAt        stamp   `json:"revoked_at"`
	RevocationReason *string `json:"revocation_reason"`
	Serial           string  `json:"serial"`
	Fingerprint      string  `json:"fingerprint"`
	KeyAlgorithm     string  `json:"key_algorithm"`
	KeyProtected     bool    `json:"key_protected"`
	NotBefore        stamp   `json:"not_before"`
	ExpiryDate       stamp   `json:"expiry_date" table:"EXPIRES"`
	CreatedAt        stamp   `json:"created_at"`
	UpdatedAt        stamp   `json:"updated_at"`
	Connected        string  `json:"connected"`
	LastSeen         stamp   `json:"last_seen"`
}

// clientRecordAt makes records that say what has expired at the time now.
func clientRecordAt(now time.Time) func(domain.Client) clientRecord {
	return func(c domain.Client) clientRecord {
		return clientRecord{
			ID: c.ID, CAID: c.CAID, Name: c.Name, Email: c.Email, Description: c.Description,
			subjectFields: subjectOf(c.Subject), Expired: c.Expired(now), Revoked: c.Revoked(),
			RevokedAt: stamp(c.RevokedAt), RevocationReason: revocationReason(c.Revoked(), c.Reason), Serial: c.Serial,
			Fingerprint: c.Fingerprint, KeyAlgorithm: c.KeyAlgorithm, KeyProtected: c.KeyProtected,
			NotBefore: stamp(c.NotBefore), ExpiryDate: stamp(c.ExpiresAt), CreatedAt: stamp(c.CreatedAt),
			UpdatedAt: stamp(c.UpdatedAt), Connected: string(domain.ConnectedUnknown),
		}
	}
}

// revocationReason is null for what is not revoked. A foreign list may have a number that has no
// name.
func revocationReason(revoked bool, reason domain.RevocationReason) *string {
	if !revoked {
		return nil
	}
	name := cmp.Or(reason.String(), domain.Unspecified.String())
	return &name
}

type certificateRecord struct {
	ID               int64   `json:"id" table:"ID"`
	CAID             int64   `json:"ca_id" table:"CA"`
	ClientID         *int64  `json:"client_id" table:"CLIENT"`
	Kind             string  `json:"kind" table:"KIND"`
	Name             string  `json:"name" table:"NAME"`
	Serial           string  `json:"serial" table:"SERIAL"`
	Fingerprint      string  `json:"fingerprint"`
	KeyAlgorithm     string  `json:"key_algorithm"`
	KeyKept          bool    `json:"key_kept" table:"KEY"`
	KeyProtected     bool    `json:"key_protected"`
	Expired          bool    `json:"expired" table:"EXPIRED"`
	Revoked          bool    `json:"revoked" table:"REVOKED"`
	RevokedAt        stamp   `json:"revoked_at"`
	RevocationReason *string `json:"revocation_reason"`
	SupersededAt     stamp   `json:"superseded_at"`
	NotBefore        stamp   `json:"not_before"`
	ExpiryDate       stamp   `json:"expiry_date" table:"EXPIRES"`
	CreatedAt        stamp   `json:"created_at"`
}

// certificateRecordAt makes records that say what has expired at the time now.
func certificateRecordAt(now time.Time) func(domain.Certificate) certificateRecord {
	return func(c domain.Certificate) certificateRecord {
		return certificateRecord{
			ID: c.ID, CAID: c.CAID, ClientID: optional(c.ClientID), Kind: string(c.Kind), Name: c.Name,
			Serial: c.Serial, Fingerprint: c.Fingerprint, KeyAlgorithm: c.KeyAlgorithm, KeyKept: c.KeyKept,
			KeyProtected: c.KeyProtected, Expired: !now.Before(c.NotAfter), Revoked: c.Revoked(),
			RevokedAt:        stamp(c.RevokedAt),
			RevocationReason: revocationReason(c.Revoked(), c.Reason),
			SupersededAt:     stamp(c.SupersededAt), NotBefore: stamp(c.NotBefore), ExpiryDate: stamp(c.NotAfter),
			CreatedAt: stamp(c.CreatedAt),
		}
	}
}

type roleRecord struct {
	ID        int64       `json:"id" table:"ID"`
	Name      string      `json:"name" table:"NAME"`
	Scopes    scopeRights `json:"scopes" table:"SCOPES"`
	CreatedAt stamp       `json:"created_at"`
	UpdatedAt stamp       `json:"updated_at"`
}

func roleRecordOf(r domain.Role) roleRecord {
	scopes := make(scopeRights, len(r.Scopes))
	for i, one := range r.Scopes {
		scopes[i] = scopeRight{string(one.Scope), one.Read, one.Write}
	}
	return roleRecord{
		ID: r.ID, Name: r.Name, Scopes: scopes, CreatedAt: stamp(r.CreatedAt), UpdatedAt: stamp(r.UpdatedAt),
	}
}

type userRecord struct {
	ID        int64    `json:"id" table:"ID"`
	Username  string   `json:"username" table:"USERNAME"`
	Email     string   `json:"email" table:"EMAIL"`
	FullName  string   `json:"fullname" table:"FULL NAME"`
	Superuser bool     `json:"superuser" table:"SUPERUSER"`
	Roles     roleRefs `json:"roles" table:"ROLES"`
	Enabled   bool     `json:"enabled" table:"ENABLED"`
	CreatedAt stamp    `json:"created_at"`
	UpdatedAt stamp    `json:"updated_at"`
}

func userRecordOf(u domain.User) userRecord {
	return userRecord{
		ID: u.ID, Username: u.Username, Email: u.Email, FullName: u.FullName, Superuser: u.Superuser,
		Roles: refsOf(u.Roles), Enabled: u.Enabled, CreatedAt: stamp(u.CreatedAt), UpdatedAt: stamp(u.UpdatedAt),
	}
}

func refsOf(list []domain.Role) roleRefs {
	refs := make(roleRefs, len(list))
	for i, role := range list {
		refs[i] = roleRef{role.ID, role.Name}
	}
	return refs
}

// apikeyRecord has all fields of the api dialect but the token.
type apikeyRecord struct {
	ID            int64    `json:"id" table:"ID"`
	Name          string   `json:"name" table:"NAME"`
	Superuser     bool     `json:"superuser" table:"SUPERUSER"`
	Roles         roleRefs `json:"roles" table:"ROLES"`
	Description   string   `json:"description"`
	Enabled       bool     `json:"enabled" table:"ENABLED"`
	ExpiresAt     stamp    `json:"expires_at" table:"EXPIRES"`
	AllowedIPs    texts    `json:"allowed_ips"`
	RateLimit     *int     `json:"rate_limit"`
	Instances     []int64  `json:"instances"`
	LastUsedAt    stamp    `json:"last_used_at" table:"LAST USED"`
	LastUsedIP    *string  `json:"last_used_ip" table:"FROM"`
	PreviousUntil stamp    `json:"previous_until"`
	CreatedAt     stamp    `json:"created_at"`
	UpdatedAt     stamp    `json:"updated_at"`
}

func apikeyRecordOf(k domain.APIKey) apikeyRecord {
	return apikeyRecord{
		ID: k.ID, Name: k.Name, Superuser: k.Superuser, Roles: refsOf(k.Roles), Description: k.Description,
		Enabled: k.Enabled, ExpiresAt: stamp(k.ExpiresAt), AllowedIPs: prefixTexts(k.AllowedIPs),
		Instances: append([]int64{}, k.Instances...),
		RateLimit: optional(k.RateLimit), LastUsedAt: stamp(k.LastUsedAt), LastUsedIP: optional(k.LastUsedIP),
		PreviousUntil: stamp(k.PreviousUntil), CreatedAt: stamp(k.CreatedAt), UpdatedAt: stamp(k.UpdatedAt),
	}
}

func prefixTexts(list []netip.Prefix) texts {
	all := make(texts, len(list))
	for i, prefix := range list {
		all[i] = prefix.String()
	}
	return all
}

// optional is null for the zero value.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
