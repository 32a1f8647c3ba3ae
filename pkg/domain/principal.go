package domain

import (
	"context"
	"log/slog"
	"net/netip"
	"slices"
	"time"
)

// Principal is the author of a request, as authentication found it.
type Principal struct {
	Kind      PrincipalKind
	ID        int64
	Name      string
	Superuser bool
	Rights    Rights
	Devices   []int64 // the devices that an authorization of the vault sees beside its own; empty: all
	Limits    Restrictions
	Proof     Proof
	Needs     Permission // the right that the request needs; without a scope: none
}

// PrincipalKind is the kind of a Principal.
type PrincipalKind string

// The kinds. The zero Principal is of PrincipalNobody.
const (
	PrincipalAPIKey    PrincipalKind = "apikey"
	PrincipalUser      PrincipalKind = "user"
	PrincipalCommand   PrincipalKind = "command"       // the operator at the command line of the server
	PrincipalPAM       PrincipalKind = "authorization" // of an application of the vault
	PrincipalEnrolment PrincipalKind = "enrolment"     // a person or a program that has its link
	PrincipalNobody    PrincipalKind = ""
)

// LogValue is what the log has of a principal: the kind, the id and the name; nothing for
// PrincipalNobody.
func (p Principal) LogValue() slog.Value {
	if p.Kind == PrincipalNobody {
		return slog.GroupValue()
	}
	return slog.GroupValue(slog.String("kind", string(p.Kind)), slog.Int64("id", p.ID), slog.String("name", p.Name))
}

// May reports whether the principal has the right on the scope.
func (p Principal) May(scope Scope, write bool) bool {
	return p.Superuser || p.Rights.Allow(scope, write)
}

// MayGrant reports whether the principal has everything that it would give or touch.
func (p Principal) MayGrant(superuser bool, rights Rights) bool {
	return p.Superuser || !superuser && p.Rights.Cover(rights)
}

// Creator is the CreatorID of devices that the principal creates; 0 for all but authorizations of
// the vault.
func (p Principal) Creator() int64 {
	if p.Kind == PrincipalPAM {
		return p.ID
	}
	return 0
}

// Sees reports whether the principal may see a device: it is on the principal's list, or was
// created by it, or the list is empty.
func (p Principal) Sees(d Device) bool {
	return len(p.Devices) == 0 || d.CreatorID == p.Creator() || slices.Contains(p.Devices, d.ID)
}

// Holder is what a credential can belong to: an apikey, a user or an authorization of the vault.
type Holder struct {
	Kind          PrincipalKind
	ID            int64
	Name          string
	Superuser     bool
	Rights        Rights
	Enabled       bool
	ExpiresAt     time.Time // zero: never
	Generation    int64
	PreviousUntil time.Time // until when the previous generation is accepted too
	AllowedIPs    []netip.Prefix
	RateLimit     int     // requests a minute; 0: no limit
	Instances     []int64 // the instances that it is bound to; empty: to none
	Binding       Binding
}

// Principal is the holder as the author of a request.
func (h Holder) Principal() Principal {
	return Principal{
		Kind: h.Kind, ID: h.ID, Name: h.Name, Superuser: h.Superuser, Rights: h.Rights, Limits: h.Restrictions(),
	}
}

// Active reports whether the holder may act at the time now.
func (h Holder) Active(now time.Time) bool {
	return h.Enabled && (h.ExpiresAt.IsZero() || now.Before(h.ExpiresAt))
}

// Accepts reports whether credentials of a generation are accepted at the time now.
func (h Holder) Accepts(generation int64, now time.Time) bool {
	return generation == h.Generation || generation == h.Generation-1 && now.Before(h.PreviousUntil)
}

// Admits reports whether the holder may come from the address.
func (h Holder) Admits(address netip.Addr) bool {
	if len(h.AllowedIPs) == 0 {
		return true
	}
	for _, prefix := range h.AllowedIPs {
		if prefix.Contains(address.Unmap().WithZone("")) {
			return true
		}
	}
	return false
}

// Standing says whether a holder is a superuser: not at all, until a time or from some networks, or
// for good and from everywhere.
type Standing int

// The standings, from the weakest.
const (
	NoSuperuser Standing = iota
	PassingSuperuser
	LastingSuperuser
)

// Standing is that of the holder at the time now.
func (h Holder) Standing(now time.Time) Standing {
	switch {
	case !h.Superuser || !h.Active(now):
		return NoSuperuser
	case h.ExpiresAt.IsZero() && Everywhere(h.AllowedIPs):
		return LastingSuperuser
	}
	return PassingSuperuser
}

// AccessControl keeps the version of the access rights: of all users, apikeys, roles, signing keys,
// applications and authorizations together. It is one row of the database.
//
// The groups AccessControl and Deadlines of the suite test it.
type AccessControl interface {
	// Advance increments the epoch of the access rights, and gives it a new mark. It locks the row:
	// until the transaction ends, all other calls of Advance wait, on every replica, so only one
	// transaction at a time decides on what is read after it. Advance must be the first statement
	// of its transaction, before the statements that read what the decision relies on: a
	// transaction that waits here must not hold locks that another needs. Outside a transaction it
	// only increments.
	Advance(ctx context.Context) error
	// Epoch returns how many changes there have been. It does not wait for a transaction that has
	// called Advance.
	Epoch(ctx context.Context) (int64, error)
	// Point returns the Epoch with its mark. Audit.Append, Audit.AppendAll, Clients.Enrol and
	// Devices.Save compare it with the Point of their event.
	Point(ctx context.Context) (AccessPoint, error)
	// Superusers counts the superusers at the time now: users that are enabled, and apikeys that
	// are enabled and end after now or never. A caller that relies on the count calls Advance
	// before.
	Superusers(ctx context.Context, now time.Time) (int, error)
	// LastingSuperusers counts those superusers that are enabled, never end, and may come from
	// everywhere (see Everywhere). A caller that relies on the count calls Advance before.
	LastingSuperusers(ctx context.Context) (int, error)
}

// Origin is where a request comes from.
type Origin struct {
	Operation string // operationId, or the command
	Address   netip.Addr
	RequestID string
	TraceID   string     // of the trace that the request belongs to, in hexadecimal; empty: of none
	Key       RequestKey // what is done for the request is kept for its repeats
	DryRun    bool       // it asks what would be done: its transaction is rolled back
}

// AddressText writes the address; nothing when there is none.
func (o Origin) AddressText() string {
	if !o.Address.IsValid() {
		return ""
	}
	return o.Address.Unmap().String()
}

type (
	principalKey struct{}
	originKey    struct{}
)

// WithPrincipal returns a context that carries the author of the request.
func WithPrincipal(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, principalKey{}, p)
}

// PrincipalOf returns the author of the request; the zero Principal when there is none, or when the
// service itself acts.
func PrincipalOf(ctx context.Context) Principal {
	p, _ := ctx.Value(principalKey{}).(Principal)
	return p
}

// WithOrigin returns a context that carries where the request comes from.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// OriginOf returns where the request comes from; the zero Origin when that is not known.
func OriginOf(ctx context.Context) Origin {
	o, _ := ctx.Value(originKey{}).(Origin)
	return o
}
