package store

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type deliveryRow struct {
	WebhookID  int64
	EventID    int64
	At         time.Time
	Resource   string
	ResourceID int64
	Event      storedObject[domain.StreamEvent]
	State      string
	Attempts   int64
	NextAt     *time.Time
	Status     int64
	Fault      string
	Took       int64
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

const deliveryColumns = "webhook_id, event_id, at, resource, resource_id, event, state, attempts, next_at, status, " +
	"fault, took, created_at, updated_at"

func (r *deliveryRow) key() *int64 { return &r.EventID }

func (r *deliveryRow) fields() []any {
	return []any{
		&r.WebhookID, &r.EventID, &r.At, &r.Resource, &r.ResourceID, &r.Event, &r.State, &r.Attempts, &r.NextAt,
		&r.Status, &r.Fault, &r.Took, &r.CreatedAt, &r.UpdatedAt,
	}
}

func (r *deliveryRow) entity() domain.WebhookDelivery {
	d := domain.WebhookDelivery{
		WebhookID: r.WebhookID, Event: r.Event.object, State: domain.DeliveryState(r.State), Attempts: int(r.Attempts),
		NextAt: orZero(r.NextAt), Status: int(r.Status), Fault: domain.DeliveryFault(r.Fault),
		Took: time.Duration(r.Took) * time.Millisecond, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
	d.Event.ID, d.Event.At = r.EventID, r.At.UTC()
	return d
}

func deliveryValues(d domain.WebhookDelivery) ([]any, error) {
	text, err := json.Marshal(d.Event)
	return []any{
		d.WebhookID, d.Event.ID, micro(d.Event.At), string(d.Event.Resource), d.Event.ResourceID, string(text),
		string(d.State), int64(d.Attempts), optional(d.NextAt), int64(d.Status), string(d.Fault),
		d.Took.Milliseconds(), micro(d.CreatedAt), micro(d.UpdatedAt),
	}, err
}

// intoDeliveries takes the values of deliveryValues. What changes of a delivery is what became of
// it.
var intoDeliveries = insertion{
	table: "webhook_deliveries", columns: deliveryColumns,
	suffix: ` ON CONFLICT (webhook_id, event_id) DO UPDATE SET state = excluded.state, attempts = excluded.attempts,
		next_at = excluded.next_at, status = excluded.status, fault = excluded.fault, took = excluded.took,
		updated_at = excluded.updated_at`,
}

type webhookDeliveries struct{ s *Store }

// settle stores the deliveries of a settlement, in its transaction.
func (r webhookDeliveries) settle(ctx context.Context, s domain.Settlement) (err error) {
	rows := make([][]any, len(s.Deliveries))
	for i, d := range s.Deliveries {
		d.WebhookID = s.WebhookID
		if rows[i], err = deliveryValues(d); err != nil {
			return err
		}
	}
	if err := r.s.insertRows(ctx, intoDeliveries, rows, nil); err != nil {
		return err
	}
	for _, lane := range s.Freed {
		if err := r.free(ctx, s.WebhookID, lane, s.Now); err != nil {
			return err
		}
	}
	return nil
}

// free makes the first waiting delivery of a lane due.
func (r webhookDeliveries) free(ctx context.Context, webhookID int64, lane domain.Lane, now time.Time) error {
	const query = `UPDATE webhook_deliveries SET next_at = ? WHERE webhook_id = ? AND next_at IS NULL AND event_id = (
		SELECT event_id FROM webhook_deliveries WHERE webhook_id = ? AND resource_id = ? AND resource = ? AND state = 'waiting'
		ORDER BY event_id LIMIT 1)`
	return r.s.write.WithContext(ctx).
		Exec(query, micro(now), webhookID, webhookID, lane.ResourceID, string(lane.Resource)).Error
}

// FreeStuck implements domain.WebhookDeliveries.
func (r webhookDeliveries) FreeStuck(ctx context.Context, webhookID int64, now time.Time) (int, error) {
	const query = `UPDATE webhook_deliveries SET next_at = ? WHERE webhook_id = ? AND next_at IS NULL AND event_id IN (
		SELECT min(event_id) FROM webhook_deliveries WHERE webhook_id = ? AND state = 'waiting'
		GROUP BY resource_id, resource)`
	done := r.s.write.WithContext(ctx).Exec(query, micro(now), webhookID, webhookID)
	return int(done.RowsAffected), done.Error
}

// Page implements domain.WebhookDeliveries.
func (r webhookDeliveries) Page(
	ctx context.Context, filter domain.DeliveryFilter, req domain.PageRequest,
) (domain.Page[domain.WebhookDelivery], error) {
	l := listing{table: "webhook_deliveries", columns: deliveryColumns, id: "event_id"}
	r.s.restrictOwner(&l, "webhook_id", filter.WebhookID)
	if filter.State != "" {
		r.s.restrictOwner(&l, "state", string(filter.State))
	}
	return page[deliveryRow, domain.WebhookDelivery](ctx, r.s.read, l, req)
}

// Get implements domain.WebhookDeliveries.
func (r webhookDeliveries) Get(ctx context.Context, webhookID, eventID int64) (domain.WebhookDelivery, error) {
	var row deliveryRow
	const query = "SELECT " + deliveryColumns + " FROM webhook_deliveries WHERE webhook_id = ? AND event_id = ?"
	if err := scan(ctx, r.s.read, row.fields(), query, webhookID, eventID); err != nil {
		return domain.WebhookDelivery{}, translate(err, faults{})
	}
	return row.entity(), nil
}

// Due implements domain.WebhookDeliveries.
func (r webhookDeliveries) Due(ctx context.Context, webhookID int64, now time.Time, limit int) ([]domain.Lane, error) {
	const query = `SELECT resource, resource_id FROM webhook_deliveries WHERE webhook_id = ? AND next_at <= ?
		ORDER BY next_at, event_id LIMIT ?`
	return r.lanes(ctx, query, webhookID, micro(now), limit)
}

// lanes reads the lanes of a query, each once.
func (r webhookDeliveries) lanes(ctx context.Context, query string, args ...any) (lanes []domain.Lane, err error) {
	seen := map[domain.Lane]bool{}
	err = returned(ctx, r.s.read, query, args, func(scan func(...any) error) error {
		var lane domain.Lane
		err := scan(&lane.Resource, &lane.ResourceID)
		if !seen[lane] {
			seen[lane], lanes = true, append(lanes, lane)
		}
		return err
	})
	return lanes, err
}

// First implements domain.WebhookDeliveries. It is one statement with a part for each lane.
func (r webhookDeliveries) First(
	ctx context.Context, webhookID int64, lanes []domain.Lane, each int,
) ([]domain.WebhookDelivery, error) {
	if len(lanes) == 0 {
		return nil, nil
	}
	const part = "SELECT * FROM (SELECT " + deliveryColumns + ` FROM webhook_deliveries WHERE webhook_id = ? AND resource_id = ?
		AND resource = ? AND state = 'waiting' ORDER BY event_id LIMIT ?) AS lane`
	args := make([]any, 0, 4*len(lanes))
	for _, lane := range lanes {
		args = append(args, webhookID, lane.ResourceID, string(lane.Resource), each)
	}
	query := part + strings.Repeat(" UNION ALL "+part, len(lanes)-1)
	rows, err := find[deliveryRow, domain.WebhookDelivery](ctx, r.s.read, query, args)
	list := make([]domain.WebhookDelivery, len(rows))
	for i := range rows {
		list[i] = rows[i].entity()
	}
	slices.SortFunc(list, func(a, b domain.WebhookDelivery) int { return cmp.Compare(a.Event.ID, b.Event.ID) })
	return list, err
}

// NextDue implements domain.WebhookDeliveries.
func (r webhookDeliveries) NextDue(ctx context.Context, webhookID int64) (time.Time, error) {
	const query = "SELECT next_at FROM webhook_deliveries WHERE webhook_id = ? AND next_at IS NOT NULL ORDER BY next_at LIMIT 1"
	var at time.Time
	err := returned(ctx, r.s.read, query, []any{webhookID}, func(scan func(...any) error) error { return scan(&at) })
	if at.IsZero() {
		return at, err
	}
	return at.UTC(), err
}

// Blocked implements domain.WebhookDeliveries.
func (r webhookDeliveries) Blocked(
	ctx context.Context, webhookID int64, resourceIDs []int64,
) ([]domain.Lane, error) {
	if len(resourceIDs) == 0 {
		return nil, nil
	}
	const query = `SELECT DISTINCT resource, resource_id FROM webhook_deliveries
		WHERE webhook_id = ? AND state = 'waiting' AND resource_id IN ?`
	return r.lanes(ctx, query, webhookID, resourceIDs)
}

// Beyond implements domain.WebhookDeliveries.
func (r webhookDeliveries) Beyond(ctx context.Context, webhookID, eventID int64) (ids []int64, err error) {
	const query = "SELECT event_id FROM webhook_deliveries WHERE webhook_id = ? AND event_id > ?"
	err = returned(ctx, r.s.read, query, []any{webhookID, eventID}, func(scan func(...any) error) error {
		var id int64
		err := scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}

// Replay implements domain.WebhookDeliveries.
func (r webhookDeliveries) Replay(ctx context.Context, f domain.DeliveryFilter, now time.Time) (n int, err error) {
	err = r.s.atomic(ctx, func(tx *Store) error {
		const told = "UPDATE webhooks SET replays = replays + 1 WHERE id = ?"
		if err := tx.write.WithContext(ctx).Exec(told, f.WebhookID).Error; err != nil {
			return err
		}
		n, err = webhookDeliveries{tx}.replay(ctx, f, now)
		return err
	})
	return n, err
}

func (r webhookDeliveries) replay(ctx context.Context, f domain.DeliveryFilter, now time.Time) (int, error) {
	query := `UPDATE webhook_deliveries SET state = 'waiting', attempts = 0, next_at = ?, updated_at = ?
		WHERE webhook_id = ? AND state <> 'waiting'`
	args := []any{micro(now), micro(now), f.WebhookID}
	if f.State != "" {
		query, args = query+" AND state = ?", append(args, string(f.State))
	}
	if f.EventID != 0 {
		query, args = query+" AND event_id = ?", append(args, f.EventID)
	}
	if !f.Since.IsZero() {
		query, args = query+" AND at >= ?", append(args, micro(f.Since))
	}
	done := r.s.write.WithContext(ctx).Exec(query, args...)
	return int(done.RowsAffected), done.Error
}

// oldDeliveries are the first deliveries of a state, as far as they are old or too many.
const oldDeliveries = `SELECT event_id FROM (SELECT event_id, updated_at FROM webhook_deliveries WHERE webhook_id = ? AND state = ?
		ORDER BY event_id LIMIT ?) AS first WHERE updated_at < ? OR event_id <= COALESCE((SELECT event_id FROM webhook_deliveries
		WHERE webhook_id = ? AND state = ? ORDER BY event_id DESC LIMIT 1 OFFSET ?), 0)`

// Purge implements domain.WebhookDeliveries.
func (r webhookDeliveries) Purge(
	ctx context.Context, webhookID int64, state domain.DeliveryState, before time.Time, most, limit int,
) (int, error) {
	const query = "DELETE FROM webhook_deliveries WHERE webhook_id = ? AND state = ? AND event_id IN (" + oldDeliveries + ")"
	done := r.s.write.WithContext(ctx).Exec(
		query, webhookID, string(state), webhookID, string(state), limit, micro(before), webhookID, string(state), most,
	)
	return int(done.RowsAffected), done.Error
}

// Dead implements domain.WebhookDeliveries.
func (r webhookDeliveries) Dead(ctx context.Context) (n int, err error) {
	return n, scan(ctx, r.s.read, []any{&n}, "SELECT count(*) FROM webhook_deliveries WHERE state = 'dead'")
}
