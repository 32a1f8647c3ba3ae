package service_test

import (
	"context"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

func (s *scenario) testWebhooks(t *testing.T) {
	const scope = domain.ScopeWebhooks
	all := `{"description":"the first","disabled":"","disabled_at":null,"enabled":true,"name":"Alertas",` +
		`"previous_until":null,"resource":"openvpn.cas","resource_id":7,"types":["ca.created"],"url":"https://hooks.example.com/a"}`
	s.want(t, recorded{domain.ActionCreate, scope, 1, "Alertas", "", all}, func(ctx context.Context) error {
		return Second(s.Webhooks.Create(ctx, domain.Webhook{
			Name: " Alertas ", Description: "the first", URL: "https://hooks.example.com/a", Enabled: true,
			Types: []domain.EventType{domain.EventCACreated}, Resource: domain.ScopeCAs, ResourceID: 7,
		}))
	})
	s.want(t, recorded{domain.ActionUpdate, scope, 1, "Alarmes", `{"name":"Alertas"}`, `{"name":"Alarmes"}`},
		func(ctx context.Context) error {
			return Second(s.Webhooks.Update(ctx, 1, domain.WebhookUpdate{Name: new("Alarmes")}))
		})
	s.want(t, recorded{domain.ActionRotate, scope, 1, "Alarmes", "{}", "{}"}, func(ctx context.Context) error {
		return Second(s.Webhooks.Rotate(ctx, 1, 0))
	})
	dead := domain.WebhookDelivery{State: domain.DeliveryDead, Event: domain.StreamEvent{ID: 1, At: Noon}}
	Must(s.Store.Webhooks().Settle(t.Context(), domain.Settlement{
		WebhookID: 1, Deliveries: []domain.WebhookDelivery{dead},
	}))(t)
	s.want(t, recorded{domain.ActionReplay, scope, 1, "Alarmes", "", `{"deliveries":1}`},
		func(ctx context.Context) error {
			return Second(s.Webhooks.Replay(ctx, domain.DeliveryFilter{WebhookID: 1}))
		})
	s.want(t, recorded{
		domain.ActionDelete, scope, 1, "Alarmes", `{"description":"the first","disabled":"","disabled_at":null,"enabled":true,` +
			`"name":"Alarmes","previous_until":null,"resource":"openvpn.cas","resource_id":7,` +
			`"types":["ca.created"],"url":"https://hooks.example.com/a"}`, "",
	}, func(ctx context.Context) error { return s.Webhooks.Delete(ctx, 1) })
}

func webhookEditable(t *testing.T, w *World) editable {
	t.Helper()
	made := Must(w.Webhooks.Create(Operator(t), domain.Webhook{
		Name: "Alertas", URL: "https://hooks.example.com", Resource: domain.ScopeClients,
	}))(t)
	const progress = "the deliveries move it"
	return editable{
		made.Webhook, domain.WebhookUpdate{}, map[string]any{
			"Name": new("Alarmes"), "Description": new("another"), "URL": new("https://hooks.example.com/b"),
			"Enabled": new(true), "Types": &[]domain.EventType{domain.EventCADeleted}, "Resource": new(domain.ScopeCAs),
			"ResourceID": new(int64(7)),
		}, nil, given(map[string]string{
			"Secret": "Rotate makes it", "Previous": "Rotate keeps it", "PreviousUntil": "Rotate sets it",
			"Disabled": "the service sets it", "DisabledAt": "the service sets it", "Cursor": progress,
			"DeliveredAt": progress, "FailingSince": progress, "Holder": progress, "Token": progress, "Beat": progress,
			"Replays": progress,
		}),
		func(ctx context.Context, u any) error {
			return Second(w.Webhooks.Update(ctx, made.ID, u.(domain.WebhookUpdate)))
		},
		func(ctx context.Context, id int64) (any, error) { return w.Webhooks.Get(ctx, id) },
	}
}
