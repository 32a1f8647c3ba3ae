package domain

import (
	"context"
	"net/netip"
	"time"
)

// Transport is what OpenVPN speaks over.
type Transport string

// The transports.
const (
	UDP Transport = "udp"
	TCP Transport = "tcp"
)

// ControlChannel is how the control channel of OpenVPN is protected before TLS begins.
type ControlChannel string

// The protections of the control channel.
const (
	TLSCryptV2 ControlChannel = "tls-crypt-v2" // a key of its own for each site
	TLSCrypt   ControlChannel = "tls-crypt"
	TLSAuth    ControlChannel = "tls-auth"
	NoControl  ControlChannel = "none"
)

// TLSProfile is which versions and ciphers an instance takes.
type TLSProfile string

// The profiles.
const (
	TLSModern     TLSProfile = "modern"     // TLS 1.3, and AEAD ciphers only
	TLSCompatible TLSProfile = "compatible" // TLS 1.2, and AES-CBC for old routers
)

// Remote is an address at which sites reach an instance.
type Remote struct {
	Host  string // a host name, or an address
	Port  int    // 0: that of the instance
	Proto Transport
}

// Instance is an OpenVPN server. Its networks are in the IP plan (see Network).
type Instance struct {
	ID            int64
	ModelID       int64 // 0: the default model
	CAID          int64
	CertificateID int64 // of the server, in force
	Name          string
	Gateway       string // the machine that it runs on; instances of one gateway share an IP plan
	Description   string
	Subject
	InstanceSettings
	Version    int64     // of what the profiles of its sites say; it grows when they become stale
	CampaignID int64     // the one that runs; 0: none
	RenewAt    time.Time // when the service renews the server's certificate
	ReloadedAt time.Time // when the server was last asked to read its configuration again; zero: never
	CreatedAt  time.Time
	UpdatedAt  time.Time

	// Of the server's certificate. The store reads them there.
	ExpiresAt time.Time
	RevokedAt time.Time // zero: not revoked
}

// InstanceSettings is what a server is configured with. Network and NetworkV6 are also in the IP
// plan, where they are compared with all others. PushRoutes are not: what is pushed to all sites is
// often the LAN of one of them, or a network that has them all.
type InstanceSettings struct {
	Network         netip.Prefix   // of the tunnels, IPv4, masked
	NetworkV6       netip.Prefix   // of the tunnels, IPv6, masked; not valid: none
	PushRoutes      []netip.Prefix // pushed to all sites
	Routes          []netip.Prefix // of the server into the tunnel, beside those of the sites' LANs
	Proto           Transport
	Port            int
	Remotes         []Remote // in the order in which sites try them
	RemoteRandom    bool
	DHCPEnabled     bool // sites without a static address get one of the pool
	DHCPStart       netip.Addr
	DHCPEnd         netip.Addr
	DNSServer       string
	DNSDomain       string
	LDAPAuth        bool
	TLSProfile      TLSProfile
	Control         ControlChannel
	VerifyClient    bool // verify-client-cert require; the only value that is accepted is true
	KeepaliveEvery  int  // seconds
	KeepaliveEnd    int  // seconds
	RenegotiateSecs int  // 0: never
	RenewBefore     int  // days ahead of the end of its certificate at which the service renews it
	Extra           string
}

// InstanceKeys are the sealed keys of an instance's control channel.
type InstanceKeys struct {
	Control []byte // nil: none
	Earlier []byte // the one before, while a campaign runs that changes it; nil: none

	// Of the instance when the keys were read. SetKeys ignores them.
	Version    int64
	CampaignID int64
}

// InstanceMark is what tells whether anything of an instance has changed that its server has to
// know, but for the lists of its CAs.
type InstanceMark struct {
	CAID, CertificateID int64
	Revision            int64     // of its sites: ClientConfigs.Put, ClientConfigs.Delete and Revise increment it
	UpdatedAt           time.Time // of the instance
	ReloadedAt          time.Time // when the server was last asked to read its configuration again; zero: never
	ModelAt             time.Time // when its model was last changed; zero: the default one
	Control, Earlier    []byte    // the sealed keys of the control channel, as of InstanceKeys
}

// InstanceFilter selects instances; zero fields do not restrict. Texts are compared regardless of
// case.
type InstanceFilter struct {
	Name    string
	CAID    int64
	Gateway string
}

// Instances keeps the instances. A name is unique regardless of case.
//
// The group Instances of the suite tests it.
type Instances interface {
	// Page returns one page of the instances that a filter selects, by ascending id. See
	// PageRequest for its bounds. A text that no database can hold selects nothing.
	Page(ctx context.Context, filter InstanceFilter, page PageRequest) (Page[Instance], error)
	// Get returns one instance. Errors: Missing.
	Get(ctx context.Context, id int64) (Instance, error)
	// Mark returns the InstanceMark, read by one statement. Errors: Missing.
	Mark(ctx context.Context, id int64) (InstanceMark, error)
	// Lock is a Get after which no other transaction can change the instance until this one ends.
	// Errors: Missing.
	Lock(ctx context.Context, id int64) (Instance, error)
	// Keys returns the sealed keys of the control channel. Errors: Missing.
	Keys(ctx context.Context, id int64) (InstanceKeys, error)
	// Create stores i with its keys and sets i.ID. Errors: Duplicated on name; NotFound on
	// model_id, or on ca_id when there is no such CA or certificate.
	Create(ctx context.Context, i *Instance, keys InstanceKeys) error
	// Update stores all but the keys, the creation, and what the certificate says. Errors:
	// Missing; Duplicated on name; NotFound on model_id, also when there is no such certificate.
	Update(ctx context.Context, i Instance) error
	// SetKeys replaces the keys. Errors: Missing.
	SetKeys(ctx context.Context, id int64, keys InstanceKeys) error
	// Revise increments InstanceMark.Revision, so that the agent of the instance asks what is new.
	// Errors: Missing.
	Revise(ctx context.Context, id int64) error
	// Outdate raises the version of the instances of a CA, and of the CAs below it: the profiles of
	// their sites have its certificate. A transaction calls it before it locks a CA.
	Outdate(ctx context.Context, caID int64) error
	// Delete removes an instance that has no networks and no sites any more. Errors: Missing; Rule
	// on id with ReasonInUse when it has some.
	Delete(ctx context.Context, id int64) error
	// Renewable returns the instances whose RenewAt has come and whose certificate is not revoked,
	// the earliest first, at most limit.
	Renewable(ctx context.Context, now time.Time, limit int) ([]Instance, error)
	// OfModel returns the instances that have a model, by ascending id.
	OfModel(ctx context.Context, modelID int64) ([]Instance, error)
}
