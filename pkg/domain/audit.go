package domain

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// AuditChains is how many chains the events are on. One alone would make all changes wait for one another. The last is for those who reserve it.
const AuditChains = 16

// Follow is the link of an event behind another, by its Digest, ResourceID and ID.
func (e Event) Follow(l Link) Link {
	return Link{Chain: l.Chain, Position: l.Position + 1, Hash: sha256.Sum256(binary.BigEndian.AppendUint64(e.chained(l), uint64(e.ID)))}
}

// FollowWithoutID is the link as the versions before schema 8 made it: the hash leaves out ID.
func (e Event) FollowWithoutID(l Link) Link {
	return Link{Chain: l.Chain, Position: l.Position + 1, Hash: sha256.Sum256(e.chained(l))}
}

func (e Event) chained(l Link) []byte {
	text := append(l.Hash[:], e.Digest[:]...)
	return binary.BigEndian.AppendUint64(text, uint64(e.ResourceID))
}

// Action is what an Event is about.
type Action string

// The actions.
const (
	ActionCreate Action = "create"
	ActionImport Action = "import"
	ActionUpdate Action = "update"
	ActionDelete Action = "delete"
	ActionRevoke Action = "revoke"
	ActionRotate Action = "rotate"
	ActionExport Action = "export" // a private key was handed out
	ActionLogin  Action = "login"
	ActionPrune  Action = "prune"  // of the audit itself
	ActionAccess Action = "access" // an attempt that was refused at the door
	ActionAccept Action = "accept" // of a loss of the audit itself

	ActionRestore Action = "restore" // of the database: what was done between the backup and this is not in it
)

// Event is an entry of the audit: a change, or an attempt that was refused. Before and After are JSON objects of what changed, without
// secrets; empty: none.
type Event struct {
	ID           int64
	At           time.Time
	ActorKind    PrincipalKind
	ActorID      int64 // 0: none
	ActorName    string
	Address      string
	RequestID    string
	Operation    string
	Action       Action
	Refused      bool
	Resource     Scope
	ResourceID   int64 // 0: none
	ResourceName string
	Before       string
	After        string

	// Digest authenticates all of the above but ID and ResourceID, which the database gives. It is not stored: whoever knows the key makes it
	// from the row again.
	Digest [32]byte
	Link

	// Point is the one at which the rights of the actor were read. The event is not stored when it is past; zero: it does not matter. It is not stored
	// either.
	Point AccessPoint
}

// Link is the place of an event on its chain. Hash is SHA-256 of the hash before it, the event's digest, its resource id and its id as 8 octets
// each.
type Link struct {
	Chain    int
	Position int64 // from 1
	Hash     [32]byte
}

// Stray is how many events are on a chain that does not exist.
type Stray struct {
	Chain  int
	Events int64
}

// AuditFilter selects events; zero values select all.
type AuditFilter struct {
	ActorKind  *PrincipalKind
	ActorID    int64
	Resource   Scope
	ResourceID int64
	Action     Action
	Refused    *bool
	From, To   time.Time // To is exclusive
	Descending bool      // newest first; the cursor is the id before which the page begins then
}

// Wide reports whether a page has to be searched for: there are indexes for an actor and for a resource, which need the kind and the id of it, and for the
// time, and none for two of them, for the action or the outcome.
func (f AuditFilter) Wide() bool {
	actor, resource := f.ActorKind != nil && f.ActorID != 0, f.Resource != "" && f.ResourceID != 0
	return f.Action != "" || f.Refused != nil || actor && resource || !actor && (f.ActorKind != nil || f.ActorID != 0) ||
		!resource && (f.Resource != "" || f.ResourceID != 0)
}

// Checkpoint says where the chains stood at a time. What is signed can't be made anew by one who can only write to the database. A base is
// where the chains begin since the events before it were removed. Number and Previous are signed too, so that none can be removed unseen.
type Checkpoint struct {
	ID        int64
	Number    int64    // from 1 without a gap; 0: of a version before schema 8, which did not number them
	Previous  [32]byte // hash of the one before; zeros: there was none
	At        time.Time
	Base      bool
	Links     []Link // one a chain
	Loss      string // JSON: what an operator has accepted as lost of all before; the chains go on at Links. Empty: nothing
	Signature []byte
}

// Audit keeps the events. Nothing changes or removes one but Prune.
type Audit interface {
	// Reserve makes the transaction a long one: its events go on the last chain, which is only for such transactions, and which it has from now on to its
	// end. So there is one of them at a time, and it may append in between, since nobody waits for that chain who holds what it needs. It is the first
	// statement of its transaction: the transaction that waits for it must not hold anything yet. Only the context bounds the wait. Errors: it is not the
	// first thing that the transaction asks of the audit, or there is no transaction.
	Reserve(ctx context.Context) error
	// Append puts e on a chain and sets ID and Link. Errors: ErrRightsMoved when the point is no longer that of e; nothing is stored then, and the
	// transaction may go on. It is the last statement of its transaction, unless that has reserved its chain: a transaction
	// that waits for a chain must not hold what the one that has the chain needs.
	Append(ctx context.Context, e *Event) error
	// AppendAll is Append for many events of one transaction and one actor.
	AppendAll(ctx context.Context, events []*Event) error
	Page(ctx context.Context, filter AuditFilter, page PageRequest) (Page[Event], error)
	// Get returns one event. Errors: *Error with Missing.
	Get(ctx context.Context, id int64) (Event, error)
	// Ends returns where the chains end, all at one time.
	Ends(ctx context.Context) ([]Link, error)
	// MendEnds makes the chains end elsewhere, adds those that are missing and removes those that do not exist. It reports whether the chains that it
	// changes have ended where they are said to.
	MendEnds(ctx context.Context, was, ends []Link) (bool, error)
	// After returns up to limit events of a chain behind a position, in order.
	After(ctx context.Context, chain int, position int64, limit int) ([]Event, error)
	// Strays returns the chains that do not exist and have events all the same, in order.
	Strays(ctx context.Context) ([]Stray, error)
	// LastBefore returns the last link of a chain before which all events are older than the time; position 0 when there is none.
	LastBefore(ctx context.Context, chain int, before time.Time) (Link, error)
	// Count returns how many events of a chain there are behind a position up to another, both from -2^63 on.
	Count(ctx context.Context, chain int, after, upTo int64) (int64, error)
	// AddCheckpoint stores a checkpoint and removes those that it makes needless: earlier ones than a base. Errors: Duplicated, when the number is
	// taken.
	AddCheckpoint(ctx context.Context, c *Checkpoint) error
	// Checkpoints returns all, by their numbers; before them those without, the oldest first.
	Checkpoints(ctx context.Context) ([]Checkpoint, error)
	// Prune removes up to limit events of a chain up to a position, and says how many.
	Prune(ctx context.Context, chain int, position int64, limit int) (int, error)
}
