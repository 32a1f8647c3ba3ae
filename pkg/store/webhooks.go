package store

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type webhookRow struct {
	ID            int64 `gorm:"primaryKey"`
	Name          string
	NameKey       string
	Description   string
	URL           string
	Enabled       bool
	Types         storedList[string]
	Resource      string
	ResourceID    int64
	Secret        []byte
	Previous      []byte
	PreviousUntil *time.Time
	Disabled      string
	DisabledAt    *time.Time
	CreatedAt     time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt     time.Time `gorm:"autoUpdateTime:false"`
	Position      int64
	DeliveredAt   *time.Time
	FailingSince  *time.Time
	Holder        string
	Token         int64
	Beat          int64
	Replays       int64
}

const webhookColumns = "id, name, description, url, enabled, types, resource, resource_id, secret, previous, " +
	"previous_until, disabled, disabled_at, created_at, updated_at, position, delivered_at, failing_since, holder, " +
	"token, beat, replays"

func (webhookRow) TableName() string { return "webhooks" }

func (r *webhookRow) key() *int64 { return &r.ID }

func (r *webhookRow) fields() []any {
	return []any{
		&r.ID, &r.Name, &r.Description, &r.URL, &r.Enabled, &r.Types, &r.Resource, &r.ResourceID, &r.Secret,
		&r.Previous, &r.PreviousUntil, &r.Disabled, &r.DisabledAt, &r.CreatedAt, &r.UpdatedAt, &r.Position,
		&r.DeliveredAt, &r.FailingSince, &r.Holder, &r.Token, &r.Beat, &r.Replays,
	}
}

func (r *webhookRow) entity() domain.Webhook {
	return domain.Webhook{
		ID: r.ID, Name: r.Name, Description: r.Description, URL: r.URL, Enabled: r.Enabled,
		Types:    each(noneNil(r.Types), func(t string) domain.EventType { return domain.EventType(t) }),
		Resource: domain.Scope(r.Resource), ResourceID: r.ResourceID, Secret: r.Secret, Previous: r.Previous,
		PreviousUntil: orZero(r.PreviousUntil), Disabled: domain.WebhookEnd(r.Disabled),
		DisabledAt: orZero(r.DisabledAt), CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
		WebhookProgress: domain.WebhookProgress{
			Cursor: r.Position, DeliveredAt: orZero(r.DeliveredAt), FailingSince: orZero(r.FailingSince),
			Holder: r.Holder, Token: r.Token, Beat: r.Beat, Replays: r.Replays,
		},
	}
}

// noneNil makes an empty list nil.
func noneNil[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}

func toWebhookRow(w domain.Webhook) webhookRow {
	return webhookRow{
		ID: w.ID, Name: w.Name, NameKey: domain.NameKey(w.Name), Description: w.Description, URL: w.URL,
		Enabled: w.Enabled, Types: each(w.Types, func(t domain.EventType) string { return string(t) }),
		Resource: string(w.Resource), ResourceID: w.ResourceID, Secret: w.Secret, Previous: w.Previous,
		PreviousUntil: optional(w.PreviousUntil), Disabled: string(w.Disabled), DisabledAt: optional(w.DisabledAt),
		CreatedAt: micro(w.CreatedAt), UpdatedAt: micro(w.UpdatedAt), Position: w.Cursor,
		FailingSince: optional(w.FailingSince),
	}
}

type webhooks struct {
	records[webhookRow, domain.Webhook, *webhookRow]
}

var webhookTable = table[webhookRow, domain.Webhook]{
	list: listing{table: "webhooks", columns: webhookColumns}, row: toWebhookRow, lock: forUpdate,
	id: func(w *domain.Webhook) *int64 { return &w.ID },
	updated: []string{
		"name", "name_key", "description", "url", "enabled", "types", "resource", "resource_id", "secret", "previous",
		"previous_until", "disabled", "disabled_at", "updated_at", "failing_since",
	},
	stored: duplicated("name_key", "name"),
}

// Delete implements domain.Webhooks. The row is locked first, as by all who store deliveries.
func (r webhooks) Delete(ctx context.Context, id int64) error {
	return r.s.atomic(ctx, func(tx *Store) error {
		rows := webhooks{of(tx, &webhookTable)}
		if _, err := rows.Lock(ctx, id); err != nil {
			return err
		}
		if err := tx.write.WithContext(ctx).Exec("DELETE FROM webhook_deliveries WHERE webhook_id = ?", id).Error; err != nil {
			return err
		}
		return rows.records.Delete(ctx, id)
	})
}

// Count implements domain.Webhooks.
func (r webhooks) Count(ctx context.Context) (n int, err error) {
	return n, scan(ctx, r.s.read, []any{&n}, "SELECT count(*) FROM webhooks")
}

// Enabled implements domain.Webhooks.
func (r webhooks) Enabled(ctx context.Context) ([]domain.Webhook, error) {
	const query = "SELECT " + webhookColumns + " FROM webhooks WHERE enabled ORDER BY id"
	rows, err := find[webhookRow, domain.Webhook](ctx, r.s.read, query, nil)
	list := make([]domain.Webhook, len(rows))
	for i := range rows {
		list[i] = rows[i].entity()
	}
	return list, err
}

// Take implements domain.Webhooks.
func (r webhooks) Take(ctx context.Context, id, beat int64, holder string) (token int64, err error) {
	const query = `UPDATE webhooks SET holder = ?, token = token + 1, beat = beat + 1 WHERE id = ? AND beat = ?
		RETURNING token`
	err = scan(ctx, r.s.write, []any{&token}, query, holder, id, beat)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return 0, nil
	}
	return token, err
}

// Alive implements domain.Webhooks.
func (r webhooks) Alive(ctx context.Context, holder string) error {
	return r.s.write.WithContext(ctx).Exec("UPDATE webhooks SET beat = beat + 1 WHERE holder = ?", holder).Error
}

// Release implements domain.Webhooks.
func (r webhooks) Release(ctx context.Context, holder string) error {
	const query = "UPDATE webhooks SET holder = '', beat = beat + 1 WHERE holder = ?"
	return r.s.write.WithContext(ctx).Exec(query, holder).Error
}

// Settle implements domain.Webhooks. The row of the webhook is locked first.
func (r webhooks) Settle(ctx context.Context, s domain.Settlement) (stored bool, err error) {
	err = r.s.atomic(ctx, func(tx *Store) error {
		const query = `UPDATE webhooks SET position = ?, delivered_at = ?, failing_since = ?, beat = beat + 1
			WHERE id = ? AND token = ?`
		done := tx.write.WithContext(ctx).Exec(
			query, s.Cursor, optional(s.DeliveredAt), optional(s.FailingSince), s.WebhookID, s.Token,
		)
		if stored = done.Error == nil && done.RowsAffected == 1; !stored {
			return done.Error
		}
		return webhookDeliveries{tx}.settle(ctx, s)
	})
	return stored && err == nil, err
}
