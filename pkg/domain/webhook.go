package domain

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The limits of webhooks.
const (
	MaxWebhooks     = 200
	MaxWebhookURL   = 2048 // octets
	MaxWebhookTypes = 100
)

// Webhook is an endpoint that events of the stream are posted to. Zero values of the filter are
// all events.
type Webhook struct {
	ID          int64
	Name        string
	Description string
	URL         string
	Enabled     bool
	Types       []EventType // any of these
	Resource    Scope
	ResourceID  int64

	Secret        []byte    // sealed; signs what is sent
	Previous      []byte    // sealed; signs too until PreviousUntil; nil: none
	PreviousUntil time.Time // zero: there is none

	// Why the service has disabled it, and when.
	Disabled   WebhookEnd
	DisabledAt time.Time

	CreatedAt time.Time
	UpdatedAt time.Time

	WebhookProgress
}

// WebhookEnd is why the service has disabled a webhook; empty: it has not.
type WebhookEnd string

// The reasons.
const (
	WebhookGone    WebhookEnd = "gone"    // the endpoint has answered 410
	WebhookFailing WebhookEnd = "failing" // nothing could be delivered for days
)

// WebhookProgress is how far the deliveries of a webhook are, and who makes them.
type WebhookProgress struct {
	Cursor       int64     // all events up to this id are delivered, left out, or have a delivery
	DeliveredAt  time.Time // the last success; zero: none
	FailingSince time.Time // the first failure after that; zero: it works
	Holder       string    // who delivers; empty: nobody
	Token        int64     // how often the holder has changed
	Beat         int64     // moves while the holder is alive
	Replays      int64     // how often deliveries were asked for again
}

// Filter selects the events of the webhook.
func (w Webhook) Filter() StreamFilter {
	return StreamFilter{Types: w.Types, Resource: w.Resource, ResourceID: w.ResourceID}
}

// Validate joins the faults of all fields.
func (w Webhook) Validate() error {
	return errors.Join(
		checkName("name", w.Name), checkDescription(w.Description), checkWebhookURL(w.URL), checkEventTypes(w.Types),
		checkWebhookResource(w),
	)
}

// checkWebhookURL accepts what a request can be sent to. Credentials do not belong into it, because
// it is shown to everybody who may read webhooks.
func checkWebhookURL(text string) error {
	if text == "" {
		return Fault(Required, "url", ReasonRequired)
	}
	if len(text) > MaxWebhookURL {
		return Fault(Invalid, "url", ReasonTooLong, MaxWebhookURL)
	}
	u, err := url.Parse(text)
	plain := !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
	if err != nil || !plain || u.Hostname() == "" || u.User != nil || u.Fragment != "" || !portFits(u) ||
		u.Scheme != "https" && u.Scheme != "http" {
		return Fault(Invalid, "url", ReasonWebhookURL)
	}
	return nil
}

func portFits(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	port, err := strconv.Atoi(u.Port())
	return err == nil && port > 0 && port < 1<<16
}

func checkEventTypes(list []EventType) error {
	var faults FaultList
	if len(list) > MaxWebhookTypes {
		faults.Add(Fault(Invalid, "types", ReasonTooMany, MaxWebhookTypes))
	}
	for i, one := range list {
		place := fmt.Sprintf("types[%d]", i)
		if !slices.Contains(EventTypes(), one) {
			faults.Add(Fault(Invalid, place, ReasonChoice, "EventType"))
		} else if slices.Contains(list[:i], one) {
			faults.Add(Fault(Duplicated, place, ReasonTwice))
		}
	}
	return faults.Err()
}

func checkWebhookResource(w Webhook) error {
	var faults FaultList
	faults.Add(checkNameText("resource", string(w.Resource), 64))
	switch {
	case w.ResourceID < 0 || w.ResourceID > MaxID:
		faults.Add(Fault(Invalid, "resource_id", ReasonFormat))
	case w.ResourceID != 0 && w.Resource == "":
		faults.Add(Fault(Required, "resource", ReasonRequired))
	}
	return faults.Err()
}

// WebhookUpdate is a partial change: nil is unchanged; "", 0 and an empty list clear.
type WebhookUpdate struct {
	Name, Description, URL *string
	Enabled                *bool
	Types                  *[]EventType
	Resource               *Scope
	ResourceID             *int64
}

// Apply changes w, or says which fields are at fault and leaves w in an undefined state. A webhook
// that is enabled is not disabled by the service any more.
func (u WebhookUpdate) Apply(w *Webhook) error {
	setName(&w.Name, u.Name)
	set(&w.Description, u.Description)
	set(&w.URL, u.URL)
	set(&w.Enabled, u.Enabled)
	set(&w.Types, u.Types)
	set(&w.Resource, u.Resource)
	set(&w.ResourceID, u.ResourceID)
	if u.Enabled != nil && *u.Enabled {
		w.Disabled, w.DisabledAt, w.FailingSince = "", time.Time{}, time.Time{}
	}
	return w.Validate()
}

// Webhooks keeps the webhooks, with how far their deliveries are. A name is unique regardless of
// case.
//
// Who delivers is a lease: Take gives it, with a token, to a holder; what a holder stores is stored
// only while the token is the last one. Whether a holder is alive is seen by Beat, which
// moves; no clock is compared.
//
// The group Webhooks of the suite tests it.
type Webhooks interface {
	// Page returns one page of all webhooks, by ascending id. See PageRequest for its bounds.
	Page(ctx context.Context, page PageRequest) (Page[Webhook], error)
	// Get returns one webhook. Errors: Missing.
	Get(ctx context.Context, id int64) (Webhook, error)
	// Lock is a Get after which no other transaction can change the webhook, or store deliveries of
	// it, until this one ends. Errors: Missing.
	Lock(ctx context.Context, id int64) (Webhook, error)
	// Create stores w with its Cursor, and sets w.ID. Nobody holds it. Errors: Duplicated on name.
	Create(ctx context.Context, w *Webhook) error
	// Update stores everything of w but CreatedAt and, of its progress, all but FailingSince.
	// Errors: Missing; Duplicated on name.
	Update(ctx context.Context, w Webhook) error
	// Delete removes a webhook with its deliveries. Errors: Missing.
	Delete(ctx context.Context, id int64) error
	// Count returns how many webhooks there are.
	Count(ctx context.Context) (int, error)

	// Enabled returns the webhooks that are enabled, by ascending id.
	Enabled(ctx context.Context) ([]Webhook, error)
	// Take gives the lease of a webhook to a holder, if its Beat is still beat, and returns the new
	// token; 0: somebody else was first.
	Take(ctx context.Context, id, beat int64, holder string) (token int64, err error)
	// Alive moves the Beat of all webhooks of a holder.
	Alive(ctx context.Context, holder string) error
	// Release ends all leases of a holder.
	Release(ctx context.Context, holder string) error
	// Settle stores what became of deliveries, and reports whether it did: not if the token of the
	// webhook is another one. All of it is stored, or nothing.
	Settle(ctx context.Context, s Settlement) (bool, error)
}

// Settlement is what the holder of a webhook stores. A delivery that is there is replaced.
type Settlement struct {
	WebhookID, Token int64
	Cursor           int64
	DeliveredAt      time.Time
	FailingSince     time.Time
	Deliveries       []WebhookDelivery
	Freed            []Lane    // lanes of which the first waiting delivery is due now, if there is one
	Now              time.Time // for Freed
}
