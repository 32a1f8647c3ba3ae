package main

import "github.com/chaveiro/chaveiro/pkg/domain"

type webhookRecord struct {
	ID            int64             `json:"id" table:"ID"`
	Name          string            `json:"name" table:"NAME"`
	Description   string            `json:"description"`
	URL           string            `json:"url" table:"URL"`
	Enabled       bool              `json:"enabled" table:"ENABLED"`
	Types         texts             `json:"types"`
	Resource      string            `json:"resource"`
	ResourceID    *int64            `json:"resource_id"`
	PreviousUntil stamp             `json:"previous_until"`
	Disabled      domain.WebhookEnd `json:"disabled" table:"DISABLED"`
	DisabledAt    stamp             `json:"disabled_at"`
	Cursor        int64             `json:"cursor"`
	DeliveredAt   stamp             `json:"delivered_at" table:"DELIVERED"`
	FailingSince  stamp             `json:"failing_since" table:"FAILING SINCE"`
	CreatedAt     stamp             `json:"created_at"`
	UpdatedAt     stamp             `json:"updated_at"`
}

func webhookRecordOf(w domain.Webhook) webhookRecord {
	types := texts{}
	for _, one := range w.Types {
		types = append(types, string(one))
	}
	return webhookRecord{
		ID: w.ID, Name: w.Name, Description: w.Description, URL: w.URL, Enabled: w.Enabled, Types: types,
		Resource: string(w.Resource), ResourceID: optional(w.ResourceID), PreviousUntil: stamp(w.PreviousUntil),
		Disabled: w.Disabled, DisabledAt: stamp(w.DisabledAt), Cursor: w.Cursor, DeliveredAt: stamp(w.DeliveredAt),
		FailingSince: stamp(w.FailingSince), CreatedAt: stamp(w.CreatedAt), UpdatedAt: stamp(w.UpdatedAt),
	}
}

type deliveryRecord struct {
	EventID    int64                `json:"event_id" table:"EVENT"`
	Type       domain.EventType     `json:"type" table:"TYPE"`
	At         stamp                `json:"at" table:"AT"`
	Resource   domain.Scope         `json:"resource" table:"RESOURCE"`
	ResourceID *int64               `json:"resource_id" table:"ID"`
	State      domain.DeliveryState `json:"state" table:"STATE"`
	Attempts   int                  `json:"attempts" table:"ATTEMPTS"`
	NextAt     stamp                `json:"next_at" table:"NEXT"`
	Status     *int                 `json:"status" table:"STATUS"`
	Fault      domain.DeliveryFault `json:"fault" table:"FAULT"`
	DurationMS int64                `json:"duration_ms"`
	CreatedAt  stamp                `json:"created_at"`
	UpdatedAt  stamp                `json:"updated_at"`
}

func deliveryRecordOf(d domain.WebhookDelivery) deliveryRecord {
	return deliveryRecord{
		EventID: d.Event.ID, Type: d.Event.Type, At: stamp(d.Event.At), Resource: d.Event.Resource,
		ResourceID: optional(d.Event.ResourceID), State: d.State, Attempts: d.Attempts, NextAt: stamp(d.NextAt),
		Status: optional(d.Status), Fault: d.Fault, DurationMS: d.Took.Milliseconds(), CreatedAt: stamp(d.CreatedAt),
		UpdatedAt: stamp(d.UpdatedAt),
	}
}
