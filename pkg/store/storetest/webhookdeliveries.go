package storetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// delivery is one of an event of the resource of an id.
func delivery(eventID, resourceID int64, state domain.DeliveryState) domain.WebhookDelivery {
	e := sampleStreamEvent()
	e.ID, e.ResourceID = eventID, resourceID
	return domain.WebhookDelivery{
		Event: e, State: state, Attempts: 3, Status: 500, Fault: domain.FaultStatus, Took: 45 * time.Millisecond,
		CreatedAt: noon, UpdatedAt: noon.Add(time.Microsecond),
	}
}

// waiting is a delivery that is due at a time; zero: another one comes first.
func waiting(eventID, resourceID int64, at time.Time) domain.WebhookDelivery {
	d := delivery(eventID, resourceID, domain.DeliveryWaiting)
	d.NextAt = at
	return d
}

func settle(t testing.TB, s domain.Store, w *domain.Webhook, cursor int64, list ...domain.WebhookDelivery) {
	t.Helper()
	stored := must(s.Webhooks().Settle(t.Context(), domain.Settlement{
		WebhookID: w.ID, Token: w.Token, Cursor: cursor, Deliveries: list,
	}))(t)
	wantSame(t, stored, true)
}

// deliveryRules is the contract of domain.WebhookDeliveries.
var deliveryRules = rules{
	{storedForm, testDeliveryForm},
	{updates, testDeliveryUpdates},
	{order, testDeliveryOrder},
	{"Due", testDeliveryDue},
	{"Replay", testDeliveryReplay},
	{"Purge", testDeliveryPurge},
}

func testDeliveryForm(t *testing.T, s domain.Store) {
	t.Run("a delivery is read back whole", func(t *testing.T) {
		w := newWebhook(t, s)
		full, least := waiting(3, 7, noon.Add(time.Hour)), domain.WebhookDelivery{CreatedAt: noon, UpdatedAt: noon}
		least.Event = domain.StreamEvent{ID: 4, At: noon}
		settle(t, s, &w, 9, full, least)
		for _, want := range []domain.WebhookDelivery{full, least} {
			want.WebhookID = w.ID
			wantSame(t, must(s.WebhookDeliveries().Get(t.Context(), w.ID, want.Event.ID))(t), want)
		}
		beyond := must(s.WebhookDeliveries().Beyond(t.Context(), w.ID, 3))(t)
		wantSame(t, beyond, []int64{4})
	})
}

func testDeliveryUpdates(t *testing.T, s domain.Store) {
	t.Run("a delivery that is there gets another state, and stays the same event", func(t *testing.T) {
		w := newWebhook(t, s)
		first := waiting(3, 7, noon)
		settle(t, s, &w, 9, first)
		again := delivery(3, 8, domain.DeliveryDone)
		again.Attempts, again.Status, again.Fault, again.Took = 4, 204, "", time.Second
		again.CreatedAt, again.UpdatedAt = noon.Add(time.Hour), noon.Add(time.Minute)
		settle(t, s, &w, 9, again)
		want := again
		want.WebhookID, want.Event, want.CreatedAt = w.ID, first.Event, noon
		wantSame(t, must(s.WebhookDeliveries().Get(t.Context(), w.ID, 3))(t), want)
	})
}

func testDeliveryOrder(t *testing.T, s domain.Store) {
	t.Run("pages have the deliveries of a webhook by ascending id of the event", func(t *testing.T) {
		w, other := newWebhook(t, s), newWebhook(t, s)
		var all, dead []int64
		for id := int64(7); id > 0; id-- {
			state := []domain.DeliveryState{domain.DeliveryDone, domain.DeliveryDead}[id%2]
			settle(t, s, &w, 9, delivery(id, 1, state))
			settle(t, s, &other, 9, delivery(id, 1, state))
			if all = append(all, id); state == domain.DeliveryDead {
				dead = append(dead, id)
			}
		}
		slices.Sort(all)
		slices.Sort(dead)
		for state, ids := range map[domain.DeliveryState][]int64{"": all, domain.DeliveryDead: dead} {
			filter := domain.DeliveryFilter{WebhookID: w.ID, State: state}
			walk(t, func(ctx context.Context, req domain.PageRequest) (p domain.Page[domain.StreamEvent], err error) {
				found, err := s.WebhookDeliveries().Page(ctx, filter, req)
				p.Current, p.Next, p.Previous = found.Current, found.Next, found.Previous
				p.Items = []domain.StreamEvent{}
				for _, d := range found.Items {
					p.Items = append(p.Items, d.Event)
				}
				return p, err
			}, ids, 2)
		}
	})
}

func eventIDs(list []domain.WebhookDelivery) (ids []int64) {
	for _, d := range list {
		ids = append(ids, d.Event.ID)
	}
	return ids
}

func testDeliveryDue(t *testing.T, s domain.Store) {
	ctx, rows := t.Context(), s.WebhookDeliveries()
	w, other := newWebhook(t, s), newWebhook(t, s)
	settle(t, s, &other, 99, waiting(1, 1, noon.Add(-time.Hour)))
	settle(t, s, &w, 99,
		waiting(10, 1, noon), waiting(11, 1, time.Time{}), waiting(12, 2, noon.Add(time.Microsecond)),
		waiting(13, 3, noon.Add(-time.Second)), delivery(14, 1, domain.DeliveryDone), waiting(15, 1, time.Time{}),
	)
	lane := func(id int64) domain.Lane { return waiting(1, id, noon).Lane() }
	first := func(each int, ids ...int64) []int64 {
		lanes := make([]domain.Lane, len(ids))
		for i, id := range ids {
			lanes[i] = lane(id)
		}
		return eventIDs(must(rows.First(ctx, w.ID, lanes, each))(t))
	}
	t.Run("lanes are due in their order, and what waits in them is there", func(t *testing.T) {
		wantSame(t, must(rows.Due(ctx, w.ID, noon, 10))(t), []domain.Lane{lane(3), lane(1)})
		wantSame(t, must(rows.Due(ctx, w.ID, noon, 1))(t), []domain.Lane{lane(3)})
		wantSame(t, first(10, 1, 3, 4), []int64{10, 11, 13, 15})
		wantSame(t, first(2, 1, 2), []int64{10, 11, 12})
		wantSame(t, len(first(10)), 0)
		wantSame(t, must(rows.NextDue(ctx, w.ID))(t), noon.Add(-time.Second))
		wantSame(t, must(rows.NextDue(ctx, absent))(t), time.Time{})
	})
	t.Run("a lane is blocked that has something that waits", func(t *testing.T) {
		wantSame(t, must(rows.Blocked(ctx, w.ID, []int64{2, 4}))(t), []domain.Lane{lane(2)})
		wantSame(t, len(must(rows.Blocked(ctx, w.ID, nil))(t)), 0)
	})
	t.Run("the first one of a lane that is freed is due, and no other", func(t *testing.T) {
		settle(t, s, &w, 99, delivery(10, 1, domain.DeliveryDone), delivery(13, 3, domain.DeliveryDead))
		wantSame(t, len(must(rows.Due(ctx, w.ID, noon, 10))(t)), 0)
		must(s.Webhooks().Settle(ctx, domain.Settlement{
			WebhookID: w.ID, Cursor: 99, Now: noon,
			Freed: []domain.Lane{lane(1), lane(3)},
		}))(t)
		wantSame(t, must(rows.Due(ctx, w.ID, noon, 10))(t), []domain.Lane{lane(1)})
		wantSame(t, first(10, 1), []int64{11, 15})
		wantSame(t, must(rows.Get(ctx, w.ID, 11))(t).NextAt, noon)
		wantSame(t, must(rows.Get(ctx, w.ID, 15))(t).NextAt, time.Time{})
	})
	t.Run("the first one of a lane that waits for nobody is due, and no other", func(t *testing.T) {
		settle(t, s, &w, 99, delivery(11, 1, domain.DeliveryDone))
		settle(t, s, &w, 99, waiting(16, 1, time.Time{}), waiting(17, 2, time.Time{}))
		wantSame(t, must(rows.FreeStuck(ctx, w.ID, noon))(t), 1)
		wantSame(t, must(rows.Due(ctx, w.ID, noon, 10))(t), []domain.Lane{lane(1)})
		wantSame(t, must(rows.Get(ctx, w.ID, 15))(t).NextAt, noon)
		wantSame(t, must(rows.Get(ctx, w.ID, 16))(t).NextAt, time.Time{})
		wantSame(t, must(rows.Get(ctx, w.ID, 17))(t).NextAt, time.Time{})
		wantSame(t, must(rows.FreeStuck(ctx, w.ID, noon.Add(time.Hour)))(t), 0)
	})
}

func testDeliveryReplay(t *testing.T, s domain.Store) {
	ctx, rows := t.Context(), s.WebhookDeliveries()
	t.Run("deliveries wait again that the filter selects", func(t *testing.T) {
		w, other := newWebhook(t, s), newWebhook(t, s)
		late := delivery(3, 1, domain.DeliveryDead)
		late.Event.At = noon.Add(time.Hour)
		list := []domain.WebhookDelivery{
			delivery(1, 1, domain.DeliveryDead), delivery(2, 1, domain.DeliveryDone), late,
			waiting(4, 1, noon.Add(time.Hour)),
		}
		settle(t, s, &w, 9, list...)
		settle(t, s, &other, 9, list...)
		filter := domain.DeliveryFilter{WebhookID: w.ID, State: domain.DeliveryDead, Since: noon.Add(time.Minute)}
		wantSame(t, must(rows.Replay(ctx, filter, noon))(t), 1)
		again := must(rows.Get(ctx, w.ID, 3))(t)
		wantSame(t, []any{again.State, again.Attempts, again.NextAt}, []any{domain.DeliveryWaiting, 0, noon})
		wantSame(t, must(rows.Get(ctx, w.ID, 1))(t).State, domain.DeliveryDead)
		wantSame(t, must(rows.Replay(ctx, domain.DeliveryFilter{WebhookID: w.ID, EventID: 2}, noon))(t), 1)
		wantSame(t, must(rows.Replay(ctx, domain.DeliveryFilter{WebhookID: w.ID}, noon))(t), 1)
		wantSame(t, must(rows.Get(ctx, w.ID, 4))(t).NextAt, noon.Add(time.Hour))
		wantSame(t, must(rows.Get(ctx, other.ID, 1))(t).State, domain.DeliveryDead)
		wantSame(t, must(s.Webhooks().Get(ctx, w.ID))(t).Replays, 3)
	})
}

func testDeliveryPurge(t *testing.T, s domain.Store) {
	ctx, rows := t.Context(), s.WebhookDeliveries()
	w, other := newWebhook(t, s), newWebhook(t, s)
	dead := must(rows.Dead(ctx))(t)
	for id := int64(1); id <= 6; id++ {
		settle(t, s, &w, 9, delivery(id, 1, domain.DeliveryDone))
	}
	young := delivery(7, 1, domain.DeliveryDone)
	young.UpdatedAt = noon.Add(time.Hour)
	settle(t, s, &w, 9, young, delivery(8, 1, domain.DeliveryDead))
	settle(t, s, &other, 9, delivery(1, 1, domain.DeliveryDone))
	purge := func(before time.Time, most, limit int) int {
		return must(rows.Purge(ctx, w.ID, domain.DeliveryDone, before, most, limit))(t)
	}
	t.Run("old ones are removed, some at a time", func(t *testing.T) {
		wantSame(t, purge(noon, 100, 10), 0)
		wantSame(t, purge(noon.Add(time.Minute), 100, 2), 2)
		page := must(rows.Page(ctx, domain.DeliveryFilter{WebhookID: w.ID}, domain.PageRequest{Size: 10}))(t)
		wantSame(t, eventIDs(page.Items), []int64{3, 4, 5, 6, 7, 8})
	})
	t.Run("and those beyond the number that is kept", func(t *testing.T) {
		wantSame(t, purge(noon, 2, 10), 3)
		wantSame(t, purge(noon, 2, 10), 0)
		page := must(rows.Page(ctx, domain.DeliveryFilter{WebhookID: w.ID}, domain.PageRequest{Size: 10}))(t)
		wantSame(t, eventIDs(page.Items), []int64{6, 7, 8})
		must(rows.Get(ctx, other.ID, 1))(t)
		wantSame(t, must(rows.Dead(ctx))(t), dead+1)
	})
}
