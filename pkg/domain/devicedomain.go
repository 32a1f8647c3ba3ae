package domain

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"
)

// DeviceDomain is a domain that devices can be in. Its name never changes.
type DeviceDomain struct {
	ID        int64
	Name      string
	ShortName string // empty: none
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Validate joins the faults of all fields.
func (d DeviceDomain) Validate() error {
	return errors.Join(checkDomainName("name", d.Name, true), checkDomainName("short_name", d.ShortName, false))
}

func checkDomainName(field, name string, required bool) error {
	if name == "" && required {
		return Fault(Required, field, ReasonRequired)
	}
	if strings.ContainsFunc(name, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		return Fault(Invalid, field, ReasonFormat)
	}
	return checkNameText(field, name, MaxDeviceField)
}

// DeviceDomainUpdate is a partial change: nil is unchanged, "" clears.
type DeviceDomainUpdate struct {
	Name      *string // accepted when it is the present one
	ShortName *string
}

// Apply changes d, or says which fields are at fault and leaves d in an undefined state.
func (u DeviceDomainUpdate) Apply(d *DeviceDomain) error {
	name := fixedName("name", u.Name, d.Name)
	setName(&d.ShortName, u.ShortName)
	return errors.Join(name, d.Validate())
}

// DeviceDomains keeps the domains. A name is unique regardless of case; several domains may have
// one short name.
//
// The groups DeviceDomains and DeviceImports of the suite test it.
type DeviceDomains interface {
	// Page returns one page of all domains, by ascending id. See PageRequest for its bounds.
	Page(ctx context.Context, page PageRequest) (Page[DeviceDomain], error)
	// Get returns one domain. Errors: Missing.
	Get(ctx context.Context, id int64) (DeviceDomain, error)
	// Lock is a Get after which no other transaction can change the domain, or put a device into
	// it, until this one ends. It has to be called inside a transaction: outside, the lock ends
	// with the call. Errors: Missing.
	Lock(ctx context.Context, id int64) (DeviceDomain, error)
	// Find returns for each text the domain that has it as its name, or else all domains that have
	// it as their short name, by ascending id. The keys are NameKey of the text. A text that
	// matches no domain has no key, and the other name of a domain that was found may have one. The
	// map is never nil. Any number of texts may be given: they are looked up in batches of 512.
	//
	// Inside a transaction the domains stay until it ends: on PostgreSQL they are locked against
	// changes and removal, within a batch by ascending id. Outside a transaction nothing is locked.
	Find(ctx context.Context, texts []string) (map[string][]DeviceDomain, error)
	// Create stores d and sets d.ID. An empty ShortName is none. Errors: Duplicated on name.
	Create(ctx context.Context, d *DeviceDomain) error
	// Update stores ShortName and UpdatedAt of d; an empty ShortName clears. Errors: Missing.
	Update(ctx context.Context, d DeviceDomain) error
	// Delete removes a domain. It locks the domain as Lock does, so that no transaction puts a
	// device into it meanwhile. Errors: Missing; Rule on id with ReasonInUse when a device is in
	// it, or while an import is decided and not finished, which may put some into it. Rule does not
	// doom the transaction.
	Delete(ctx context.Context, id int64) error
}
