package events

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
	"github.com/chaveiro/chaveiro/pkg/seal"
)

// Webhooks are the use cases of webhooks. Deliverer delivers.
type Webhooks struct {
	Store    domain.Store
	Recorder *audit.Recorder
	Keys     *seal.Keyring
	Sender   *Sender
	Now      func() time.Time
}

// IssuedWebhook is a webhook with its new key, which nobody can read again.
type IssuedWebhook struct {
	domain.Webhook
	Key string // whsec_ and base64, of Standard Webhooks
}

// LogValue keeps the key out of logs.
func (i IssuedWebhook) LogValue() slog.Value { return slog.Int64Value(i.ID) }

// webhooks describes webhooks to the audit and the log.
var webhooks = audit.Resource[domain.Webhook]{
	Scope: domain.ScopeWebhooks,
	Facts: func(w domain.Webhook) audit.Facts {
		types := make([]string, len(w.Types))
		for i, one := range w.Types {
			types[i] = string(one)
		}
		return audit.Facts{
			"name": w.Name, "description": w.Description, "url": w.URL, "enabled": w.Enabled, "types": types,
			"resource": string(w.Resource), "resource_id": w.ResourceID,
			"previous_until": audit.Moment(w.PreviousUntil), "disabled": string(w.Disabled),
			"disabled_at": audit.Moment(w.DisabledAt),
		}
	},
	Name: func(w domain.Webhook) (int64, string) { return w.ID, w.Name },
}

// DefaultKeyOverlap is how long the key before signs too after a rotation.
const DefaultKeyOverlap = 24 * time.Hour

// keyBytes is the length of a key.
const keyBytes = 32

// keyPrefix is that of Standard Webhooks.
const keyPrefix = "whsec_"

// place binds a sealed key to its webhook.
func place(id int64) string { return fmt.Sprintf("webhook/%d/key", id) }

// SealedContexts says what the sealed values of this package are bound to.
func SealedContexts() map[domain.SealedKind]func(domain.SealedPlace) string {
	context := func(p domain.SealedPlace) string { return place(p.ID) }
	return map[domain.SealedKind]func(domain.SealedPlace) string{
		domain.SealedWebhookKey: context, domain.SealedEarlierWebhook: context,
	}
}

// renew gives a webhook a new key, and returns it.
func (s *Webhooks) renew(w *domain.Webhook) string {
	key := make([]byte, keyBytes)
	rand.Read(key)
	w.Secret = s.Keys.Seal(key, place(w.ID))
	return keyPrefix + base64.StdEncoding.EncodeToString(key)
}

// Page lists webhooks.
func (s *Webhooks) Page(ctx context.Context, page domain.PageRequest) (domain.Page[domain.Webhook], error) {
	return s.Store.Webhooks().Page(ctx, page)
}

// Get returns one webhook.
func (s *Webhooks) Get(ctx context.Context, id int64) (domain.Webhook, error) {
	return s.Store.Webhooks().Get(ctx, id)
}

// Create makes a webhook. It gets what happens from now on. Errors: those of its fields, also when
// the address is not allowed.
func (s *Webhooks) Create(ctx context.Context, w domain.Webhook) (IssuedWebhook, error) {
	return idempotency.Do(ctx, s.Recorder.Results, func() (IssuedWebhook, error) { return s.create(ctx, w) })
}

func (s *Webhooks) create(ctx context.Context, w domain.Webhook) (made IssuedWebhook, err error) {
	w.Name = domain.CleanName(w.Name)
	if err := s.check(w); err != nil {
		return made, err
	}
	w.CreatedAt, w.UpdatedAt, w.Secret = s.Now(), s.Now(), []byte{}
	err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		made = IssuedWebhook{Webhook: w}
		if made.Cursor, err = beginning(ctx, tx); err != nil {
			return none, err
		}
		if err := tx.Webhooks().Create(ctx, &made.Webhook); err != nil {
			return none, err
		}
		made.Key = s.renew(&made.Webhook)
		if err := tx.Webhooks().Update(ctx, made.Webhook); err != nil {
			return none, err
		}
		change := webhooks.Created(made.Webhook)
		change.Result = made
		return change, nil
	})
	return made, err
}

// beginning is where a new webhook begins, if there is room for one.
func beginning(ctx context.Context, tx domain.Store) (int64, error) {
	n, err := tx.Webhooks().Count(ctx)
	if err == nil && n >= domain.MaxWebhooks {
		err = domain.Fault(domain.Rule, "", domain.ReasonWebhookMany, domain.MaxWebhooks)
	}
	if err != nil {
		return 0, err
	}
	ends, err := tx.Events().Ends(ctx)
	return ends.Newest, err
}

// check joins the faults of all fields. Whether the address is allowed is looked at only when it is
// one.
func (s *Webhooks) check(w domain.Webhook) error {
	if err := w.Validate(); err != nil {
		return err
	}
	return s.Sender.CheckURL(w.URL)
}

// Update changes a webhook. One that is enabled again goes on where it has stopped.
func (s *Webhooks) Update(ctx context.Context, id int64, update domain.WebhookUpdate) (w domain.Webhook, err error) {
	err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (done audit.Change, err error) {
		rows := tx.Webhooks()
		w, done, err = webhooks.Edit(ctx, id, rows.Lock, rows.Update, func(w *domain.Webhook) error {
			before := w.URL
			w.UpdatedAt = s.Now()
			if err := update.Apply(w); err != nil || w.URL == before {
				return err
			}
			return s.Sender.CheckURL(w.URL)
		})
		return done, err
	})
	return w, err
}

// Delete removes a webhook, with what waits for it.
func (s *Webhooks) Delete(ctx context.Context, id int64) error {
	return s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (audit.Change, error) {
		return webhooks.Remove(ctx, id, tx.Webhooks().Lock, tx.Webhooks().Delete)
	})
}

// Rotate gives a webhook a new key. The key before signs too until the overlap ends; one before
// that no more.
func (s *Webhooks) Rotate(ctx context.Context, id int64, overlap time.Duration) (IssuedWebhook, error) {
	if err := domain.CheckOverlap(overlap); err != nil {
		return IssuedWebhook{}, err
	}
	return idempotency.Do(ctx, s.Recorder.Results, func() (IssuedWebhook, error) { return s.rotate(ctx, id, overlap) })
}

func (s *Webhooks) rotate(ctx context.Context, id int64, overlap time.Duration) (made IssuedWebhook, err error) {
	err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		before, err := tx.Webhooks().Lock(ctx, id)
		if err != nil {
			return none, err
		}
		made = IssuedWebhook{Webhook: before}
		made.Previous, made.PreviousUntil, made.UpdatedAt = nil, time.Time{}, s.Now()
		if overlap > 0 {
			made.Previous, made.PreviousUntil = before.Secret, s.Now().Add(overlap)
		}
		made.Key = s.renew(&made.Webhook)
		if err := tx.Webhooks().Update(ctx, made.Webhook); err != nil {
			return none, err
		}
		change := webhooks.Changed(domain.ActionRotate, before, made.Webhook)
		change.Result = made
		return change, nil
	})
	return made, err
}

// Deliveries lists the deliveries of a webhook. Errors: *domain.Error with Missing.
func (s *Webhooks) Deliveries(
	ctx context.Context, filter domain.DeliveryFilter, page domain.PageRequest,
) (domain.Page[domain.WebhookDelivery], error) {
	if _, err := s.Store.Webhooks().Get(ctx, filter.WebhookID); err != nil {
		return domain.Page[domain.WebhookDelivery]{}, err
	}
	return s.Store.WebhookDeliveries().Page(ctx, filter, page)
}

// Delivery returns the delivery of an event to a webhook.
func (s *Webhooks) Delivery(ctx context.Context, id, eventID int64) (domain.WebhookDelivery, error) {
	return s.Store.WebhookDeliveries().Get(ctx, id, eventID)
}

// Replayed is how many deliveries are sent again.
type Replayed struct{ Deliveries int }

// Replay sends deliveries of a webhook again that are delivered or dead, those of a resource in
// their order.
func (s *Webhooks) Replay(ctx context.Context, filter domain.DeliveryFilter) (Replayed, error) {
	return idempotency.Do(ctx, s.Recorder.Results, func() (Replayed, error) { return s.replay(ctx, filter) })
}

// ReplayOne sends one delivery again. Errors: *domain.Error with Missing; with Rule when it waits.
func (s *Webhooks) ReplayOne(ctx context.Context, id, eventID int64) (Replayed, error) {
	return idempotency.Do(ctx, s.Recorder.Results, func() (Replayed, error) {
		found, err := s.Delivery(ctx, id, eventID)
		if err := errors.Join(err, waits(found)); err != nil {
			return Replayed{}, err
		}
		return s.replay(ctx, domain.DeliveryFilter{WebhookID: id, EventID: eventID})
	})
}

// waits is the fault of a delivery that is under way.
func waits(d domain.WebhookDelivery) error {
	if d.State != domain.DeliveryWaiting {
		return nil
	}
	return domain.Fault(domain.Rule, "id", domain.ReasonWebhookWaits)
}

func (s *Webhooks) replay(ctx context.Context, filter domain.DeliveryFilter) (done Replayed, err error) {
	err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		w, err := tx.Webhooks().Lock(ctx, filter.WebhookID)
		if err != nil {
			return none, err
		}
		done.Deliveries, err = tx.WebhookDeliveries().Replay(ctx, filter, s.Now())
		if err != nil {
			return none, err
		}
		if done.Deliveries == 0 { // also when the same request has just done it
			return none, s.Recorder.Results.Keep(ctx, tx, done)
		}
		return audit.Change{
			Action: domain.ActionReplay, Resource: domain.ScopeWebhooks, ID: w.ID, Name: w.Name,
			After: audit.Facts{"deliveries": done.Deliveries}, Result: done,
		}, nil
	})
	return done, err
}

// Test sends an event of the type ping at once, whether or not the webhook is enabled, and says
// what came of it. The turn of the request is given back meanwhile.
func (s *Webhooks) Test(ctx context.Context, id int64) (Attempt, error) {
	w, err := s.Store.Webhooks().Get(ctx, id)
	if err != nil {
		return Attempt{}, err
	}
	keys, err := openKeys(s.Keys, w)
	if err != nil {
		return Attempt{}, err
	}
	domain.GiveTurn(ctx)
	ping, err := pingOf(w, s.Now())
	if err != nil {
		return Attempt{}, err
	}
	return s.Sender.Send(ctx, w.URL, ping.signed(keys, s.Now())), nil
}
