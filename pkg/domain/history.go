package domain

import (
	"context"
	"strconv"
	"time"
)

// Incarnation identifies the history that a database has. Value is random. It changes at every
// restore, and whenever a replica notices that the database has gone back or that another server
// goes on with it.
type Incarnation struct {
	Value     string
	Since     time.Time
	Abandoned []string // the values whose end an operator has accepted, the latest last; at most MaxAbandoned
}

// MaxAbandoned bounds Incarnation.Abandoned.
const MaxAbandoned = 100

// AccessPoint is the version of all access rights. Mark is random and changes with Epoch: two
// histories may have the same epoch, never the same point.
type AccessPoint struct {
	Epoch int64
	Mark  string
}

// String is empty for the zero AccessPoint, which stands for none.
func (p AccessPoint) String() string {
	if p == (AccessPoint{}) {
		return ""
	}
	return strconv.FormatInt(p.Epoch, 10) + " " + p.Mark
}

// Glance is what tells a replica whether the database still is the one that it has read from.
type Glance struct {
	Access      AccessPoint
	Incarnation string
	// Server identifies the database server, if it can be identified: on PostgreSQL by the system
	// identifier and the timeline.
	Server string
	Moved  bool // the incarnation was made on another server
	Newest Link // the event of the audit with the highest id; its Position is 0 when there is none
	Lost   bool // the event that was passed to Histories.Glance is gone, or is another one
}

// Follows reports whether g can be a later glance at the same history as the one before.
func (g Glance) Follows(before Glance) bool {
	if g.Lost || g.Moved || g.Incarnation != before.Incarnation || g.Server != "" && before.Server != "" &&
		g.Server != before.Server {
		return false
	}
	return g.Access.Epoch > before.Access.Epoch || g.Access == before.Access
}

// Histories keeps the incarnation of the database.
//
// The groups Histories and CRLs of the suite test it. No group tests Server and Moved, which need a
// server that is replaced.
type Histories interface {
	// Glance reads all of a Glance by one statement. seen is an event that was there before; with
	// Position 0 it is none, and Lost is false. Lost is true when the chain of seen ends before it,
	// or has another event at its position; an event that was pruned is not lost. Newest is the
	// event with the highest id.
	//
	// On SQLite Server is empty and Moved is false. On PostgreSQL the first call also asks whether
	// the server can identify itself. A call that finds no server stored with the incarnation
	// stores it, by a second statement. It may be called inside a transaction, but is meant to be
	// called outside.
	Glance(ctx context.Context, seen Link) (Glance, error)
	// Incarnation returns the incarnation, of which there is always one.
	Incarnation(ctx context.Context) (Incarnation, error)
	// Renew gives the database a new incarnation, with a random value and since now, if the value
	// of the present one is from; it returns the value that the database has then. The values of
	// abandon are added to the abandoned ones, each once, empty ones left out; the last
	// MaxAbandoned are kept. Without abandon the list stays as it is.
	//
	// With the new incarnation the next list of every CA gets a later number and a later ThisUpdate
	// than any list that was published until now: the last number rises to the Unix time plus two
	// hours, in seconds, the latest ThisUpdate to now. Neither decreases. It locks the incarnation
	// and then the CAs.
	//
	// When the present value is not from, nothing changes, and the present value is returned: two
	// concurrent calls return the same value.
	Renew(ctx context.Context, from string, now time.Time, abandon ...string) (string, error)
}

// RevocationPoint is the state of a CA's revocations. Mark is random and changes with Epoch. CA is
// the fingerprint of the CA's key: another history may have another CA of the same id.
type RevocationPoint struct {
	Epoch       int64
	Mark        string
	CA          string
	Incarnation string
}

// Follows reports whether p can be a later state of the same CA in the same history.
func (p RevocationPoint) Follows(before RevocationPoint) bool {
	return p.CA == before.CA && p.Incarnation == before.Incarnation && (p.Epoch > before.Epoch || p == before)
}
