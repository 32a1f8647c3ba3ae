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

// Audit keeps the events on their chains, and the checkpoints. Nothing changes or removes an event
// but Prune, nor an end of a chain but the methods that append and MendEnds. Digest and Point of an
// event are not stored: events are read without them.
//
// A chain is one row that every event on it locks until its transaction ends, so it is taken last;
// see Append. On a chain positions follow one another and ids ascend. On SQLite the ids leave no
// gaps; on PostgreSQL they may, and an event may become visible after one with a higher id.
//
// The groups Audit, Audit_Chains, Audit_Concurrency, Audit_Page_Model, Audit_AppendAll,
// Audit_Reserve and AccessControl of the suite hold it. No group holds Strays with a chain that
// does not exist.
type Audit interface {
	// Reserve makes the transaction a long one: its events go on the last chain, which is only for
	// such transactions, and which it locks from now on until it ends. So there is one of them at a
	// time, and it may append and go on: no transaction waits for that chain while it holds other
	// locks.
	//
	// It is the first statement of its transaction: a transaction that waits here must not hold
	// locks yet. On PostgreSQL only ctx bounds the wait; the limits of the connection hold again
	// after it. On SQLite the wait was in Transact. Errors, which are no *Error: there is no
	// transaction, or it has called Reserve before, or has appended before.
	Reserve(ctx context.Context) error
	// Append puts e on the end of a chain and sets ID and Link. A transaction stays on one chain;
	// others take the chains in turn, save for the last one. An event with a zero Point is stored
	// whatever the access point is. e.Digest is not checked.
	//
	// Append must be the last statement of its transaction, unless Reserve was called: a
	// transaction that waits for a chain must not hold locks that the chain's holder needs.
	//
	// Errors: ErrRightsMoved when the access point is not e.Point. Nothing is stored then, and the
	// transaction may go on: the caller reads the rights again and tries again. *Unavailable on
	// PostgreSQL inside a transaction, when the rights have moved while Append waited for the
	// chain: the caller has to roll back. On PostgreSQL, outside a transaction, one that has waited
	// for more than a second is tried anew, up to ten times in all; then it is
	// context.DeadlineExceeded.
	Append(ctx context.Context, e *Event) error
	// AppendAll is Append for many events of one transaction, one actor and one Point: only the
	// Point of the first is looked at. All go on one chain, in the order of the list, with
	// ascending ids. None given is nothing. It locks the chain while the events are written, so it
	// must be the last statement as Append must. Errors: ErrRightsMoved as Append, also when the
	// rights have moved while it waited; nothing is stored then. After that the chain stays locked
	// on PostgreSQL until the transaction ends.
	AppendAll(ctx context.Context, events []*Event) error
	// Page returns one page of the events that a filter selects, by ascending id, or by descending
	// id with filter.Descending. See PageRequest for its bounds. Outside a transaction it is
	// several statements, so a page up to now may leave out events that are stored at this moment.
	Page(ctx context.Context, filter AuditFilter, page PageRequest) (Page[Event], error)
	// Get returns one event. Errors: Missing.
	Get(ctx context.Context, id int64) (Event, error)
	// Ends returns where the chains end, by chain, all by one statement. A chain that has never had
	// an event has Position 0 and a zero hash.
	Ends(ctx context.Context) ([]Link, error)
	// MendEnds makes the chains end at ends where they have ended at was. A chain of ends that is
	// not among was is added; one of was that is not among ends is removed, wherever it ends. A
	// chain that is the same in both is left alone. It reports whether each chain that it changes
	// has ended where was says, or was not there. When it is false the others are changed all the
	// same: it is called inside a transaction, which rolls back then. It changes no events.
	MendEnds(ctx context.Context, was, ends []Link) (bool, error)
	// After returns up to limit events of a chain above a position, by ascending position. limit
	// must not be negative. A chain that does not exist has none.
	After(ctx context.Context, chain int, position int64, limit int) ([]Event, error)
	// Strays returns the chains below 0, or from AuditChains on, that have events all the same, by
	// ascending chain.
	Strays(ctx context.Context) ([]Stray, error)
	// LastBefore returns the link of the last event of a chain that is older than the time, and
	// before which all events of the chain are. An older event behind one that is not, which a
	// clock that was behind has made, does not count. Position is 0, with a zero hash, when there
	// is no such event or no such chain.
	LastBefore(ctx context.Context, chain int, before time.Time) (Link, error)
	// Count returns how many events of a chain have a position above after and not above upTo. Both
	// may be any number: also positions that no chain should have are counted.
	Count(ctx context.Context, chain int, after, upTo int64) (int64, error)
	// AddCheckpoint stores a checkpoint and sets c.ID. A base also removes all checkpoints with a
	// lower id. The caller signs it, and keeps others from doing so at the same time by
	// Secrets.Replace in the same transaction, before. Errors: Duplicated on number, when another
	// has it; 0 is no number.
	AddCheckpoint(ctx context.Context, c *Checkpoint) error
	// Checkpoints returns all, by Number and then by id: those without a number come first. Links
	// that can't be read are left out, so that the signature does not fit.
	Checkpoints(ctx context.Context) ([]Checkpoint, error)
	// Prune removes up to limit events of a chain up to a position, the lowest positions first, and
	// returns how many. limit must not be negative. It changes neither the end of the chain nor the
	// checkpoints: the caller has signed a base at the position before. It may be called inside a
	// transaction, and is meant for outside; it is called again until it returns less than limit.
	Prune(ctx context.Context, chain int, position int64, limit int) (int, error)
}
