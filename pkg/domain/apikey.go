package domain

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// The limits of an apikey.
const (
	MaxAllowedIPs = 64
	MaxRateLimit  = 1_000_000 // requests a minute
	MaxInstances  = 64        // that an apikey is bound to
	MaxOverlap    = 30 * 24 * time.Hour
	// DefaultOverlap is how long the previous token still works after a rotation unless the caller
	// says otherwise.
	DefaultOverlap = time.Hour
)

// APIKey is an integration key. Its token is derived from the row and a signing secret and is not
// stored.
type APIKey struct {
	ID            int64
	Name          string
	Description   string
	Superuser     bool
	Roles         []Role
	Enabled       bool
	ExpiresAt     time.Time      // zero: never
	AllowedIPs    []netip.Prefix // empty: from anywhere
	RateLimit     int            // requests a minute and server process; 0: no limit
	Instances     []int64        // the instances whose agent has it; empty: it is no such key
	Generation    int64          // counts the tokens that the key has had
	PreviousUntil time.Time      // until when the token of the generation before works; zero: it does not
	Binding       Binding
	LastUsedAt    time.Time // zero: never; written with a delay of seconds
	LastUsedIP    string
	CreatedAt     time.Time
	UpdatedAt     time.Time
}

// Rights is what the key may do by its roles. One that is bound to instances may do nothing but
// what their agent needs.
func (k APIKey) Rights() Rights {
	rights := RightsOfRoles(k.Roles)
	if len(k.Instances) > 0 {
		rights = rights.only(ScopeAgent)
	}
	return rights
}

// Holder is what the key has in common with users.
func (k APIKey) Holder() Holder {
	return Holder{
		Kind: PrincipalAPIKey, ID: k.ID, Name: k.Name, Superuser: k.Superuser, Rights: k.Rights(), Enabled: k.Enabled,
		ExpiresAt:  k.ExpiresAt,
		Generation: k.Generation, PreviousUntil: k.PreviousUntil, AllowedIPs: k.AllowedIPs, RateLimit: k.RateLimit,
		Binding: k.Binding, Instances: k.Instances,
	}
}

// Validate joins the faults of all fields but the roles.
func (k APIKey) Validate() error {
	return errors.Join(
		checkName("name", k.Name), checkDescription(k.Description), checkExpiry(k.ExpiresAt),
		checkRateLimit(k.RateLimit), checkAllowedIPs(k.AllowedIPs), k.checkInstances(),
	)
}

// checkInstances checks the binding. A superuser would have its rights elsewhere, too.
func (k APIKey) checkInstances() error {
	switch {
	case len(k.Instances) > MaxInstances:
		return Fault(Invalid, "instances", ReasonTooMany, MaxInstances)
	case len(k.Instances) > 0 && k.Superuser:
		return Fault(Rule, "instances", ReasonBoundSuperuser)
	}
	var faults FaultList
	for i, id := range k.Instances {
		switch field := fmt.Sprintf("instances[%d]", i); {
		case id < 1:
			faults.Add(Fault(Invalid, field, ReasonTooSmall, 1))
		case slices.Contains(k.Instances[:i], id):
			faults.Add(Fault(Duplicated, field, ReasonTwice))
		}
	}
	return faults.Err()
}

func checkExpiry(at time.Time) error {
	if year := at.UTC().Year(); !at.IsZero() && (year < 1970 || year > 9999) {
		return Fault(Invalid, "expires_at", ReasonDate)
	}
	return nil
}

func checkRateLimit(limit int) error {
	switch {
	case limit < 0:
		return Fault(Invalid, "rate_limit", ReasonTooSmall, 0)
	case limit > MaxRateLimit:
		return Fault(Invalid, "rate_limit", ReasonTooLarge, MaxRateLimit)
	}
	return nil
}

func checkAllowedIPs(list []netip.Prefix) error {
	if len(list) > MaxAllowedIPs {
		return Fault(Invalid, "allowed_ips", ReasonTooMany, MaxAllowedIPs)
	}
	var faults FaultList
	for i, prefix := range list {
		if slices.Contains(list[:i], prefix) {
			faults.Add(Fault(Duplicated, fmt.Sprintf("allowed_ips[%d]", i), ReasonTwice))
		}
	}
	return faults.Err()
}

// ParseAllowedIPs reads addresses and networks (CIDR) and drops the host bits. nil stays nil.
func ParseAllowedIPs(list []string) ([]netip.Prefix, error) {
	if list == nil {
		return nil, nil
	}
	prefixes := make([]netip.Prefix, len(list))
	var faults FaultList
	for i, text := range list {
		prefix, err := netip.ParsePrefix(text)
		if addr, addrErr := netip.ParseAddr(text); addrErr == nil && addr.Zone() == "" {
			prefix, err = netip.PrefixFrom(addr.Unmap(), addr.Unmap().BitLen()), nil
		}
		if err != nil || prefix.Addr().Is4In6() {
			faults.Add(Fault(Invalid, fmt.Sprintf("allowed_ips[%d]", i), ReasonNetwork))
			continue
		}
		prefixes[i] = prefix.Masked()
	}
	return prefixes, faults.Err()
}

// APIKeyUpdate is a partial change: nil is unchanged. The zero time, an empty list and 0 clear.
type APIKeyUpdate struct {
	Name        *string
	Description *string
	Superuser   *bool
	Roles       []int64 // replaces the whole list
	Enabled     *bool
	ExpiresAt   *time.Time
	AllowedIPs  []netip.Prefix
	RateLimit   *int
	Instances   []int64 // replaces the whole list
}

// Apply changes k, except its roles, or says which fields are at fault and leaves k in an undefined
// state.
func (u APIKeyUpdate) Apply(k *APIKey) error {
	setName(&k.Name, u.Name)
	set(&k.Description, u.Description)
	set(&k.Superuser, u.Superuser)
	set(&k.Enabled, u.Enabled)
	set(&k.ExpiresAt, u.ExpiresAt)
	set(&k.RateLimit, u.RateLimit)
	if u.AllowedIPs != nil {
		k.AllowedIPs = u.AllowedIPs
	}
	if u.Instances != nil {
		k.Instances = u.Instances
	}
	return errors.Join(k.Validate(), CheckRoleIDs(u.Roles))
}

// CheckOverlap checks how long the previous token may still work after a rotation.
func CheckOverlap(overlap time.Duration) error {
	switch {
	case overlap < 0:
		return Fault(Invalid, "overlap", ReasonTooSmall, 0)
	case overlap > MaxOverlap:
		return Fault(Invalid, "overlap", ReasonTooLarge, int(MaxOverlap.Seconds()))
	}
	return nil
}

// APIKeyUse says when and from where an apikey was last used.
type APIKeyUse struct {
	ID      int64
	At      time.Time
	Address string
}

// APIKeys keeps the integration keys, with their roles by ascending id. A name is unique regardless
// of case. Create, Update and Delete must come after AccessControl.Advance in the same transaction:
// without it, other replicas go on using their cached state.
//
// The groups APIKeys and Deadlines of the suite test it.
type APIKeys interface {
	// Page returns one page of all keys, by ascending id. See PageRequest for its bounds. The roles
	// are read by a second statement: outside a transaction they may be newer than the keys.
	Page(ctx context.Context, page PageRequest) (Page[APIKey], error)
	// Get returns one key. The roles are read by a second statement, as in Page. Errors: Missing.
	Get(ctx context.Context, id int64) (APIKey, error)
	// Create stores k with its roles and its last use, and sets k.ID. Only the ids of the roles are
	// used, each at most once; a role that is given twice is an error that is no *Error. Errors:
	// Duplicated on name; NotFound on roles.
	Create(ctx context.Context, k *APIKey) error
	// Update stores everything of k but its last use and CreatedAt, and replaces its roles. Zero
	// values are stored as they are: an empty list of roles removes all. Errors: Missing;
	// Duplicated on name; NotFound on roles.
	Update(ctx context.Context, k APIKey) error
	// Delete removes a key and its assignments of roles; the roles themselves stay. Errors:
	// Missing.
	Delete(ctx context.Context, id int64) error
	// Used stores when keys were last used, all uses in one transaction. A use that is not newer
	// than the stored one is skipped, unless the stored one is later by more than a minute: then a
	// clock that was ahead has stored it. Keys that do not exist are skipped. It locks the keys by
	// ascending id, so that two calls can't deadlock; the keys stay locked until all are written.
	// It needs no Advance. An empty list is a no-op.
	Used(ctx context.Context, uses []APIKeyUse) error
}
