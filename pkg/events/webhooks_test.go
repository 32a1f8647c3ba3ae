package events_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/events"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestWebhooks_Deliver: everything that happens on two replicas arrives once, signed, those of a
// resource in their order.
func TestWebhooks_Deliver(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler).With(t, local)
			r := receive(t, nil)
			made := hook(t, w, r.URL)
			work(t, w)
			other := w.Replica(t)
			if engine == "postgres" {
				work(t, other)
			}
			var workers sync.WaitGroup
			const roles, changes = 4, 12
			for i := range roles {
				one := role(t, w)
				workers.Go(func() { updates(t, []*World{w, other}[i%2], one.ID, changes) })
			}
			workers.Wait()
			taken := r.await(t, roles*(changes+1))
			want := map[int64][]string{}
			for _, e := range told(t, w) {
				if e.Resource == domain.ScopeRoles {
					want[e.ResourceID] = append(want[e.ResourceID], e.ResourceName)
				}
			}
			WantSame(t, perResource(taken), want)
			for _, one := range taken {
				wantSigned(t, one, made.Key)
				WantSame(t, one.id, fmt.Sprintf("evt_%d", one.Data.ID))
			}
			eventually(t, "log of all deliveries", func() bool {
				return len(deliveries(t, w, made.ID, domain.DeliveryDone)) == roles*(changes+1)
			})
		})
	}
}

func deliveries(t testing.TB, w *World, id int64, state domain.DeliveryState) []domain.WebhookDelivery {
	t.Helper()
	page := domain.PageRequest{Size: 100}
	return Must(w.Webhooks.Deliveries(t.Context(), domain.DeliveryFilter{WebhookID: id, State: state}, page))(t).Items
}

func names(list []arrived) (all []string) {
	for _, one := range list {
		all = append(all, one.Data.ResourceName)
	}
	return all
}

// TestWebhooks_Order: an event that fails holds back the later ones of its resource, and no others.
func TestWebhooks_Order(t *testing.T) {
	t.Parallel()
	w := world(t)
	var broken sync.Map
	r := receive(t, func(one arrived) int {
		if _, no := broken.Load(one.Data.ResourceID); no {
			return http.StatusInternalServerError
		}
		return http.StatusOK
	})
	bad, good := role(t, w), role(t, w)
	broken.Store(bad.ID, true)
	made := hook(t, w, r.URL)
	work(t, w)
	updates(t, w, bad.ID, 3)
	updates(t, w, good.ID, 3)
	updates(t, w, bad.ID, 1)
	r.await(t, 3)
	eventually(t, "rows of all that waits", func() bool { return len(deliveries(t, w, made.ID, domain.DeliveryWaiting)) == 4 })
	_, taken := r.all()
	WantSame(t, names(taken), []string{
		fmt.Sprintf("role %d, change 0", good.ID), fmt.Sprintf("role %d, change 1", good.ID), fmt.Sprintf("role %d, change 2", good.ID),
	})
	broken.Delete(bad.ID)
	w.Clock.Pass(10 * time.Second)
	taken = r.await(t, 7)[3:]
	change := func(n int) string { return fmt.Sprintf("role %d, change %d", bad.ID, n) }
	WantSame(t, names(taken), []string{change(0), change(1), change(2), change(0)})
	eventually(t, "end of all that waited", func() bool { return len(deliveries(t, w, made.ID, domain.DeliveryWaiting)) == 0 })
}

// TestWebhooks_DeadLetter: after twelve attempts in three days an event is given up, the next one
// of its resource comes, and a replay sends it again.
func TestWebhooks_DeadLetter(t *testing.T) {
	t.Parallel()
	w := world(t)
	var fixed sync.Map
	r := receive(t, func(one arrived) int {
		if _, ok := fixed.Load("all"); ok || one.Type != string(domain.EventRoleCreated) {
			return http.StatusOK
		}
		return http.StatusServiceUnavailable
	})
	made := hook(t, w, r.URL)
	work(t, w)
	began := w.Clock.Now()
	one := role(t, w)
	Check(t, w.Roles.Delete(Operator(t), one.ID))
	for attempts := 1; attempts < 12; attempts++ {
		eventually(t, fmt.Sprintf("attempt %d", attempts), func() bool {
			list := deliveries(t, w, made.ID, domain.DeliveryWaiting)
			return len(list) == 2 && list[0].Attempts == attempts && list[1].Attempts == 0
		})
		first := deliveries(t, w, made.ID, domain.DeliveryWaiting)[0]
		WantSame(t, []any{first.Status, first.Fault}, []any{503, domain.FaultStatus})
		if wait := first.NextAt.Sub(w.Clock.Now()); wait <= 0 || wait > 29*time.Hour {
			t.Errorf("attempt %d comes after %s", attempts+1, wait)
		}
		w.Clock.Pass(first.NextAt.Sub(w.Clock.Now()))
	}
	WantSame(t, r.await(t, 1)[0].Type, string(domain.EventRoleDeleted))
	if took := w.Clock.Now().Sub(began); took < 2*Day || took > 4*Day {
		t.Errorf("it was given up after %s", took)
	}
	eventually(t, "dead letter", func() bool { return len(deliveries(t, w, made.ID, domain.DeliveryDead)) == 1 })
	fixed.Store("all", true)
	dead := domain.DeliveryFilter{WebhookID: made.ID, State: domain.DeliveryDead}
	WantSame(t, Must(w.Webhooks.Replay(Operator(t), dead))(t).Deliveries, 1)
	again := r.await(t, 2)[1]
	WantSame(t, []string{again.Type, again.id}, []string{string(domain.EventRoleCreated), fmt.Sprintf("evt_%d", again.Data.ID)})
	eventually(t, "end of the dead letter", func() bool { return len(deliveries(t, w, made.ID, domain.DeliveryDone)) == 2 })
	WantSame(t, Must(w.Webhooks.ReplayOne(Operator(t), made.ID, again.Data.ID))(t).Deliveries, 1)
	r.await(t, 3)
}

// TestWebhooks_Redirect: a redirect is not followed, and is a failure.
func TestWebhooks_Redirect(t *testing.T) {
	t.Parallel()
	w := world(t)
	r := receive(t, func(arrived) int { return http.StatusTemporaryRedirect })
	made := hook(t, w, r.URL+"/here")
	got := Must(w.Webhooks.Test(Operator(t), made.ID))(t)
	WantSame(t, []any{got.Status, got.Fault}, []any{307, domain.FaultRedirect})
	all, _ := r.all()
	WantSame(t, len(all), 1)
	WantSame(t, all[0].Type, "ping")
	wantSigned(t, all[0], made.Key)
}

// TestWebhooks_Gone: an endpoint that answers 410, and one that fails for days, are disabled, which
// the stream tells. One that is enabled again goes on where it has stopped.
func TestWebhooks_Gone(t *testing.T) {
	t.Parallel()
	for why, status := range map[domain.WebhookEnd]int{domain.WebhookGone: 410, domain.WebhookFailing: 500} {
		t.Run(string(why), func(t *testing.T) {
			t.Parallel()
			w := world(t)
			var fixed sync.Map
			r := receive(t, func(arrived) int {
				if _, ok := fixed.Load("all"); ok {
					return http.StatusOK
				}
				return status
			})
			made := hook(t, w, r.URL)
			work(t, w)
			one := role(t, w)
			disabled := func() bool { return !Must(w.Webhooks.Get(t.Context(), made.ID))(t).Enabled }
			if why == domain.WebhookFailing {
				eventually(t, "first failure", func() bool { return len(deliveries(t, w, made.ID, domain.DeliveryWaiting)) == 1 })
				WantSame(t, disabled(), false)
				w.Clock.Pass(5 * Day)
			}
			eventually(t, "end of the webhook", disabled)
			WantSame(t, Must(w.Webhooks.Get(t.Context(), made.ID))(t).Disabled, why)
			last := told(t, w)
			WantSame(t, last[len(last)-1].Type, domain.EventWebhookDisabled)
			WantSame(t, last[len(last)-1].Data, `{"reason":"`+string(why)+`","changed":["disabled","disabled_at","enabled"]}`)
			updates(t, w, one.ID, 1)
			fixed.Store("all", true)
			w.Clock.Pass(time.Minute)
			again := Must(w.Webhooks.Update(Operator(t), made.ID, domain.WebhookUpdate{Enabled: new(true)}))(t)
			WantSame(t, again.Disabled, "")
			WantSame(t, len(perResource(r.await(t, 2))[one.ID]), 2)
		})
	}
}

// TestWebhooks_Rotate: after a rotation both keys sign until the overlap ends.
func TestWebhooks_Rotate(t *testing.T) {
	t.Parallel()
	w := world(t)
	r := receive(t, nil)
	made := hook(t, w, r.URL)
	work(t, w)
	rotated := Must(w.Webhooks.Rotate(Operator(t), made.ID, time.Hour))(t)
	n := 0
	last := func() arrived { role(t, w); n++; return r.await(t, n)[n-1] }
	var one arrived
	eventually(t, "delivery with both keys", func() bool { one = last(); return strings.Contains(one.signatures, " ") })
	wantSigned(t, one, rotated.Key, made.Key)
	w.Clock.Pass(time.Hour)
	wantSigned(t, last(), rotated.Key)
}

// TestWebhooks_Slow: an endpoint that does not answer delays no other one.
func TestWebhooks_Slow(t *testing.T) {
	t.Parallel()
	w := world(t)
	stuck := make(chan struct{})
	slow, quick := receive(t, func(arrived) int { <-stuck; return 200 }), receive(t, nil)
	t.Cleanup(func() { close(stuck) })
	hook(t, w, slow.URL)
	hook(t, w, quick.URL)
	work(t, w)
	began := time.Now()
	for range 20 {
		role(t, w)
	}
	quick.await(t, 20)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
}

// TestWebhooks_Takeover: a lease whose holder is silent is taken over within 15 seconds, and one
// that was given back at once; what the holder before stores then is refused.
func TestWebhooks_Takeover(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it waits for a lease to end")
	}
	w := WorldOn(t, NewPostgres(t), slog.DiscardHandler).With(t, local)
	r := receive(t, nil)
	made := hook(t, w, r.URL)
	token := Must(w.Store.Webhooks().Take(t.Context(), made.ID, made.Beat, "silent"))(t)
	stop := work(t, w)
	began := time.Now()
	role(t, w)
	r.await(t, 1)
	if took := time.Since(began); took < 9*time.Second || took > 15*time.Second {
		t.Errorf("it was taken over after %s", took)
	}
	stored := Must(w.Store.Webhooks().Settle(t.Context(), domain.Settlement{WebhookID: made.ID, Token: token}))(t)
	WantSame(t, stored, false)
	stop()
	other := w.Replica(t)
	work(t, other)
	began = time.Now()
	role(t, other)
	r.await(t, 2)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("a lease that was given back was taken after %s", took)
	}
}

// TestWebhooks_Filter: only what the filter selects is sent, and the cursor passes the rest.
func TestWebhooks_Filter(t *testing.T) {
	t.Parallel()
	w := world(t)
	r := receive(t, nil)
	made := hook(t, w, r.URL, func(h *domain.Webhook) {
		h.Types, h.Resource = []domain.EventType{domain.EventRoleDeleted}, ""
	})
	work(t, w)
	one := role(t, w)
	updates(t, w, one.ID, 2)
	Check(t, w.Roles.Delete(Operator(t), one.ID))
	WantSame(t, r.await(t, 1)[0].Type, string(domain.EventRoleDeleted))
	updates(t, w, role(t, w).ID, 1)
	newest := told(t, w)
	eventually(t, "cursor at the end", func() bool {
		return Must(w.Webhooks.Get(t.Context(), made.ID))(t).Cursor == newest[len(newest)-1].ID
	})
	WantSame(t, len(deliveries(t, w, made.ID, "")), 1)
}

// TestWebhook_FreedWithSuccess: the next delivery of rows is due as soon as the success before it
// is stored, so that a server that goes on after a crash finds it.
func TestWebhook_FreedWithSuccess(t *testing.T) {
	t.Parallel()
	WantSame(t, events.FreedWith(true), []domain.Lane{{ResourceID: 7}})
	WantSame(t, len(events.FreedWith(false)), 0)
}

// TestWebhooks_Stuck: rows of a resource that nobody is to look for, as a server of an earlier
// version has left them when it was killed, are delivered.
func TestWebhooks_Stuck(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler).With(t, local)
			r := receive(t, nil)
			made := hook(t, w, r.URL)
			updates(t, w, role(t, w).ID, 2)
			left := domain.Settlement{WebhookID: made.ID, Now: w.Clock.Now()}
			for _, e := range told(t, w) {
				if e.Resource == domain.ScopeRoles {
					left.Cursor = e.ID
					left.Deliveries = append(left.Deliveries, domain.WebhookDelivery{
						WebhookID: made.ID, Event: e, State: domain.DeliveryWaiting, CreatedAt: left.Now,
						UpdatedAt: left.Now,
					})
				}
			}
			WantSame(t, len(left.Deliveries), 3)
			left.Token = Must(w.Store.Webhooks().Take(t.Context(), made.ID, 0, ""))(t)
			WantSame(t, Must(w.Store.Webhooks().Settle(t.Context(), left))(t), true)
			work(t, w)
			r.await(t, 3)
		})
	}
}
