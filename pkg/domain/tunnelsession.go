package domain

import (
	"context"
	"net/netip"
	"time"
)

// SessionKey names a session of an OpenVPN server: that counts from 0 again when it is restarted.
type SessionKey struct {
	Number int64 // the client id that OpenVPN has given it
	Since  int64 // seconds of Unix time by the clock of the server
}

// SeenSession is a session as an agent sees it.
type SeenSession struct {
	SessionKey
	Name      string         // the common name
	Real      netip.AddrPort // from where; not valid: not known
	Address   netip.Addr     // in the tunnel, IPv4; not valid: none
	AddressV6 netip.Addr     // in the tunnel, IPv6; not valid: none
	Cipher    string         // of the data channel; empty: not known
	BytesIn   int64          // from the client
	BytesOut  int64          // to the client
}

// TunnelSession is a session of a client with an instance.
type TunnelSession struct {
	ID         int64
	InstanceID int64
	ClientID   int64 // 0: no client has held the name when it began
	SeenSession
	ConnectedAt time.Time // by the clock of the service
	EndedAt     time.Time // when that was seen; zero: it is open
	KillAt      time.Time // when somebody asked to end it; zero: nobody did
}

// Open reports whether the session has not ended, as far as it is known.
func (s TunnelSession) Open() bool { return s.EndedAt.IsZero() }

// SessionFilter selects sessions of an instance or of a client; other zero fields do not restrict.
type SessionFilter struct {
	InstanceID int64
	ClientID   int64
	Ended      *bool      // with InstanceID; nil is the same as false
	Name       string     // regardless of case
	Address    netip.Addr // from where, or in the tunnel
}

// Wide reports whether the database may have to read all sessions of an instance for the page.
func (f SessionFilter) Wide() bool {
	return f.Name != "" || f.Address.IsValid() || f.InstanceID != 0 && f.ClientID != 0
}

// Place is a client at an instance: the newest session of the client there, and what is known of
// the instance.
type Place struct {
	ClientID, InstanceID int64
	SessionID            int64     // 0: none is open
	ConnectedAt          time.Time // of the newest session; zero: there was none
	SeenAt               time.Time // when that was over; as long as it is open, when it was first seen
	Real                 netip.AddrPort
	Address, AddressV6   netip.Addr
	LookedAt, SeenUntil  time.Time // as of Agent
}

// Connected is whether a client is connected.
type Connected string

// The states. Only what an agent has confirmed lately is connected or disconnected.
const (
	ConnectedYes     Connected = "connected"
	ConnectedNo      Connected = "disconnected"
	ConnectedUnknown Connected = "unknown"
)

// Connection is what is known of the connections of a client.
type Connection struct {
	State    Connected
	LastSeen time.Time // when it was last confirmed that the client is connected; zero: never
	Place              // where it is connected, or was last
}

// ConnectionOf is the connection of a client, of all its places, at the time now. It is connected
// if it is at any; it is disconnected if it is at none, and each has confirmed that.
func ConnectionOf(places []Place, now time.Time) Connection {
	c := Connection{State: ConnectedUnknown}
	confirmed := len(places) > 0
	for _, p := range places {
		sees := !p.LookedAt.IsZero() && !now.After(p.SeenUntil)
		confirmed = confirmed && sees && p.SessionID == 0
		seen := p.SeenAt
		if p.SessionID != 0 && p.LookedAt.After(seen) {
			seen = p.LookedAt
		}
		open := p.SessionID != 0 && sees
		if open && c.State != ConnectedYes || open == (c.State == ConnectedYes) && seen.After(c.LastSeen) {
			c.LastSeen, c.Place = seen, p
		}
		if open {
			c.State = ConnectedYes
		}
	}
	if confirmed {
		c.State = ConnectedNo
	}
	return c
}

// TunnelSessions keeps the sessions of OpenVPN servers, and of each client and instance what was
// last seen. Of an instance there is one session of a SessionKey.
//
// The group TunnelSessions of the suite tests it.
type TunnelSessions interface {
	// Page returns one page of the sessions that a filter selects, the newest first: the cursor is
	// the id before which the page begins.
	Page(ctx context.Context, filter SessionFilter, page PageRequest) (Page[TunnelSession], error)
	// Get returns one session. Errors: Missing.
	Get(ctx context.Context, id int64) (TunnelSession, error)
	// Lock is a Get after which no other transaction can change the session until this one ends.
	// Errors: Missing.
	Lock(ctx context.Context, id int64) (TunnelSession, error)
	// Open returns the open sessions of an instance, by ascending id.
	Open(ctx context.Context, instanceID int64) ([]TunnelSession, error)
	// Count returns how many are open.
	Count(ctx context.Context, instanceID int64) (int, error)
	// Killing returns the open sessions of an instance that somebody asked to end, by ascending id.
	Killing(ctx context.Context, instanceID int64) ([]TunnelSession, error)
	// Add stores new sessions and sets their ids. One that is there already, because it was thought
	// to have ended, is open again. Errors: NotFound on client_id or instance_id.
	Add(ctx context.Context, list []TunnelSession) error
	// Update stores EndedAt, the addresses, the cipher and the bytes of sessions.
	Update(ctx context.Context, list []TunnelSession) error
	// Kill stores that somebody asked to end a session. Errors: Missing.
	Kill(ctx context.Context, id int64, at time.Time) error
	// Prune removes up to limit sessions that ended before a time, the earliest first, and those
	// that are not among the newest, and returns how many.
	Prune(ctx context.Context, before time.Time, newest int64, limit int) (int, error)
	// Remove removes all sessions of an instance, and its places.
	Remove(ctx context.Context, instanceID int64) error

	// Note stores places: all but LookedAt and SeenUntil.
	Note(ctx context.Context, list []Place) error
	// Places returns the places of clients: where they have a config, and where they were ever
	// connected. It is one statement for up to 512 clients.
	Places(ctx context.Context, clientIDs []int64) ([]Place, error)
}
