package storetest

import (
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
)

func sampleWebhook() domain.Webhook {
	return domain.Webhook{
		Name: fresh("Alertas ☃"), Description: "para\nalertas", URL: "https://hooks.example.com/a?b=c", Enabled: true,
		Types:    []domain.EventType{domain.EventCertificateRevoked, domain.EventCAExpiring},
		Resource: domain.ScopeClients, ResourceID: 7, Secret: octets(), Previous: octets(),
		PreviousUntil: noon.Add(time.Hour), Disabled: domain.WebhookGone, DisabledAt: noon.Add(time.Second),
		CreatedAt: noon, UpdatedAt: noon.Add(time.Second),
		WebhookProgress: domain.WebhookProgress{Cursor: 1042, FailingSince: noon.Add(time.Minute)},
	}
}

func newWebhook(t testing.TB, s domain.Store, alter ...func(*domain.Webhook)) domain.Webhook {
	t.Helper()
	w := sampleWebhook()
	for _, change := range alter {
		change(&w)
	}
	check(t, s.Webhooks().Create(t.Context(), &w))
	return w
}

// webhookRules is the contract of domain.Webhooks.
var webhookRules = rules{
	{storedForm, testWebhookForm},
	{missing, testWebhookMissing},
	{unique, testWebhookUnique},
	{updates, testWebhookUpdates},
	{order, testWebhookOrder},
	{locks, testWebhookLeases},
	{atomicity, testWebhookSettle},
}

func testWebhookForm(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("a webhook is read back whole, with all fields or with the least", func(t *testing.T) {
		full := newWebhook(t, s)
		least := domain.Webhook{Name: fresh("least"), Secret: []byte{1}, CreatedAt: noon, UpdatedAt: noon}
		check(t, s.Webhooks().Create(ctx, &least))
		for _, want := range []domain.Webhook{full, least} {
			wantSame(t, must(s.Webhooks().Get(ctx, want.ID))(t), want)
			check(t, s.Transact(ctx, func(tx domain.Store) error {
				locked, err := tx.Webhooks().Lock(ctx, want.ID)
				wantSame(t, locked, want)
				return err
			}))
		}
		enabled := must(s.Webhooks().Enabled(ctx))(t)
		wantSame(t, enabled, []domain.Webhook{full})
		wantSame(t, must(s.Webhooks().Count(ctx))(t), 2)
	})
}

func testWebhookMissing(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("what does not exist is missing", func(t *testing.T) {
		_, err := s.Webhooks().Get(ctx, absent)
		wantMissing(t, err)
		_, err = s.Webhooks().Lock(ctx, absent)
		wantMissing(t, err)
		wantMissing(t, s.Webhooks().Delete(ctx, absent))
		wantMissing(t, s.Webhooks().Update(ctx, domain.Webhook{ID: absent, Name: fresh("absent"), Secret: []byte{1}}))
		_, err = s.WebhookDeliveries().Get(ctx, absent, 1)
		wantMissing(t, err)
	})
	t.Run("a webhook is deleted with its deliveries, and no other's", func(t *testing.T) {
		gone, stays := newWebhook(t, s), newWebhook(t, s)
		settle(t, s, &gone, 5, delivery(1, 1, domain.DeliveryDead))
		settle(t, s, &stays, 5, delivery(1, 1, domain.DeliveryDead))
		check(t, s.Webhooks().Delete(ctx, gone.ID))
		_, err := s.WebhookDeliveries().Get(ctx, gone.ID, 1)
		wantMissing(t, err)
		must(s.WebhookDeliveries().Get(ctx, stays.ID, 1))(t)
	})
}

func testWebhookUnique(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("a name is taken regardless of case", func(t *testing.T) {
		taken, other := newWebhook(t, s), newWebhook(t, s)
		other.Name = "aL" + taken.Name[2:]
		wantFault(t, s.Webhooks().Update(ctx, other), domain.Duplicated, "name", domain.ReasonDuplicated)
		wantFault(t, s.Webhooks().Create(ctx, &other), domain.Duplicated, "name", domain.ReasonDuplicated)
	})
}

func testWebhookUpdates(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("an update replaces everything but the creation and the progress", func(t *testing.T) {
		before := newWebhook(t, s)
		want := domain.Webhook{
			ID: before.ID, Name: fresh("renamed"), URL: "http://localhost", Secret: []byte{2}, CreatedAt: noon,
			UpdatedAt: noon.Add(time.Hour), WebhookProgress: domain.WebhookProgress{Cursor: 1042},
		}
		asked := want
		asked.CreatedAt = noon.Add(time.Hour)
		asked.WebhookProgress = domain.WebhookProgress{
			Cursor: 1, DeliveredAt: noon, Holder: "other", Token: 9, Beat: 9, Replays: 9,
		}
		check(t, s.Webhooks().Update(ctx, asked))
		wantSame(t, must(s.Webhooks().Get(ctx, want.ID))(t), want)
	})
}

func testWebhookOrder(t *testing.T, s domain.Store) {
	t.Run("pages are by ascending id", func(t *testing.T) {
		for range 5 {
			newWebhook(t, s)
		}
		walk(t, s.Webhooks().Page, pageIDs(must(s.Webhooks().Page(t.Context(), domain.PageRequest{Size: 100}))(t)), 2)
	})
}

func testWebhookLeases(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("of many who take a lease at once one gets it", func(t *testing.T) {
		w := newWebhook(t, s)
		tokens, faults := domaintest.Together(6, func(int) (int64, error) {
			return s.Webhooks().Take(ctx, w.ID, w.Beat, fresh("holder"))
		})
		sum := int64(0)
		for i, token := range tokens {
			check(t, faults[i])
			sum += token
		}
		wantSame(t, sum, 1)
	})
	t.Run("a lease that has moved can't be taken, and each holder has a token of its own", func(t *testing.T) {
		w := newWebhook(t, s)
		wantSame(t, must(s.Webhooks().Take(ctx, w.ID, w.Beat, "a"))(t), 1)
		seen := must(s.Webhooks().Get(ctx, w.ID))(t)
		check(t, s.Webhooks().Alive(ctx, "other"))
		wantSame(t, must(s.Webhooks().Get(ctx, w.ID))(t), seen)
		check(t, s.Webhooks().Alive(ctx, "a"))
		wantSame(t, must(s.Webhooks().Take(ctx, w.ID, seen.Beat, "b"))(t), 0)
		seen = must(s.Webhooks().Get(ctx, w.ID))(t)
		wantSame(t, must(s.Webhooks().Take(ctx, w.ID, seen.Beat, "b"))(t), 2)
		check(t, s.Webhooks().Release(ctx, "a"))
		wantSame(t, must(s.Webhooks().Get(ctx, w.ID))(t).Holder, "b")
		check(t, s.Webhooks().Release(ctx, "b"))
		wantSame(t, must(s.Webhooks().Get(ctx, w.ID))(t).Holder, "")
	})
}

func testWebhookSettle(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("only the holder of the last token stores, and all or nothing", func(t *testing.T) {
		w := newWebhook(t, s)
		before := must(s.Webhooks().Get(ctx, w.ID))(t)
		late := domain.Settlement{
			WebhookID: w.ID, Token: w.Token + 1, Cursor: 2000,
			Deliveries: []domain.WebhookDelivery{delivery(1, 1, domain.DeliveryDone)},
		}
		wantSame(t, must(s.Webhooks().Settle(ctx, late))(t), false)
		wantSame(t, must(s.Webhooks().Get(ctx, w.ID))(t), before)
		_, err := s.WebhookDeliveries().Get(ctx, w.ID, 1)
		wantMissing(t, err)
	})
	t.Run("the progress is stored", func(t *testing.T) {
		w := newWebhook(t, s)
		stored := must(s.Webhooks().Settle(ctx, domain.Settlement{WebhookID: w.ID, Cursor: 2000, DeliveredAt: noon}))(t)
		wantSame(t, stored, true)
		w.Cursor, w.DeliveredAt, w.FailingSince, w.Beat = 2000, noon, time.Time{}, w.Beat+1
		wantSame(t, must(s.Webhooks().Get(ctx, w.ID))(t), w)
	})
}
