package store

import (
	"context"
	"strings"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Spell implements domain.Devices.
func (r devices) Spell(ctx context.Context, d *domain.Device) error {
	list := []domain.Device{*d}
	_, err := r.rows(ctx, list)
	*d = list[0]
	return err
}

// Save implements domain.Devices: on PostgreSQL by one statement, where a transaction would travel seven times.
func (r devices) Save(ctx context.Context, s *domain.DeviceSave) (bool, error) {
	rows, err := r.rows(ctx, []domain.Device{s.After})
	if err != nil {
		return false, err
	}
	s.After.Revision = s.Before.Revision + 1
	if r.s.engine == Postgres {
		return r.saveAtOnce(ctx, s, rows[0])
	}
	saved := false
	err = r.s.atomic(ctx, func(tx *Store) error {
		if s.Nonce != nil {
			if err := tx.Nonces().Spend(ctx, *s.Nonce); err != nil {
				return err
			}
		}
		saved, err = devices{tx}.saveStepwise(ctx, s, rows[0])
		return err
	})
	return saved && err == nil, err
}

func (r devices) saveStepwise(ctx context.Context, s *domain.DeviceSave, row deviceRow) (bool, error) {
	db := r.s.write.WithContext(ctx)
	if there, err := r.domainsThere(ctx, db, s.DomainIDs); err != nil || !there {
		return false, err
	}
	var done *gorm.DB
	if s.Before.ID == 0 {
		var ids []int64
		query := "INSERT INTO devices (" + insertedDevice + ") VALUES (" + places(row.inserted()) + ") ON CONFLICT (hostname_key) DO NOTHING RETURNING id"
		if done = db.Raw(query, row.inserted()...).Scan(&ids); len(ids) > 0 {
			s.After.ID = ids[0]
		}
	} else {
		done = db.Exec("UPDATE devices SET "+updatedDevice+" WHERE id = ? AND revision = ?", append(row.updated(), row.ID, s.Before.Revision)...)
	}
	if done.Error != nil || done.RowsAffected == 0 {
		return false, done.Error
	}
	if err := r.moveTerms(ctx, s.DeviceChange); err != nil {
		return false, err
	}
	s.Event.ResourceID = s.After.ID
	return true, r.s.Audit().Append(ctx, s.Event)
}

func (r devices) domainsThere(ctx context.Context, db *gorm.DB, ids []int64) (bool, error) {
	if len(ids) == 0 {
		return true, nil
	}
	var n int
	err := scan(ctx, db, []any{&n}, "SELECT count(*) FROM device_domains WHERE id IN ?", ids)
	return n == len(ids), err
}

func places(values []any) string { return "?" + strings.Repeat(", ?", len(values)-1) }

// termSeparator is in no term: they have no control characters.
const termSeparator = "\x1f"

// statement is one that is put together.
type statement struct {
	text strings.Builder
	args []any
}

func (s *statement) add(text string, args ...any) {
	s.text.WriteString(text)
	s.args = append(s.args, args...)
}

// saveAtOnce lets each part begin with what the one before returns: nonce and domains, the device, its terms, the chain, the event. The chain is the last to
// be waited for.
func (r devices) saveAtOnce(ctx context.Context, s *domain.DeviceSave, row deviceRow) (bool, error) {
	entry := toEventRow(*s.Event)
	s.Event.Chain = audit(r).randomChain()
	gone, added := movedTerms(s.DeviceChange)
	var q statement
	condition := q.addConditions(s)
	q.addDevice(s, row, condition)
	q.add(", gone AS (DELETE FROM device_terms USING device WHERE device_id = device.id AND term = ANY (string_to_array(?::text, chr(31))))",
		strings.Join(gone, termSeparator))
	q.add(", terms AS (INSERT INTO device_terms (term, device_id) SELECT term, device.id FROM device, unnest(string_to_array(?::text, chr(31))) AS term)",
		strings.Join(added, termSeparator))
	q.add(`, link AS (UPDATE audit_chains SET position = position + 1, hash = sha256(hash || ?::bytea || int8send(device.id)) FROM device
			WHERE chain = ? RETURNING chain, position, hash, device.id AS device_id),
		event AS (INSERT INTO audit_events (resource_id, `+linkColumns+", "+eventColumns+`)
			SELECT device_id, `+linkColumns+", "+eventValues+" FROM link RETURNING id)", append([]any{s.Event.Digest[:], s.Event.Chain}, entry.contents()...)...)
	q.add(" SELECT spent, link.device_id, event.id, link.position, link.hash FROM spending LEFT JOIN link ON true LEFT JOIN event ON true")
	var spent bool
	var device, event, position *int64
	var hash []byte
	if err := scan(ctx, r.s.write, []any{&spent, &device, &event, &position, &hash}, q.text.String(), q.args...); err != nil {
		return false, err
	}
	if !spent {
		return false, usedNonce()
	}
	if device == nil {
		return false, nil
	}
	s.After.ID, s.Event.ResourceID, s.Event.ID, s.Event.Position = *device, *device, *event, *position
	copy(s.Event.Hash[:], hash)
	return true, nil
}

// addConditions begins the statement with what must hold, and returns the condition that it does.
func (q *statement) addConditions(s *domain.DeviceSave) string {
	if n := s.Nonce; n != nil {
		q.add("WITH nonce AS (INSERT INTO nonces (public_key, token, at, nonce) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING 1), "+
			"spending AS (SELECT count(*) > 0 AS spent FROM nonce)", n.Key, n.Token, micro(n.At), n.Value)
	} else {
		q.add("WITH spending AS (SELECT true AS spent)")
	}
	if len(s.DomainIDs) == 0 {
		return "spent"
	}
	q.add(", held AS (SELECT id FROM device_domains WHERE id IN ? FOR SHARE), there AS (SELECT count(*) = ? AS all_of_them FROM held)", s.DomainIDs, len(s.DomainIDs))
	return "spent AND (SELECT all_of_them FROM there)"
}

func (q *statement) addDevice(s *domain.DeviceSave, row deviceRow, condition string) {
	if s.Before.ID == 0 {
		q.add(", device AS (INSERT INTO devices ("+insertedDevice+") SELECT ?::text, ?::text, ?::text, ?::bigint, ?::bigint, ?::bigint, ?::bigint, "+
			"?::text, ?::text, ?::text, ?::text, ?::boolean, ?::bigint, ?::timestamptz, ?::timestamptz FROM spending WHERE "+condition+
			" ON CONFLICT (hostname_key) DO NOTHING RETURNING id)", row.inserted()...)
		return
	}
	q.add(", device AS (UPDATE devices SET "+updatedDevice+" FROM spending WHERE id = ? AND revision = ? AND "+condition+" RETURNING id)",
		append(row.updated(), row.ID, s.Before.Revision)...)
}
