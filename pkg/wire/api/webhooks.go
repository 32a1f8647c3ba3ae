package api

import (
	"cmp"
	"context"
	"time"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/events"
)

type webhooks struct{ service *events.Webhooks }

// GetWebhooksPage implements the operation getWebhooksPage.
func (h webhooks) GetWebhooksPage(
	ctx context.Context, request gen.GetWebhooksPageRequestObject,
) (gen.GetWebhooksPageResponseObject, error) {
	page, err := h.service.Page(ctx, pageRequest(request.Params.Cursor, request.Params.Size))
	if err != nil {
		return nil, err
	}
	return gen.GetWebhooksPage200JSONResponse{
		Cursor: cursorOf(page), Webhooks: convertAll(page.Items, convertWebhook),
	}, nil
}

// GetWebhook implements the operation getWebhook.
func (h webhooks) GetWebhook(
	ctx context.Context, request gen.GetWebhookRequestObject,
) (gen.GetWebhookResponseObject, error) {
	w, err := h.service.Get(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	return gen.GetWebhook200JSONResponse(convertWebhook(w)), nil
}

// CreateWebhook implements the operation createWebhook.
func (h webhooks) CreateWebhook(
	ctx context.Context, request gen.CreateWebhookRequestObject,
) (gen.CreateWebhookResponseObject, error) {
	b := request.Body
	made, err := h.service.Create(ctx, domain.Webhook{
		Name: b.Name, Description: text(b.Description), URL: b.URL, Enabled: b.Enabled == nil || *b.Enabled,
		Types: eventTypes(b.Types), Resource: domain.Scope(text(b.Resource)), ResourceID: value(b.ResourceID),
	})
	if err != nil {
		return nil, err
	}
	return gen.CreateWebhook200JSONResponse{
		Body: issuedWebhook(made), Headers: gen.CreateWebhook200ResponseHeaders{CacheControl: header(noStore)},
	}, nil
}

// UpdateWebhook implements the operation updateWebhook.
func (h webhooks) UpdateWebhook(
	ctx context.Context, request gen.UpdateWebhookRequestObject,
) (gen.UpdateWebhookResponseObject, error) {
	b := request.Body
	update := domain.WebhookUpdate{
		Name: b.Name, Description: b.Description, URL: b.URL, Enabled: b.Enabled, ResourceID: b.ResourceID,
	}
	if b.Types != nil {
		types := eventTypes(*b.Types)
		update.Types = &types
	}
	if b.Resource != nil {
		resource := domain.Scope(*b.Resource)
		update.Resource = &resource
	}
	w, err := h.service.Update(ctx, request.ID, update)
	if err != nil {
		return nil, err
	}
	return gen.UpdateWebhook200JSONResponse(convertWebhook(w)), nil
}

// DeleteWebhook implements the operation deleteWebhook.
func (h webhooks) DeleteWebhook(
	ctx context.Context, request gen.DeleteWebhookRequestObject,
) (gen.DeleteWebhookResponseObject, error) {
	if err := h.service.Delete(ctx, request.ID); err != nil {
		return nil, err
	}
	return gen.DeleteWebhook200Response{}, nil
}

// RotateWebhook implements the operation rotateWebhook.
func (h webhooks) RotateWebhook(
	ctx context.Context, request gen.RotateWebhookRequestObject,
) (gen.RotateWebhookResponseObject, error) {
	overlap := events.DefaultKeyOverlap
	if request.Body != nil && request.Body.Overlap != nil {
		overlap = time.Duration(*request.Body.Overlap) * time.Second
	}
	made, err := h.service.Rotate(ctx, request.ID, overlap)
	if err != nil {
		return nil, err
	}
	return gen.RotateWebhook200JSONResponse{
		Body: issuedWebhook(made), Headers: gen.RotateWebhook200ResponseHeaders{CacheControl: header(noStore)},
	}, nil
}

// TestWebhook implements the operation testWebhook.
func (h webhooks) TestWebhook(
	ctx context.Context, request gen.TestWebhookRequestObject,
) (gen.TestWebhookResponseObject, error) {
	a, err := h.service.Test(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	return gen.TestWebhook200JSONResponse{
		Delivered: a.Fault == "", Status: optional(a.Status), Fault: string(a.Fault), DurationMs: a.Took.Milliseconds(),
	}, nil
}

// GetWebhookDeliveriesPage implements the operation getWebhookDeliveriesPage.
func (h webhooks) GetWebhookDeliveriesPage(
	ctx context.Context, request gen.GetWebhookDeliveriesPageRequestObject,
) (gen.GetWebhookDeliveriesPageResponseObject, error) {
	p := request.Params
	filter := domain.DeliveryFilter{WebhookID: request.ID, State: domain.DeliveryState(text(p.State))}
	found, err := h.service.Deliveries(ctx, filter, pageRequest(p.Cursor, p.Size))
	if err != nil {
		return nil, err
	}
	page := gen.GetWebhookDeliveriesPage200JSONResponse{
		Cursor: cursorOf(found), Deliveries: make([]gen.WebhookDelivery, len(found.Items)),
	}
	for i, d := range found.Items {
		if page.Deliveries[i], err = convertDelivery(d); err != nil {
			return nil, err
		}
	}
	return page, nil
}

// GetWebhookDelivery implements the operation getWebhookDelivery.
func (h webhooks) GetWebhookDelivery(
	ctx context.Context, request gen.GetWebhookDeliveryRequestObject,
) (gen.GetWebhookDeliveryResponseObject, error) {
	d, err := h.service.Delivery(ctx, request.ID, request.EventID)
	if err != nil {
		return nil, err
	}
	answer, err := convertDelivery(d)
	return gen.GetWebhookDelivery200JSONResponse(answer), err
}

// ReplayWebhook implements the operation replayWebhook.
func (h webhooks) ReplayWebhook(
	ctx context.Context, request gen.ReplayWebhookRequestObject,
) (gen.ReplayWebhookResponseObject, error) {
	filter := domain.DeliveryFilter{WebhookID: request.ID, State: domain.DeliveryDead}
	if b := request.Body; b != nil {
		since, err := parseDate("since", b.Since)
		if err != nil {
			return nil, err
		}
		filter.Since = value(since)
		filter.State = domain.DeliveryState(cmp.Or(text(b.State), string(domain.DeliveryDead)))
	}
	if filter.State == "all" {
		filter.State = ""
	}
	done, err := h.service.Replay(ctx, filter)
	if err != nil {
		return nil, err
	}
	return gen.ReplayWebhook200JSONResponse{Deliveries: done.Deliveries}, nil
}

// ReplayWebhookDelivery implements the operation replayWebhookDelivery.
func (h webhooks) ReplayWebhookDelivery(
	ctx context.Context, request gen.ReplayWebhookDeliveryRequestObject,
) (gen.ReplayWebhookDeliveryResponseObject, error) {
	done, err := h.service.ReplayOne(ctx, request.ID, request.EventID)
	if err != nil {
		return nil, err
	}
	return gen.ReplayWebhookDelivery200JSONResponse{Deliveries: done.Deliveries}, nil
}

func eventTypes(list []gen.EventType) []domain.EventType {
	if len(list) == 0 {
		return nil
	}
	return convertAll(list, func(t gen.EventType) domain.EventType { return domain.EventType(t) })
}

func convertWebhook(w domain.Webhook) gen.Webhook {
	return gen.Webhook{
		ID: w.ID, Name: w.Name, Description: w.Description, URL: w.URL, Enabled: w.Enabled,
		Types:    convertAll(w.Types, func(t domain.EventType) gen.EventType { return gen.EventType(t) }),
		Resource: string(w.Resource), ResourceID: optional(w.ResourceID), PreviousUntil: optionalDate(w.PreviousUntil),
		Disabled: string(w.Disabled), DisabledAt: optionalDate(w.DisabledAt), Cursor: w.Cursor,
		DeliveredAt: optionalDate(w.DeliveredAt), FailingSince: optionalDate(w.FailingSince),
		CreatedAt: date(w.CreatedAt), UpdatedAt: date(w.UpdatedAt),
	}
}

// issuedWebhook is the answer with the key.
func issuedWebhook(made events.IssuedWebhook) gen.IssuedWebhook {
	w := convertWebhook(made.Webhook)
	return gen.IssuedWebhook{
		ID: w.ID, Name: w.Name, Description: w.Description, URL: w.URL, Enabled: w.Enabled, Types: w.Types,
		Resource: w.Resource, ResourceID: w.ResourceID, PreviousUntil: w.PreviousUntil, Disabled: w.Disabled,
		DisabledAt: w.DisabledAt, Cursor: w.Cursor, DeliveredAt: w.DeliveredAt, FailingSince: w.FailingSince,
		CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt, Key: made.Key,
	}
}

func convertDelivery(d domain.WebhookDelivery) (gen.WebhookDelivery, error) {
	event, err := convertStreamEvent(d.Event)
	return gen.WebhookDelivery{
		Event: event, State: string(d.State), Attempts: d.Attempts, NextAt: optionalDate(d.NextAt),
		Status: optional(d.Status), Fault: string(d.Fault), DurationMs: d.Took.Milliseconds(),
		CreatedAt: date(d.CreatedAt), UpdatedAt: date(d.UpdatedAt),
	}, err
}
