package domain

import (
	"context"
	"errors"
	"slices"
	"time"
)

// The limits of a device, in characters. The seed gives a limit for the tags only.
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
	CreatorID      int64 // the authorization that created it; 0: created otherwise
	Revision       int64 // counts the changes; a caller that saves names the revision that it has read
	// of the import that stores it, which hides it until the import is finished; 0: none. It is not
	// read
	ImportID  int64
	Earlier   bool // an unfinished import has changed the device, and this is its state before; see Devices.Stored
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Same reports whether two devices differ in nothing that an upsert can change.
func (d Device) Same(other Device) bool {
	return d.Hostname == other.Hostname && d.IP == other.IP && d.Model == other.Model && d.Type == other.Type &&
		d.Vendor == other.Vendor &&
		d.Site == other.Site && d.Enabled == other.Enabled && slices.Equal(d.Domains, other.Domains) &&
		slices.Equal(d.Connectivities, other.Connectivities) && slices.Equal(d.Remote, other.Remote) &&
		slices.Equal(d.Tags, other.Tags)
}

// DeviceSpec is an upsert as it was requested. The lists are texts of the wire; nil leaves the
// present value, "" clears.
type DeviceSpec struct {
	Hostname, IP, Model, Type, Vendor, Site string
	Domains, Connectivities, Remote, Tags   *string
	Enabled                                 *string // yes or no; nil and "" leave it
}

// DevicePlan is a parsed DeviceSpec: lists that are nil stay as they are.
type DevicePlan struct {
	Hostname, IP, Model, Type, Vendor, Site string
	Domains                                 []string // as they were sent: names or short names
	Connectivities                          []Connectivity
	Remote                                  []RemoteExpression
	Tags                                    []string
	Enabled                                 *bool // nil: unchanged; a new device is enabled
}

// Plan reads a DeviceSpec, or joins the faults of all fields. Missing fields come first, in the
// order of the vendor's checks.
func (s DeviceSpec) Plan() (DevicePlan, error) {
	p := DevicePlan{
		Hostname: CleanName(s.Hostname), IP: CleanName(s.IP), Model: CleanName(s.Model), Type: CleanName(s.Type),
		Vendor: CleanName(s.Vendor), Site: CleanName(s.Site),
	}
	required := []struct{ field, value string }{
		{"hostname", p.Hostname}, {"ip", p.IP}, {"site", p.Site}, {"model", p.Model}, {"vendor", p.Vendor},
		{"type", p.Type},
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

// Apply writes the plan into a device, except for the domains, which the store looks up. Names are
// spelled as in the plan; another order of the tags is no change.
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
	// words that must all be in the hostname, the ip or the tags
	Text string
}

// Wide reports whether the database has to scan for the page: each field has an index, but two
// together have none. The filter for enabled devices alone counts as a scan as well.
func (f DeviceFilter) Wide() bool {
	if f.Hostname != "" {
		return false // at most one device has it
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

// Terms are the index terms by which a device is found beside its columns: w:word, t:tag and
// d:domain.
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

// DeviceSave is a change of one device with all that is stored with it. Before is zero for a new
// one.
type DeviceSave struct {
	DeviceChange
	DomainIDs []int64 // that must still exist
	Nonce     *Nonce  // nil: none
	Event     *Event
}

// ErrNamesMoved says that a name was respelled since it was read, or does not exist.
var ErrNamesMoved = errors.New("domain: names have changed since they were read")

// Devices keeps the devices; none is ever removed. A hostname is unique regardless of case. Names
// of models, types, vendors and sites are created on first use, and never removed. Each has one
// spelling for all devices: that of the device that was stored last.
//
// Only Stored, Lock, Save, Insert and Update see what an unfinished import has stored. Page, Get,
// IDs, Some and Named return a device that the import has changed as it was before, with Earlier
// set, and none that it has created; see DeviceImports.Finish.
//
// A transaction that changes many devices calls Audit.Reserve first, then Lock, Update and Insert,
// and Audit.AppendAll for their events. A change of one device is a Save.
//
// The groups Devices, Devices_Save, Devices_Page_Model, DeviceImports_Sight and Deadlines of the
// suite test it. No group tests ErrNamesMoved.
type Devices interface {
	// Page returns one page of the devices that a filter selects, by ascending id. See PageRequest
	// for its bounds. At most 16 words of filter.Text are used. A text of the filter that no
	// database can hold, or a name that no device has, selects nothing. Outside a transaction it is
	// several statements, so while an import finishes the page may not be one snapshot.
	Page(ctx context.Context, filter DeviceFilter, page PageRequest) (Page[Device], error)
	// Get returns one device. Errors: Missing.
	Get(ctx context.Context, id int64) (Device, error)
	// IDs returns the ids of at most n devices that a filter selects as in Page, by ascending id,
	// that are above the cursor. n must not be negative.
	IDs(ctx context.Context, filter DeviceFilter, cursor int64, n int) ([]int64, error)
	// Some returns those of the ids that exist, by ascending id. The ids should differ: more than
	// 512 are read in batches, and a device whose id is in two of them is returned twice. Outside a
	// transaction the batches are not one snapshot.
	Some(ctx context.Context, ids []int64) ([]Device, error)
	// Named returns the device of a hostname, regardless of case. Errors: Missing, also for a
	// hostname that no database can hold.
	Named(ctx context.Context, hostname string) (Device, error)
	// Stored is Named for a caller that changes the device: it also sees what an unfinished import
	// has stored. It locks nothing; Save compares the revision. Errors: Missing.
	Stored(ctx context.Context, hostname string) (Device, error)
	// MakeNames creates the names of models, types, vendors and sites of the devices that are new,
	// and respells none. It uses nothing else of the devices, and sets nothing. Outside a
	// transaction each statement commits by itself. It is meant to be called outside, before a
	// transaction that stores many devices: inside, other transactions that need one of the new
	// names wait until this one ends.
	MakeNames(ctx context.Context, devices ...*Device) error
	// Save stores a change of one device with its terms, the spelling of its names, its nonce and
	// its event, all or none, and reports whether it did. If so, it sets After.ID, After.Revision
	// and the event's ID, ResourceID and Link. New names of models, types, vendors and sites are
	// created before; outside a transaction they stay whatever Save returns. s.Event must not be
	// nil.
	//
	// It is false, and nothing else is stored, when a new device's hostname is taken; when the
	// stored device is not Before any more, by revision, hostname and UpdatedAt; when one of the
	// DomainIDs, which must differ, does not exist; when the access point is not that of s.Event;
	// or when a name was respelled since it was read. It never returns ErrRightsMoved. The caller
	// reads again and retries.
	//
	// Errors: Duplicated on oauth_nonce, when the device could be stored and the nonce was spent
	// before. Inside a transaction ErrNamesMoved, instead of false for a name; it dooms the
	// transaction. *Unavailable on PostgreSQL inside a transaction, when the rights have changed
	// while Save waited for a lock. After any error the caller has to roll back: on SQLite,
	// Duplicated on oauth_nonce leaves the device in the transaction and does not doom it; on
	// PostgreSQL it does.
	//
	// On PostgreSQL it locks the domains against removal, the device, the chain, and last the
	// respelled names by ascending reference. A transaction that holds a name waits for further
	// names only. It appends to a chain of the audit, so inside a transaction the rule of
	// Audit.Append applies: Save must be the last statement. On PostgreSQL, outside a transaction,
	// a Save that has waited for a lock for more than a second is retried, up to ten attempts in
	// all; then the error is context.DeadlineExceeded.
	Save(ctx context.Context, s *DeviceSave) (bool, error)
	// Lock returns the devices of the hostnames that exist, by NameKey; until the transaction ends
	// no other transaction can change them. It has to be called inside a transaction: outside, the
	// locks end with the call. A hostname that does not exist is not locked: another transaction
	// may take it, which Insert reports. On PostgreSQL it locks the rows in ascending order of
	// NameKey, in batches of 512, and then reads them: transactions that call it once each can't
	// deadlock; those that call it more than once may, unless they have called Audit.Reserve. The
	// map is never nil.
	Lock(ctx context.Context, hostnames []string) (map[string]Device, error)
	// Insert stores new devices, whose hostnames must differ regardless of case. It sets their IDs,
	// which ascend by NameKey of the hostname, their Revision, which is 1, and the spelling of
	// their names. It returns the indexes of those whose hostname is taken, in ascending order;
	// these are not stored and have no ID. It waits for a transaction that has just taken a
	// hostname. It appends no event, and does not check the domains: see DeviceDomains.Find. The
	// ImportID of the first device is used for all.
	//
	// If a transaction respells a name in several ways, the first spelling counts; the name is
	// locked and written when the transaction ends. An empty list is a no-op.
	Insert(ctx context.Context, devices []Device) (lost []int, err error)
	// Update stores changes of devices that Lock has returned in the same transaction. In each
	// After it sets the Revision, one more than it has, and the spelling of its names, as Insert
	// does. Hostname may differ from Before in its spelling only. The revision is not compared, and
	// Before has to be what is stored: the terms of the filters are updated from it.
	//
	// The ImportID of the first After is used for all. With an ImportID, the state in Before is
	// kept until the import is finished, and an import changes a device at most once; with 0 all
	// readers see the device as it is now. Errors: Missing. An empty list is a no-op.
	Update(ctx context.Context, changes []DeviceChange) error
}
