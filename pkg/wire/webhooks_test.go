package wire_test

import (
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// putDelivery puts a delivery of the event 1 to the webhook 1 into the database.
func putDelivery(t *testing.T, s *wiretest.Server) {
	t.Helper()
	now := time.Now()
	delivery := domain.WebhookDelivery{
		Event: domain.StreamEvent{
			ID: 1, Type: domain.EventRoleCreated, At: now, Resource: domain.ScopeRoles, ResourceID: 1,
		},
		State: domain.DeliveryDone, Attempts: 1, Status: 204, CreatedAt: now, UpdatedAt: now,
	}
	stored, err := s.Storage.Store.Webhooks().Settle(t.Context(), domain.Settlement{
		WebhookID: 1, Deliveries: []domain.WebhookDelivery{delivery},
	})
	if err != nil || !stored {
		t.Fatal(stored, err)
	}
}
