package domain

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
)

// The limits of a device, in characters. The seed is silent about all but the tags.
const (
	MaxDeviceField = 255 // hostname, ip, model, type, vendor, site
	MaxDeviceTags  = 250 // with the commas, without spaces
	MaxRemote      = 2000
)

// Device is a device of the vault (seed 003). Its hostname is its identity and never changes.
type Device struct {
	ID             int64
	Hostname       string
	IP             string // an address, a DNS name or a management URL
	Model          string
	Type           string
	Vendor         string
	Site           string
	Domains        []string // names of registered domains
	Connectivities []Connectivity
	Remote         []RemoteExpression
	Tags           []string
	Enabled        bool
	CreatorID      int64 // the authorization that made it; 0: somebody else
	Revision       int64 // counts the changes; who saves says of which one he knows
	ImportID       int64 // of the import that stores it, which nobody sees until that is finished; 0: none. It is not read
	Earlier        bool  // an import that goes on has changed it, and this is what it was like before; see Devices.Stored
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// Same reports whether two devices differ in nothing that an upsert can change.
func (d Device) Same(other Device) bool {
	return d.Hostname == other.Hostname && d.IP == other.IP && d.Model == other.Model && d.Type == other.Type && d.Vendor == other.Vendor &&
		d.Site == other.Site && d.Enabled == other.Enabled && slices.Equal(d.Domains, other.Domains) &&
		slices.Equal(d.Connectivities, other.Connectivities) && slices.Equal(d.Remote, other.Remote) && slices.Equal(d.Tags, other.Tags)
}

// DeviceSpec is an upsert as it was asked for. The lists are texts of the wire; nil leaves what there is, "" clears.
type DeviceSpec struct {
	Hostname, IP, Model, Type, Vendor, Site string
	Domains, Connectivities, Remote, Tags   *string
	Enabled                                 *string // yes or no; nil and "" leave it
}

// DevicePlan is a DeviceSpec that was read: nil lists are those that stay.
type DevicePlan struct {
	Hostname, IP, Model, Type, Vendor, Site string
	Domains                                 []string // as they were sent: names or short names
	Connectivities                          []Connectivity
	Remote                                  []RemoteExpression
	Tags                                    []string
	Enabled                                 *bool // nil: as it is; a new device is in use
}

// Plan reads a DeviceSpec, or joins the faults of all fields, those of missing ones first and in the order of the vendor's checks.
func (s DeviceSpec) Plan() (DevicePlan, error) {
	p := DevicePlan{
		Hostname: CleanName(s.Hostname), IP: CleanName(s.IP), Model: CleanName(s.Model), Type: CleanName(s.Type),
		Vendor: CleanName(s.Vendor), Site: CleanName(s.Site),
	}
	required := []struct{ field, value string }{
		{"hostname", p.Hostname}, {"ip", p.IP}, {"site", p.Site}, {"model", p.Model}, {"vendor", p.Vendor}, {"type", p.Type},
	}
	var missing, faults []error
	for _, r := range required {
		if r.value == "" {
			missing = append(missing, Fault(Required, r.field, ReasonRequired))
		}
		faults = append(faults, checkNameText(r.field, r.value, MaxDeviceField))
	}
	var listFaults [5]error
	if s.Domains != nil {
		p.Domains, listFaults[0] = ParseDomains(*s.Domains)
	}
	if s.Tags != nil {
		p.Tags, listFaults[1] = ParseTags(*s.Tags)
	}
	if s.Connectivities != nil {
		p.Connectivities, listFaults[2] = ParseConnectivities(*s.Connectivities)
	}
	if s.Remote != nil {
		p.Remote, listFaults[3] = ParseRemote(*s.Remote)
	}
	if s.Enabled != nil {
		p.Enabled, listFaults[4] = parseYesNo("enabled", *s.Enabled)
	}
	return p, errors.Join(errors.Join(missing...), errors.Join(faults...), errors.Join(listFaults[:]...))
}

// Apply writes the plan into a device, save for the domains, which the store knows. Names are spelled as the plan has them; tags in another order are no
// change.
func (p DevicePlan) Apply(d *Device) {
	d.Hostname, d.IP, d.Model, d.Type, d.Vendor, d.Site = p.Hostname, p.IP, p.Model, p.Type, p.Vendor, p.Site
	if p.Connectivities != nil {
		d.Connectivities = p.Connectivities
	}
	if p.Remote != nil {
		d.Remote = p.Remote
	}
	if p.Tags != nil && !sameNames(p.Tags, d.Tags) {
		d.Tags = p.Tags
	}
	set(&d.Enabled, p.Enabled)
}

// DeviceFilter selects devices; zero values select all. Names are compared regardless of case.
type DeviceFilter struct {
	Hostname, IP, Model, Type, Vendor, Site, Tag, Domain string
	Enabled                                              *bool
	CreatorID                                            int64
	Text                                                 string // words that all are in the hostname, the ip or the tags
}

// Wide reports whether a page has to be searched for: each field has an index, and two together have none.
func (f DeviceFilter) Wide() bool {
	if f.Hostname != "" {
		return false // one device has it
	}
	n := len(Words(f.Text))
	for _, text := range []string{f.IP, f.Model, f.Type, f.Vendor, f.Site, f.Tag, f.Domain} {
		if text != "" {
			n++
		}
	}
	if f.CreatorID != 0 {
		n++
	}
	return n > 1 || f.Enabled != nil && (n > 0 || *f.Enabled)
}

// DeviceChange is a device before and after a change.
type DeviceChange struct{ Before, After Device }

// Created reports whether there was no device before.
func (c DeviceChange) Created() bool { return c.Before.ID == 0 }

// Changed reports whether the device is new, or differs from what it was.
func (c DeviceChange) Changed() bool { return c.Created() || !c.After.Same(c.Before) }

// Terms are what a device is found by beside its columns: w:word, t:tag and d:domain.
func (d Device) Terms() []string {
	var terms []string
	add := func(prefix string, list []string) {
		for _, one := range list {
			terms = append(terms, prefix+NameKey(one))
		}
	}
	add("w:", Words(append([]string{d.Hostname, d.IP}, d.Tags...)...))
	add("t:", d.Tags)
	add("d:", d.Domains)
	return terms
}

// DeviceSave is a change of one device with all that belongs to it. Before is zero for a new one.
type DeviceSave struct {
	DeviceChange
	DomainIDs []int64 // that have to be there still
	Nonce     *Nonce  // nil: none
	Event     *Event
}

// ErrNamesMoved says that a name has been spelled in another way, or is not there, since it was read.
var ErrNamesMoved = errors.New("domain: names have changed since they were read")

// Devices keeps the devices. Names of models, types, vendors and sites are made when they are new. Each has one spelling for all devices: that of the device
// which was stored last. Errors: *Error with Missing.
type Devices interface {
	Page(ctx context.Context, filter DeviceFilter, page PageRequest) (Page[Device], error)
	Get(ctx context.Context, id int64) (Device, error)
	// IDs returns the ids of at most n devices of a filter, by ascending id, that come after the cursor.
	IDs(ctx context.Context, filter DeviceFilter, cursor int64, n int) ([]int64, error)
	// Some returns those of the ids that there are, by ascending id.
	Some(ctx context.Context, ids []int64) ([]Device, error)
	// Named returns the device of a hostname, regardless of case.
	Named(ctx context.Context, hostname string) (Device, error)
	// Stored is Named for who changes the device: it sees also what an import has stored that is not finished, which nobody else does.
	Stored(ctx context.Context, hostname string) (Device, error)
	// MakeNames makes the names of devices that are new.
	MakeNames(ctx context.Context, devices ...*Device) error
	// Save stores a change, its nonce and its event, all or none, and sets the ids. It is false, and nothing is stored, when the device, one of the
	// domains or the spelling of a name is no more what it was when it was read, or the access point is no longer that of the event. Errors: also
	// Duplicated on oauth_nonce; ErrNamesMoved instead of false in a transaction, which has failed then.
	Save(ctx context.Context, s *DeviceSave) (bool, error)
	// Lock returns the devices of the hostnames that there are, by NameKey; until the transaction ends nobody else can change them.
	Lock(ctx context.Context, hostnames []string) (map[string]Device, error)
	// Insert stores new devices, sets their ids, which ascend by hostname, and the spelling of their names, and returns the places of those whose
	// hostname somebody else has taken meanwhile, which are not stored. Of several other spellings of a name in one
	// transaction the first counts.
	Insert(ctx context.Context, devices []Device) (lost []int, err error)
	// Update stores changes of devices that were locked, and sets the spelling of their names.
	Update(ctx context.Context, changes []DeviceChange) error
}

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

// DeviceDomains keeps the domains. Errors: *Error with Missing, Duplicated on name.
type DeviceDomains interface {
	Page(ctx context.Context, page PageRequest) (Page[DeviceDomain], error)
	Get(ctx context.Context, id int64) (DeviceDomain, error)
	// Lock is a Get after which no other transaction can change the domain, or put a device into it, until this one ends.
	Lock(ctx context.Context, id int64) (DeviceDomain, error)
	// Find returns the domain that has one of the texts as its name, or else all that have it as short name, by NameKey of the text; until the transaction
	// ends they stay.
	Find(ctx context.Context, texts []string) (map[string][]DeviceDomain, error)
	Create(ctx context.Context, d *DeviceDomain) error
	Update(ctx context.Context, d DeviceDomain) error
	// Delete removes a domain; one that has devices is refused with Rule.
	Delete(ctx context.Context, id int64) error
}
