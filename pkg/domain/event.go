package domain

import (
	"context"
	"time"
)

// StreamEvent is an entry of the stream of events: that something has happened, for programs that
// follow the service. It is made of an Event of the audit, or of what was given to Events.Add. Data
// is a JSON object with what the Type documents, without secrets.
type StreamEvent struct {
	ID           int64     `json:"-"` // the cursor; 0: it is not published yet
	Type         EventType `json:"type"`
	At           time.Time `json:"at"`
	Resource     Scope     `json:"resource"`
	ResourceID   int64     `json:"id,omitempty"` // 0: none
	ResourceName string    `json:"name,omitempty"`

	// Who has done it; PrincipalNobody: the service itself, or a caller who is not known.
	ActorKind PrincipalKind `json:"actor_kind,omitempty"`
	ActorID   int64         `json:"actor_id,omitempty"`
	ActorName string        `json:"actor_name,omitempty"`
	RequestID string        `json:"request_id,omitempty"`
	TraceID   string        `json:"trace_id,omitempty"` // of the trace in which it has happened; empty: none
	Data      string        `json:"data,omitempty"`
}

// StreamFilter selects events of the stream; zero values select all.
type StreamFilter struct {
	Types      []EventType // any of these
	Resource   Scope
	ResourceID int64
	Since      time.Time // those that happened then or later
}

// Wide reports whether the database has to scan for the page: there is no index but that of the
// ids.
func (f StreamFilter) Wide() bool {
	return len(f.Types) > 0 || f.Resource != "" || f.ResourceID != 0 || !f.Since.IsZero()
}

// Selects reports whether the filter selects an event.
func (f StreamFilter) Selects(e StreamEvent) bool {
	typed := len(f.Types) == 0
	for _, t := range f.Types {
		typed = typed || t == e.Type
	}
	return typed && (f.Resource == "" || f.Resource == e.Resource) &&
		(f.ResourceID == 0 || f.ResourceID == e.ResourceID) && !e.At.Before(f.Since)
}

// StreamEnds are the ends of the stream. Newest is the id of the last event, Gone that of the last
// one that was removed; without events they are equal.
type StreamEnds struct{ Newest, Gone int64 }

// Waiting is what has been committed and is not in the stream yet, as one snapshot of the database
// has it.
type Waiting struct {
	StreamEnds
	Turn   int64 // how often something was published
	Chains []WaitingChain
	Added  []AddedEvent // by ascending ID
}

// WaitingChain is a chain of the audit of which the stream has all events up to Done.
type WaitingChain struct {
	Chain     int
	Done, End int64 // positions
}

// Empty reports whether nothing waits.
func (w Waiting) Empty() bool {
	for _, c := range w.Chains {
		if c.Done != c.End {
			return false
		}
	}
	return len(w.Added) == 0
}

// AddedEvent is an event that waits in the outbox. It comes after the event of the audit with the
// id After, and before the next one.
type AddedEvent struct {
	StreamEvent
	ID, After int64
}

// Publication is a batch of events that go into the stream. Their ids follow Newest of what was
// Waiting, without a gap, and Turn is that of it.
type Publication struct {
	Turn   int64
	Events []StreamEvent
	Done   map[int]int64 // by chain: the position up to which the stream has all then
	Added  []int64       // IDs of AddedEvent, which are removed from the outbox
}

// Events keeps the stream of events: numbered, in an order that never changes. Of the events of the
// audit it notes only up to where they are in the stream: the audit is their outbox. What has no
// event in the audit is put into a table by Add, which serves as outbox for it.
//
// Ids ascend without gaps, also on PostgreSQL, and become visible in their order, because of those
// who publish after the same turn one does. Only Histories.Renew leaves a gap: ids that were
// given in the history that has ended are not given again.
//
// The group Events of the suite tests it.
type Events interface {
	// Add puts an event into the outbox, in the transaction of its change. Its ID is not used.
	Add(ctx context.Context, e StreamEvent) error
	// Waiting returns what is not in the stream yet, with up to limit added events. It is one
	// statement, so it sees one snapshot also on PostgreSQL, and locks nothing.
	Waiting(ctx context.Context, limit int) (Waiting, error)
	// Publish stores a batch, and reports whether it did: not if anybody has published since its
	// turn, on any replica.
	Publish(ctx context.Context, p Publication) (bool, error)
	// Ends returns the ends of the stream. It locks nothing.
	Ends(ctx context.Context) (StreamEnds, error)
	// After returns up to limit events with a higher id, by ascending id.
	After(ctx context.Context, id int64, limit int) ([]StreamEvent, error)
	// Reached reports whether a reader may go on after the event of this id: it is 0 or there, or
	// an end of the stream. It is false for an event that was removed before that one, or
	// that has never been in this history of the database.
	Reached(ctx context.Context, id int64) (bool, error)
	// Page returns one page of the events that a filter selects, by ascending id.
	Page(ctx context.Context, filter StreamFilter, page PageRequest) (Page[StreamEvent], error)
	// Prune removes up to limit of the first events, if they happened before a time, and returns
	// how many. It stops at the first event that did not.
	Prune(ctx context.Context, before time.Time, limit int) (int, error)

	// Endings returns up to limit records of a kind that are in force and end in a span, the first
	// ones first, without those that a notice with the same days and end is there of. The kinds are
	// ScopeClients, ScopeInstances, ScopeCAs, ScopeAPIKeys and ResourceAuthorizations; another one
	// has none. A CA with a successor is not in force.
	Endings(ctx context.Context, kind Scope, days int, span EndingSpan, limit int) ([]Ending, error)
	// NewEndings is Endings for clients that have a certificate with a higher id, by ascending id
	// of it, without regard to AfterID. It also returns the id of the last of these certificates.
	NewEndings(ctx context.Context, days int, certificate int64, span EndingSpan, limit int) ([]Ending, int64, error)
	// EndingLook returns how far it was told that clients end in so many days, and the highest id
	// of a certificate. Nothing was told if it is zero.
	EndingLook(ctx context.Context, days int) (look EndingLook, newest int64, err error)
	// KeepEndingLook stores that. WholeAt is stored only if it was before when it was read: see
	// LookAnew.
	KeepEndingLook(ctx context.Context, days int, look EndingLook, before time.Time) error
	// LookAnew lets the next looks look through all clients that end soon, also if a look is under
	// way: one of them is in force again.
	LookAnew(ctx context.Context, now time.Time) error
	// Notice stores that it is told that something ends, for so many days and these ends, and
	// returns that which nobody has told before. All are of one resource.
	Notice(ctx context.Context, list []Ending, days int) ([]Ending, error)
	// ForgetNotices removes those of what ended before a time.
	ForgetNotices(ctx context.Context, before time.Time) error
}
