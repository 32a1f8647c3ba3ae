package domain

import (
	"context"
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

	// The profile that the site has.
	ProfileVersion   int64     // Version of the instance when it was fetched; 0: never
	ProfileFetchedAt time.Time // zero: never
}

// ClientConfigSettings is what the file of client-config-dir says besides networks.
type ClientConfigSettings struct {
	PushRoutes []string // networks, as they were given
	PushReset  bool
	ExtraConf  string
	DNSServer  string
	DNSDomain  string
	MaxRoutes  int // 0: OpenVPN's own bound
}

// SiteKey is the tls-crypt-v2 client key of a site, and what it was made for.
type SiteKey struct {
	Sealed  []byte // nil: none
	Serial  string // of the certificate
	Version int64  // of the instance
}

// ClientConfigs keeps the configs. A site belongs to an instance as soon as it has one there.
type ClientConfigs interface {
	// Page returns one page of the configs of a client, by ascending id of the instance; the cursor
	// is that id.
	Page(ctx context.Context, clientID int64, page PageRequest) (Page[ClientConfig], error)
	// Get returns one config. Errors: Missing.
	Get(ctx context.Context, instanceID, clientID int64) (ClientConfig, error)
	// Put stores a config, new or not, but not what it says of the profile. Errors: NotFound on
	// client_id or instance_id.
	Put(ctx context.Context, c ClientConfig) error
	// Delete removes a config. Errors: Missing.
	Delete(ctx context.Context, instanceID, clientID int64) error
	// After returns up to limit configs of an instance, of clients with ids above clientID.
	After(ctx context.Context, instanceID, clientID int64, limit int) ([]ClientConfig, error)
	// Key returns the key of a site; the zero value when there is none. Errors: Missing.
	Key(ctx context.Context, instanceID, clientID int64) (SiteKey, error)
	// KeepKey replaces the key of a site that is still before, and reports whether it did.
	KeepKey(ctx context.Context, instanceID, clientID int64, before, after SiteKey) (bool, error)
	// Fetched notes that a profile was fetched. Errors: Missing.
	Fetched(ctx context.Context, instanceID, clientID, version int64, at time.Time) error
}
