package domain

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// AuditChains is the number of chains that events are appended to. With a single chain all changes
// would wait for one another. The last chain is for transactions that call Audit.Reserve.
const AuditChains = 16

// Follow returns the link of the event when it is appended after l, from the event's Digest,
// ResourceID and ID.
func (e Event) Follow(l Link) Link {
	return Link{
		Chain: l.Chain, Position: l.Position + 1,
		Hash: sha256.Sum256(binary.BigEndian.AppendUint64(e.chained(l), uint64(e.ID))),
	}
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
	ActionRenew  Action = "renew"   // a client got another certificate
	ActionHold   Action = "suspend" // a certificate is revoked until it is resumed
	ActionResume Action = "resume"
	ActionRotate Action = "rotate"
	ActionExport Action = "export" // a private key was handed out
	ActionClaim  Action = "claim"  // of an enrolment, or a wrong PIN
	ActionLogin  Action = "login"
	ActionKill   Action = "kill"   // somebody asked to end a session of an OpenVPN server
	ActionPrune  Action = "prune"  // of the audit itself: old events were removed
	ActionAccess Action = "access" // a request that was refused by access control
	ActionAccept Action = "accept" // a loss of the audit itself was accepted by an operator

	ActionReplay Action = "replay" // deliveries of a webhook are sent again

	ActionArchive Action = "archive" // certificates that ended long ago were moved to the archive

	ActionRestore Action = "restore" // of the database: what was done between the backup and this event is not in it
)

// Event is an entry of the audit: a change, or an attempt that was refused. Before and After are
// JSON objects of what changed, without secrets; empty: none.
type Event struct {
	ID           int64
	At           time.Time
	ActorKind    PrincipalKind
	ActorID      int64 // 0: none
	ActorName    string
	Address      string
	RequestID    string
	TraceID      string // of the trace that it belongs to; empty: of none
	Operation    string
	Action       Action
	Refused      bool
	Resource     Scope
	ResourceID   int64 // 0: none
	ResourceName string
	Before       string
	After        string

	// Digest authenticates the fields above except ID and ResourceID, which the database assigns.
	// It is not stored: a process that has the key computes it from the row again.
	Digest [32]byte
	Link

	// Point is the access point at which the rights of the actor were read. The event is not stored
	// when the access point has changed since then; zero: it is not compared. Point is not stored.
	Point AccessPoint
}

// Link is the place of an event on its chain. Hash is the SHA-256 of the previous hash, the event's
// digest, its resource id and its id; each id is 8 octets.
type Link struct {
	Chain    int
	Position int64 // from 1
	Hash     [32]byte
}

// Stray is the number of events on a chain that should not exist.
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
	Descending bool      // newest first; the cursor is then the id before which the page begins
}

// Wide reports whether the database has to scan for the page. There are indexes for an actor and
// for a resource, each by kind and id together, and for the time. There is none for an actor and a
// resource together, for the action or for the outcome.
func (f AuditFilter) Wide() bool {
	actor, resource := f.ActorKind != nil && f.ActorID != 0, f.Resource != "" && f.ResourceID != 0
	return f.Action != "" || f.Refused != nil || actor && resource ||
		!actor && (f.ActorKind != nil || f.ActorID != 0) ||
		!resource && (f.Resource != "" || f.ResourceID != 0)
}

// Checkpoint records where the chains ended at a time. It is signed, so an attacker who can only
// write to the database can't forge one. A base is where the chains begin after the events before
// it were removed. Number and Previous are signed too, so that no checkpoint can be removed
// unnoticed.
type Checkpoint struct {
	ID       int64
	Number   int64    // from 1 without a gap; 0: of a version before schema 8, which did not number them
	Previous [32]byte // hash of the one before; zeros: there was none
	At       time.Time
	Base     bool
	Links    []Link // one a chain
	// JSON: what an operator has accepted as lost of all before; the chains go on at Links. Empty:
	// nothing
	Loss      string
	Signature []byte
}

// Audit keeps the events on their chains, and the checkpoints. Events are never changed, and only
// Prune removes them. Only MendEnds and the methods that append change the end of a chain. Digest
// and Point of an event are not stored: events are read without them.
//
// A chain is one row. A transaction that appends an event to the chain locks this row until it
// ends, so the chain is the last lock that it takes; see Append. On a chain positions are
// consecutive and ids ascend. On SQLite the ids leave no gaps; on PostgreSQL they may, and an event
// may become visible after one with a higher id.
//
// The groups Audit, Audit_Chains, Audit_Locks, Audit_Page_Model, Audit_AppendAll, Audit_Reserve,
// AccessControl and Deadlines of the suite test it. No group tests Strays with a chain that does
// not exist.
type Audit interface {
	// Reserve makes the transaction a long one: its events go on the last chain, which only such
	// transactions use, and which it locks from now on until it ends. So there is one such
	// transaction at a time, and it may append and go on: no transaction waits for that chain while
	// it holds other locks.
	//
	// Reserve must be the first statement of its transaction: a transaction that waits here must
	// not hold locks yet. On PostgreSQL only ctx bounds the wait; the limits of the connection
	// apply again after it. On SQLite the wait was in Transact. Errors, which are no *Error: there
	// is no transaction, or it has called Reserve before, or has appended before.
	Reserve(ctx context.Context) error
	// Append appends e to a chain and sets ID and Link. All events of a transaction go on one
	// chain; transactions use the chains in turn, except the last one. An event with a zero Point
	// is stored whatever the access point is. e.Digest is not checked.
	//
	// Append must be the last statement of its transaction, unless Reserve was called: a
	// transaction that waits for a chain must not hold locks that the chain's holder needs.
	//
	// Errors: ErrRightsMoved when the access point is not e.Point. Nothing is stored then, and the
	// transaction may go on: the caller reads the rights again and retries. *Unavailable on
	// PostgreSQL inside a transaction, when the rights have changed while Append waited for the
	// chain: the caller has to roll back. On PostgreSQL, outside a transaction, an Append that has
	// waited for more than a second is retried, up to ten attempts in all; then the error is
	// context.DeadlineExceeded.
	Append(ctx context.Context, e *Event) error
	// AppendAll is Append for many events of one transaction, one actor and one Point: only the
	// Point of the first event is compared. All go on one chain, in the order of the list, with
	// ascending ids. An empty list is a no-op. It locks the chain while the events are written, so
	// it must be the last statement, as Append must. Errors: ErrRightsMoved as for Append, also
	// when the rights have changed while it waited; nothing is stored then. After that error the
	// chain stays locked on PostgreSQL until the transaction ends.
	AppendAll(ctx context.Context, events []*Event) error
	// Page returns one page of the events that a filter selects, by ascending id, or by descending
	// id with filter.Descending. See PageRequest for its bounds. Outside a transaction it is
	// several statements, so a page up to now may leave out events that are stored at this moment.
	Page(ctx context.Context, filter AuditFilter, page PageRequest) (Page[Event], error)
	// Get returns one event. Errors: Missing.
	Get(ctx context.Context, id int64) (Event, error)
	// Ends returns the ends of all chains, by chain, read by one statement. A chain that has never
	// had an event has Position 0 and a zero hash.
	Ends(ctx context.Context) ([]Link, error)
	// MendEnds moves the ends of the chains from was to ends. A chain that is only in ends is
	// added; a chain that is only in was is removed, wherever it ends. A chain that is the same in
	// both is left alone. It reports whether each chain that it changes ended where was says, or
	// did not exist. When it is false the other chains are changed all the same: the caller calls
	// it inside a transaction, and rolls back then. It changes no events.
	MendEnds(ctx context.Context, was, ends []Link) (bool, error)
	// After returns up to limit events of a chain above a position, by ascending position. limit
	// must not be negative. A chain that does not exist has none.
	After(ctx context.Context, chain int, position int64, limit int) ([]Event, error)
	// Strays returns the chains below 0, or from AuditChains on, that have events although they
	// should not exist, by ascending chain.
	Strays(ctx context.Context) ([]Stray, error)
	// LastBefore returns the link of the last event of a chain that is older than the time,
	// together with all events before it. An older event after a newer one, which a clock that was
	// behind has made, does not count. Position is 0, with a zero hash, when there is no such event
	// or no such chain.
	LastBefore(ctx context.Context, chain int, before time.Time) (Link, error)
	// Count returns how many events of a chain have a position above after and not above upTo. Both
	// may be any number: positions that no chain should have are counted too.
	Count(ctx context.Context, chain int, after, upTo int64) (int64, error)
	// AddCheckpoint stores a checkpoint and sets c.ID. A base also removes all checkpoints with a
	// lower id. The caller signs the checkpoint. To exclude concurrent callers, it calls
	// Secrets.Replace before, in the same transaction. Errors: Duplicated on number, when another
	// checkpoint has it; 0 is no number.
	AddCheckpoint(ctx context.Context, c *Checkpoint) error
	// Checkpoints returns all checkpoints, by Number and then by id: those without a number come
	// first. Links that can't be read are left out, so that the signature does not verify.
	Checkpoints(ctx context.Context) ([]Checkpoint, error)
	// Prune removes up to limit events of a chain up to a position, the lowest positions first, and
	// returns how many. limit must not be negative. It changes neither the end of the chain nor the
	// checkpoints: the caller must have signed a base at the position before. It may be called
	// inside a transaction, but is meant to be called outside, repeatedly, until it returns less
	// than limit.
	Prune(ctx context.Context, chain int, position int64, limit int) (int, error)
}
