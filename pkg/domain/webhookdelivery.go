package domain

import (
	"context"
	"time"
)

// DeliveryState is what became of an event that was to be delivered to a webhook.
type DeliveryState string

// The states.
const (
	DeliveryWaiting DeliveryState = "waiting" // for the next attempt, or for an earlier event
	DeliveryDone    DeliveryState = "delivered"
	DeliveryDead    DeliveryState = "dead" // given up
)

// DeliveryStates lists all states.
func DeliveryStates() []DeliveryState {
	return []DeliveryState{DeliveryWaiting, DeliveryDone, DeliveryDead}
}

// DeliveryFault is why the last attempt of a delivery has failed; empty: it has not, or there was
// none.
type DeliveryFault string

// The faults.
const (
	FaultStatus     DeliveryFault = "status"     // the answer was no success
	FaultRedirect   DeliveryFault = "redirect"   // the answer was a redirect, which is not followed
	FaultTimeout    DeliveryFault = "timeout"    // there was no answer in time
	FaultAddress    DeliveryFault = "address"    // the address is not allowed
	FaultName       DeliveryFault = "name"       // the host name could not be resolved
	FaultTLS        DeliveryFault = "tls"        // the certificate is not good, or TLS failed
	FaultConnection DeliveryFault = "connection" // any other failure of the connection
)

// Lane is a resource, whose events are delivered one after the other.
type Lane struct {
	Resource   Scope
	ResourceID int64
}

// WebhookDelivery is an event on its way to a webhook, or what became of it. WebhookID and the
// event's ID are its key.
type WebhookDelivery struct {
	WebhookID int64
	Event     StreamEvent
	State     DeliveryState
	Attempts  int
	NextAt    time.Time     // of the next attempt; zero: none, or an earlier event comes first
	Status    int           // of the last answer; 0: there was none
	Fault     DeliveryFault // of the last attempt
	Took      time.Duration // the last attempt, in milliseconds
	CreatedAt time.Time
	UpdatedAt time.Time
}

// Lane is that of its event.
func (d WebhookDelivery) Lane() Lane { return Lane{d.Event.Resource, d.Event.ResourceID} }

// DeliveryFilter selects deliveries of a webhook. Zero values but that of WebhookID select all.
type DeliveryFilter struct {
	WebhookID int64
	State     DeliveryState
	EventID   int64     // only this one; only for Replay
	Since     time.Time // events of this time or later; only for Replay
}

// WebhookDeliveries keeps the deliveries of webhooks: those that wait, and for a while what became
// of the others. Webhooks.Settle stores them.
//
// The group WebhookDeliveries of the suite tests it.
type WebhookDeliveries interface {
	// Page returns one page of the deliveries that a filter selects, by ascending id of the event.
	Page(ctx context.Context, filter DeliveryFilter, page PageRequest) (Page[WebhookDelivery], error)
	// Get returns one delivery. Errors: Missing.
	Get(ctx context.Context, webhookID, eventID int64) (WebhookDelivery, error)
	// Due returns up to limit lanes in which a delivery is due, the one that is due first first.
	Due(ctx context.Context, webhookID int64, now time.Time, limit int) ([]Lane, error)
	// First returns up to each of the deliveries that wait in each of these lanes, by ascending id
	// of the event within a lane.
	First(ctx context.Context, webhookID int64, lanes []Lane, each int) ([]WebhookDelivery, error)
	// NextDue is when the first delivery is due; zero: none waits.
	NextDue(ctx context.Context, webhookID int64) (time.Time, error)
	// Blocked returns which lanes of resources with these ids have a delivery that waits.
	Blocked(ctx context.Context, webhookID int64, resourceIDs []int64) ([]Lane, error)
	// FreeStuck makes the first delivery of each lane due that waits for nobody, and returns how
	// many. A server of an earlier version that was killed may have left such lanes.
	FreeStuck(ctx context.Context, webhookID int64, now time.Time) (int, error)
	// Beyond returns the ids of the events after one that have a delivery, in any order.
	Beyond(ctx context.Context, webhookID, eventID int64) ([]int64, error)
	// Replay makes deliveries wait that are delivered or dead, from their first attempt on, and
	// returns how many; those that wait are left alone.
	Replay(ctx context.Context, filter DeliveryFilter, now time.Time) (int, error)
	// Purge removes up to limit of the first deliveries of a webhook in a state that were last
	// changed before a time, and returns how many. Of more than most it removes the first ones
	// whatever their time is.
	Purge(ctx context.Context, webhookID int64, state DeliveryState, before time.Time, most, limit int) (int, error)
	// Dead returns how many deliveries of all webhooks are dead.
	Dead(ctx context.Context) (int, error)
}
