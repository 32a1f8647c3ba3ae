package domain

import (
	"context"
	"time"
)

// Agent is what the agent beside an instance has last reported, and how long that counts.
type Agent struct {
	InstanceID int64
	AgentFacts
	ReportedAt time.Time // zero: never
	DueAt      time.Time // until when it counts; later the agent is silent
	Silent     bool      // whether it was told that the agent is silent
	LookedAt   time.Time // when the sessions were last confirmed; zero: never
	SeenUntil  time.Time // until when that counts
	// Mark changes whenever a session begins or ends. What an agent tells as a difference is taken
	// only if it has the mark of what it differs from.
	Mark string
}

// AgentFacts is what an agent tells of itself, of OpenVPN and of the files that are in place.
type AgentFacts struct {
	Version  string // of the agent
	Interval int    // seconds from one report to the next, at most
	Up       bool   // whether OpenVPN listens for the agent
	OpenVPN  string // its version; empty: not known
	Tag      string // of the state that is in place; see tunnel.AgentAnswer
	Lists    []ListInPlace
	Pending  int    // names whose sessions are to end
	Reload   string // how OpenVPN has still to be reloaded; empty: it need not be
	Failures int    // steps that failed, one after the other
}

// ListInPlace is a revocation list that OpenVPN reads.
type ListInPlace struct {
	Issuer string // of the CA, as [ca.IssuerTag] has it
	Number string // decimal
}

// AgentState says whether an agent reports.
type AgentState string

// The states.
const (
	AgentOK     AgentState = "ok"
	AgentSilent AgentState = "silent" // it has reported, and is late
	AgentNever  AgentState = "never"
)

// State is the state at the time now.
func (a Agent) State(now time.Time) AgentState {
	switch {
	case a.ReportedAt.IsZero():
		return AgentNever
	case now.After(a.DueAt):
		return AgentSilent
	}
	return AgentOK
}

// Sees reports whether the agent has confirmed the sessions lately, at the time now.
func (a Agent) Sees(now time.Time) bool { return !a.LookedAt.IsZero() && !now.After(a.SeenUntil) }

// reportLeeway is how late a report may be besides an interval: for the network, and for a database
// that is slow.
const reportLeeway = 5 * time.Second

// Patience is for how long a report counts: one may be lost.
func Patience(interval int) time.Duration {
	return 2*time.Duration(interval)*time.Second + reportLeeway
}

// Agents keeps the Agent of each instance.
//
// The group Agents of the suite tests it.
type Agents interface {
	// Get returns the agent of an instance; one that has never reported is zero but for InstanceID.
	Get(ctx context.Context, instanceID int64) (Agent, error)
	// Touch stores all of a but Silent, LookedAt, SeenUntil and Mark; if looked also LookedAt and
	// SeenUntil. It is one statement. It stores nothing and returns false when the agent has never
	// reported, when it was told that it is silent, or when looked and the Mark is not that of a.
	Touch(ctx context.Context, a Agent, looked bool) (bool, error)
	// Lock is a Get after which no other transaction can change the agent until this one ends.
	// Errors: Missing when there is no such instance.
	Lock(ctx context.Context, instanceID int64) (Agent, error)
	// Put stores a. The caller holds Lock.
	Put(ctx context.Context, a Agent) error
	// Overdue returns the agents whose DueAt has passed and of which it was not told, the earliest
	// first, at most limit.
	Overdue(ctx context.Context, now time.Time, limit int) ([]Agent, error)
	// Hush notes that it is told that an agent is silent, and reports whether nobody has told it
	// before, and it has not reported since a was read.
	Hush(ctx context.Context, a Agent) (bool, error)
	// Remove removes the agent of an instance, if there is one.
	Remove(ctx context.Context, instanceID int64) error
}
