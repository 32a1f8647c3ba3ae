package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// intoSessions takes the values of sessionValues, and returns id, since and number.
var intoSessions = insertion{
	table: "tunnel_sessions",
	columns: "instance_id, client_id, open, number, since, name, name_key, connected_at, real_address, real_port, address, " +
		"address_v6, cipher, bytes_in, bytes_out, ended_at",
	suffix: ` ON CONFLICT (instance_id, since, number) DO UPDATE SET open = excluded.open, ended_at = excluded.ended_at,
		real_address = excluded.real_address, real_port = excluded.real_port, address = excluded.address,
		address_v6 = excluded.address_v6, cipher = excluded.cipher, bytes_in = excluded.bytes_in,
		bytes_out = excluded.bytes_out RETURNING id, since, number`,
}

func sessionValues(s domain.TunnelSession) []any {
	var client *int64
	if s.ClientID != 0 {
		client = &s.ClientID
	}
	created := []any{
		s.InstanceID, client, s.Open(), s.Number, s.Since, s.Name, domain.NameKey(s.Name), micro(s.ConnectedAt),
	}
	return append(append(created, seenValues(s)...), optional(s.EndedAt))
}

// seenValues are the values of a session that reports change, but for its end.
func seenValues(s domain.TunnelSession) []any {
	return []any{
		addressText(s.Real.Addr()), int64(s.Real.Port()), addressText(s.Address), addressText(s.AddressV6), s.Cipher,
		s.BytesIn, s.BytesOut,
	}
}

// Add implements domain.TunnelSessions.
func (r tunnelSessions) Add(ctx context.Context, list []domain.TunnelSession) error {
	rows, at := make([][]any, len(list)), map[domain.SessionKey]*domain.TunnelSession{}
	for i := range list {
		rows[i], at[list[i].SessionKey] = sessionValues(list[i]), &list[i]
	}
	err := r.s.insertRows(ctx, intoSessions, rows, func(scan func(...any) error) error {
		var id int64
		var key domain.SessionKey
		err := scan(&id, &key.Since, &key.Number)
		if s := at[key]; err == nil && s != nil {
			s.ID = id
		}
		return err
	})
	return translate(err, faults{}.orForeign(domain.NotFound, "client_id", domain.ReasonNotFound))
}

// changes is a statement that sets columns of many rows to the values that it is given, each row's
// key first.
type changes struct {
	table, key string
	columns    []string
}

// run changes the rows: on PostgreSQL by one statement, on SQLite, where a statement costs little,
// one by one.
func (c changes) run(ctx context.Context, s *Store, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	if s.engine == Postgres {
		return c.runAtOnce(ctx, s, rows)
	}
	text := "UPDATE " + c.table + " SET " + strings.Join(c.columns, " = ?, ") + " = ? WHERE " + c.key + " = ?"
	for _, row := range rows {
		if _, err := s.execDirect(ctx, text, append(row[1:len(row):len(row)], row[0])...); err != nil {
			return err
		}
	}
	return nil
}

func (c changes) runAtOnce(ctx context.Context, s *Store, rows [][]any) error {
	types, args, sets := make([]string, len(rows[0])), make([]any, len(rows[0])), make([]string, len(c.columns))
	for i := range args {
		kind, array, err := columnOf(rows, i)
		if err != nil {
			return fmt.Errorf("store: update %s: %w", c.table, err)
		}
		types[i], args[i] = fmt.Sprintf("$%d::%s[]", i+1, kind), array
	}
	for i, column := range c.columns {
		sets[i] = column + " = v." + column
	}
	text := "UPDATE " + c.table + " AS t SET " + strings.Join(sets, ", ") + " FROM unnest(" + strings.Join(types, ", ") +
		") AS v (" + c.key + ", " + strings.Join(c.columns, ", ") + ") WHERE t." + c.key + " = v." + c.key
	_, err := s.execDirect(ctx, text, args...)
	return err
}

var ofSessions = changes{"tunnel_sessions", "id", []string{
	"open", "ended_at", "real_address", "real_port", "address", "address_v6", "cipher", "bytes_in", "bytes_out",
}}

// Update implements domain.TunnelSessions. It locks the rows in the order of their ids.
func (r tunnelSessions) Update(ctx context.Context, list []domain.TunnelSession) error {
	rows := make([][]any, len(list))
	for i, s := range list {
		rows[i] = append([]any{s.ID, s.Open(), optional(s.EndedAt)}, seenValues(s)...)
	}
	return r.s.atomic(ctx, func(tx *Store) error { return ofSessions.run(ctx, tx, rows) })
}

// intoPlaces takes the values of a place.
var intoPlaces = insertion{
	table: "connections",
	columns: "client_id, instance_id, session_id, connected_at, seen_at, real_address, real_port, address, " +
		"address_v6",
	suffix: ` ON CONFLICT (client_id, instance_id) DO UPDATE SET session_id = excluded.session_id,
		connected_at = excluded.connected_at, seen_at = excluded.seen_at, real_address = excluded.real_address,
		real_port = excluded.real_port, address = excluded.address, address_v6 = excluded.address_v6`,
}

// Note implements domain.TunnelSessions.
func (r tunnelSessions) Note(ctx context.Context, list []domain.Place) error {
	rows := make([][]any, len(list))
	for i, p := range list {
		rows[i] = []any{
			p.ClientID, p.InstanceID, p.SessionID, micro(p.ConnectedAt), micro(p.SeenAt), addressText(p.Real.Addr()),
			int64(p.Real.Port()), addressText(p.Address), addressText(p.AddressV6),
		}
	}
	err := r.s.insertRows(ctx, intoPlaces, rows, nil)
	return translate(err, faults{}.orForeign(domain.NotFound, "client_id", domain.ReasonNotFound))
}

// placesOf are the places where clients have a config, and those where they were connected without
// one.
const placesOf = `SELECT c.client_id, c.instance_id, a.looked_at, a.seen_until, p.session_id, p.connected_at, p.seen_at, p.real_address,
		p.real_port, p.address, p.address_v6
	FROM client_configs c LEFT JOIN agents a ON a.instance_id = c.instance_id
		LEFT JOIN connections p ON p.client_id = c.client_id AND p.instance_id = c.instance_id
	WHERE c.client_id IN ?
	UNION ALL SELECT p.client_id, p.instance_id, a.looked_at, a.seen_until, p.session_id, p.connected_at, p.seen_at, p.real_address,
		p.real_port, p.address, p.address_v6
	FROM connections p LEFT JOIN agents a ON a.instance_id = p.instance_id
	WHERE p.client_id IN ? AND NOT EXISTS (SELECT 1 FROM client_configs c WHERE c.instance_id = p.instance_id AND c.client_id = p.client_id)`

// Places implements domain.TunnelSessions.
func (r tunnelSessions) Places(ctx context.Context, clientIDs []int64) (list []domain.Place, err error) {
	for batch := range slices.Chunk(clientIDs, insertBatch) {
		err := returned(ctx, r.s.read, placesOf, []any{batch, batch}, func(scan func(...any) error) error {
			place, err := scanPlace(scan)
			list = append(list, place)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

func scanPlace(scan func(...any) error) (p domain.Place, err error) {
	var session, port *int64
	var looked, until, connected, seen *time.Time
	var from, address, v6 *string
	err = scan(&p.ClientID, &p.InstanceID, &looked, &until, &session, &connected, &seen, &from, &port, &address, &v6)
	p.LookedAt, p.SeenUntil = orZero(looked), orZero(until)
	if err != nil || session == nil {
		return p, err
	}
	p.SessionID, p.ConnectedAt, p.SeenAt = *session, orZero(connected), orZero(seen)
	p.Real, p.Address, p.AddressV6 = storedReal(*from, *port), storedAddress(*address), storedAddress(*v6)
	return p, nil
}
