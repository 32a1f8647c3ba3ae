package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

const webhooksPath = "/api/webhooks"

// putDeliveries puts a delivery of each state into the database, of the events 1 to 3.
func putDeliveries(ctx context.Context, store domain.Store, id int64) error {
	at := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	e := domain.StreamEvent{
		Type: domain.EventRoleCreated, At: at, Resource: domain.ScopeRoles, ResourceID: 9, ResourceName: "papel",
	}
	list := []domain.WebhookDelivery{
		{State: domain.DeliveryDone, Attempts: 1, Status: 204},
		{State: domain.DeliveryDead, Attempts: 12, Status: 500, Fault: domain.FaultStatus},
		{State: domain.DeliveryWaiting, Attempts: 1, Fault: domain.FaultTimeout, NextAt: at},
	}
	for i := range list {
		e.ID = int64(i) + 1
		list[i].Event, list[i].Took, list[i].CreatedAt, list[i].UpdatedAt = e, 45*time.Millisecond, at, at
	}
	w, err := store.Webhooks().Get(ctx, id)
	if err != nil {
		return err
	}
	_, err = store.Webhooks().Settle(ctx, domain.Settlement{
		WebhookID: id, Token: w.Token, Cursor: w.Cursor, Deliveries: list,
	})
	return err
}

// delivererOf is a check of transcripts that puts deliveries of a webhook in.
func delivererOf(server *wiretest.Server) func([]byte, []string) error {
	return func(body []byte, _ []string) error {
		var hook struct{ ID int64 }
		if err := json.Unmarshal(body, &hook); err != nil {
			return err
		}
		return putDeliveries(server.Operator, server.Storage.Store, hook.ID)
	}
}

// keyedWebhooks has the requests about webhooks that take an Idempotency-Key.
func keyedWebhooks(t *testing.T, s *wiretest.Server, round string) map[string]keyed {
	t.Helper()
	body := func(name string) string {
		return `{"name": "` + name + round + `", "url": "https://hooks.example.com"}`
	}
	made := send(t, s, "POST", webhooksPath, body("hook")).object(t)["id"]
	one := webhooksPath + "/" + fmt.Sprint(made)
	var id int64
	if _, err := fmt.Sscan(fmt.Sprint(made), &id); err != nil {
		t.Fatal(err)
	}
	if err := putDeliveries(s.Operator, s.Storage.Store, id); err != nil {
		t.Fatal(err)
	}
	return map[string]keyed{
		"createWebhook":         {path: webhooksPath, body: body("new"), other: body("other")},
		"rotateWebhook":         {path: one + "/rotate", body: `{"overlap": 60}`, other: `{"overlap": 61}`},
		"replayWebhook":         {path: one + "/replay", body: `{"state": "delivered"}`, other: `{"state": "all"}`},
		"replayWebhookDelivery": {path: one + "/deliveries/2/replay"},
	}
}

// TestWebhooks_Body: what is posted has the event as pages of the stream have it.
func TestWebhooks_Body(t *testing.T) {
	t.Parallel()
	bodies := make(chan []byte, 100)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies <- body
	}))
	t.Cleanup(receiver.Close)
	s := wiretest.Start(t, func(c *wiretest.Settings) {
		c.Config.WebhookAllow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	send(t, s, "POST", webhooksPath, `{"name": "all", "url": "`+receiver.URL+`"}`).want(t, 200, "", "")
	ctx, stop := context.WithCancel(context.Background())
	var worker sync.WaitGroup
	worker.Go(func() { s.Services.Deliverer.Keep(ctx) })
	t.Cleanup(func() { stop(); worker.Wait() })
	keepEvents(t, s)
	send(t, s, "POST", casPath, `{"name": "matriz", "email": "a@b.c"}`).want(t, 200, "", "")
	client := fmt.Sprint(send(t, s, "POST", clientsPath, `{"name": "site", "ca_id": 1, "email": "a@b.c"}`).object(t)["id"])
	send(t, s, "POST", clientsPath+"/"+client+"/renew", `{"overlap": "PT1H"}`).want(t, 200, "", "")
	send(t, s, "DELETE", clientsPath+"/"+client, "").want(t, 200, "", "")
	pages := map[string]json.RawMessage{}
	for _, text := range page(t, s, "?size=100") {
		var e struct{ ID json.Number }
		if err := json.Unmarshal(text, &e); err != nil {
			t.Fatal(err)
		}
		pages[e.ID.String()] = text
	}
	for range 4 {
		var got struct {
			Type, Timestamp string
			Data            json.RawMessage
		}
		var data struct {
			ID       json.Number
			Type, At string
		}
		var body []byte
		select {
		case body = <-bodies:
		case <-time.After(20 * time.Second):
			t.Fatal("nothing comes")
		}
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(got.Data, &data); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(pages[data.ID.String()]), string(got.Data)); diff != "" {
			t.Error(diff)
		}
		if got.Type != data.Type || got.Timestamp != data.At {
			t.Errorf("%s", body)
		}
	}
}
