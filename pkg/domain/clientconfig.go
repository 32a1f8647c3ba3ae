package domain

import (
	"context"
	"net/netip"
	"time"
)

// ClientConfig is what an instance does for one site. Its addresses and LANs are in the IP plan
// (see Network).
type ClientConfig struct {
	InstanceID int64
	ClientID   int64
	ClientConfigSettings
	CreatedAt time.Time
	UpdatedAt time.Time

	Revision int64 // of what the profile says of the site; it grows when the profile becomes stale

	// The profile that the site has.
	ProfileVersion   int64     // Version of the instance when it was fetched; 0: never
	ProfileRevision  int64     // Revision when it was fetched
	ProfileFormat    string    // empty: never fetched, or by a version that did not note it
	ProfileFetchedAt time.Time // zero: never
}

// ClientConfigSettings is what the file of client-config-dir says besides networks.
type ClientConfigSettings struct {
	PushRoutes   []netip.Prefix
	PushReset    bool
	ExtraConf    string
	DNSServer    netip.Addr // not valid: none
	DNSDomain    string
	MaxRoutes    int  // 0: OpenVPN's own bound
	AllowOverlap bool // LANs that are mapped may overlap others as they are
}

// LAN is a network behind a site.
type LAN struct {
	Network netip.Prefix
	Mapped  netip.Prefix // what the others see instead, 1:1; not valid: the network itself
}

// Seen is the network as the others see it.
func (l LAN) Seen() netip.Prefix {
	if l.Mapped.IsValid() {
		return l.Mapped
	}
	return l.Network
}

// SiteConfig is all that an instance does for one site.
type SiteConfig struct {
	ClientConfig
	SiteNetworks
	// InstanceVersion is the Version of the instance.
	InstanceVersion int64
	// Configured says that it is stored. Otherwise it is what a site has that was never set: the
	// defaults.
	Configured bool
}

// ProfileStale reports whether the site has a profile that would be another one now.
func (c SiteConfig) ProfileStale() bool {
	return c.ProfileVersion > 0 && (c.ProfileVersion < c.InstanceVersion || c.ProfileRevision < c.Revision)
}

// SiteNetworks is what a site has in the IP plan of an instance.
type SiteNetworks struct {
	StaticIP   netip.Addr // not valid: none
	StaticIPv6 netip.Addr // not valid: none
	LANs       []LAN
}

// SiteNetworksOf puts together what the plan has of one site at one instance.
func SiteNetworksOf(list []Network) SiteNetworks {
	var n SiteNetworks
	for _, one := range list {
		switch {
		case one.Kind == SiteLAN && one.Inside.IsValid():
			n.LANs = append(n.LANs, LAN{Network: one.Inside, Mapped: one.Prefix})
		case one.Kind == SiteLAN:
			n.LANs = append(n.LANs, LAN{Network: one.Prefix})
		case one.Kind == TunnelAddress && one.Prefix.Addr().Is4():
			n.StaticIP = one.Prefix.Addr()
		case one.Kind == TunnelAddress:
			n.StaticIPv6 = one.Prefix.Addr()
		}
	}
	return n
}

// Entries are the networks as the plan has them, without the owners.
func (n SiteNetworks) Entries() []Network {
	var list []Network
	for _, a := range []netip.Addr{n.StaticIP, n.StaticIPv6} {
		if a.IsValid() {
			list = append(list, Network{Kind: TunnelAddress, Prefix: netip.PrefixFrom(a, a.BitLen())})
		}
	}
	for _, lan := range n.LANs {
		entry := Network{Kind: SiteLAN, Prefix: lan.Seen()}
		if lan.Mapped.IsValid() {
			entry.Inside = lan.Network
		}
		list = append(list, entry)
	}
	return list
}

// Site is a config with the site that it is for.
type Site struct {
	ClientConfig
	Client Client
}

// SiteKey is the tls-crypt-v2 client key of a site, and what it was made for.
type SiteKey struct {
	Sealed  []byte // nil: none
	Serial  string // of the certificate
	Version int64  // of the instance
}

// ClientConfigs keeps the configs. A site belongs to an instance as soon as it has one there.
//
// The group ClientConfigs of the suite tests it.
type ClientConfigs interface {
	// Page returns one page of the configs of a client, by ascending id of the instance; the cursor
	// is that id. See PageRequest for its bounds.
	Page(ctx context.Context, clientID int64, page PageRequest) (Page[ClientConfig], error)
	// Get returns one config. Errors: Missing.
	Get(ctx context.Context, instanceID, clientID int64) (ClientConfig, error)
	// OfClients returns the configs of clients, by ascending id of the client and of the instance.
	OfClients(ctx context.Context, clientIDs []int64) ([]ClientConfig, error)
	// Put stores a config, new or not, but not what it says of the profile; of one that is there it
	// keeps CreatedAt. It increments the Revision of the InstanceMark. Errors: NotFound on
	// client_id; Duplicated on instance_id for a user who has one at another instance.
	Put(ctx context.Context, c ClientConfig) error
	// Delete removes a config. Its networks are removed before. It increments the Revision of the
	// InstanceMark. Errors: Missing.
	Delete(ctx context.Context, instanceID, clientID int64) error
	// After returns up to limit configs of an instance, of clients with ids above clientID, by
	// ascending id of the client.
	After(ctx context.Context, instanceID, clientID int64, limit int) ([]ClientConfig, error)
	// Sites is After with the clients.
	Sites(ctx context.Context, instanceID, clientID int64, limit int) ([]Site, error)
	// Namesakes returns the other clients of an instance whose name is name, regardless of case:
	// their certificates are not in force, or the name would be taken.
	Namesakes(ctx context.Context, instanceID, clientID int64, name string) ([]int64, error)
	// Any reports whether an instance has a config.
	Any(ctx context.Context, instanceID int64) (bool, error)
	// Key returns the key of a site; the zero value when there is none. Errors: Missing.
	Key(ctx context.Context, instanceID, clientID int64) (SiteKey, error)
	// KeepKey replaces the key of a site that is still before, and reports whether it did.
	KeepKey(ctx context.Context, instanceID, clientID int64, before, after SiteKey) (bool, error)
	// Fetched notes that a profile was fetched. Errors: Missing.
	Fetched(ctx context.Context, instanceID, clientID int64, profile FetchedProfile) error
	// Outdate raises the revision of the configs of an instance whose profile is of a format.
	Outdate(ctx context.Context, instanceID int64, format string) error
	// Progress counts the sites of an instance that are in force at a time.
	Progress(ctx context.Context, instanceID int64, at time.Time) (Progress, error)
	// Profiles returns one page of the sites that a filter selects, by ascending id of the client;
	// the cursor is that id. See PageRequest for its bounds.
	Profiles(ctx context.Context, filter SiteProfileFilter, page PageRequest) (Page[SiteProfile], error)
}
