package store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type histories struct{ s *Store }

// serverQuery identifies the server of PostgreSQL by its system identifier and its timeline. A new
// cluster has another system identifier; each promotion and each recovery to a point in time begins
// a new timeline. A server in recovery has no timeline of its own yet.
const serverQuery = `(SELECT system_identifier::text FROM pg_control_system()) || '/' ||
	CASE WHEN pg_is_in_recovery() THEN '' ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END`

// serverOf returns the SQL expression by which this database identifies its server. It is an empty
// text on SQLite, and on databases that speak the protocol of PostgreSQL but lack its functions.
func (s *Store) serverOf(ctx context.Context) (string, error) {
	if s.engine == SQLite {
		return "''", nil
	}
	if known := s.server.Load(); known != nil {
		return *known, nil
	}
	expression, name := serverQuery, ""
	err := scan(ctx, s.read, []any{&name}, "SELECT "+serverQuery)
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && slices.Contains(unknownFunction, pg.Code) {
		expression, err = "''", nil
	}
	if err == nil {
		s.server.Store(&expression)
	}
	return expression, err
}

// unknownFunction are the SQLSTATE codes for a function that does not exist, or that the role may
// not call.
var unknownFunction = []string{"42883", "42501", "0A000"}

// serverExpression is the cached result of serverOf; nil: the server was not asked yet. Concurrent
// callers store the same value.
type serverExpression = atomic.Pointer[string]

const glanceColumns = `a.epoch, a.mark, i.value, i.server, COALESCE(newest.chain, 0), COALESCE(newest.position, 0), newest.hash,
	(SELECT hash FROM audit_events WHERE chain = ? AND position = ?), COALESCE((SELECT position FROM audit_chains WHERE chain = ?), 0)`

const glanceTables = ` FROM access_control a CROSS JOIN incarnation i
	LEFT JOIN (SELECT chain, position, hash FROM audit_events ORDER BY id DESC LIMIT 1) newest ON true`

// Glance implements domain.Histories.
func (r histories) Glance(ctx context.Context, seen domain.Link) (domain.Glance, error) {
	var g domain.Glance
	server, err := r.s.serverOf(ctx)
	if err != nil {
		return g, err
	}
	var made string
	var there []byte
	var end int64
	places := []any{
		&g.Access.Epoch, &g.Access.Mark, &g.Incarnation, &made, &g.Newest.Chain, &g.Newest.Position,
		placeOf(&g.Newest.Hash), &there, &end, &g.Server,
	}
	query := "SELECT " + glanceColumns + ", " + server + glanceTables
	if err := scan(ctx, r.s.read, places, query, seen.Chain, seen.Position, seen.Chain); err != nil {
		return g, err
	}
	// An event that does not exist was pruned, unless its chain ends before it.
	g.Lost = seen.Position > 0 && (end < seen.Position || there != nil && !slices.Equal(there, seen.Hash[:]))
	g.Moved = made != "" && placed(g.Server) && g.Server != made
	if made == "" && placed(g.Server) {
		err = r.s.write.WithContext(ctx).Exec("UPDATE incarnation SET server = ? WHERE server = ''", g.Server).Error
	}
	return g, err
}

// placed reports whether a server has named its timeline.
func placed(server string) bool { return server != "" && server[len(server)-1] != '/' }

// Incarnation implements domain.Histories.
func (r histories) Incarnation(ctx context.Context) (domain.Incarnation, error) {
	var found domain.Incarnation
	var abandoned string
	err := scan(
		ctx, r.s.read, []any{&found.Value, &found.Since, &abandoned}, "SELECT value, since, abandoned FROM incarnation",
	)
	if err == nil {
		err = json.Unmarshal([]byte(abandoned), &found.Abandoned)
	}
	found.Since = found.Since.UTC()
	return found, err
}

// Renew implements domain.Histories.
func (r histories) Renew(ctx context.Context, from string, now time.Time, abandon ...string) (string, error) {
	var value string
	err := r.s.atomic(ctx, func(tx *Store) error {
		value = rand.Text()
		server, err := tx.serverOf(ctx)
		if err != nil {
			return err
		}
		before, err := tx.Histories().Incarnation(ctx)
		if err != nil {
			return err
		}
		abandoned, err := json.Marshal(abandonedOf(append(before.Abandoned, abandon...)))
		if err != nil {
			return err
		}
		done := tx.write.WithContext(ctx).
			Exec("UPDATE incarnation SET value = ?, since = ?, abandoned = ?, server = "+server+" WHERE value = ?",
				value, micro(now), string(abandoned), from)
		if done.Error != nil {
			return done.Error
		}
		if done.RowsAffected == 0 { // somebody else has renewed it
			before, err = tx.Histories().Incarnation(ctx)
			value = before.Value
			return err
		}
		if err := tx.outdoEvents(ctx, now); err != nil {
			return err
		}
		return tx.outdoLists(ctx, now)
	})
	return value, err
}

// listsAhead, in seconds, is more than the number of a list is ahead of the Unix time. A list
// begins an hour ago, or a second after the list before it, but never in the future.
const listsAhead = 7200

// outdoLists gives the next list of each CA a higher number and a later ThisUpdate than any list
// that was published in the history that has ended. Those lists are not known, but none of them
// begins after now or has a number above the Unix time plus listsAhead.
func (s *Store) outdoLists(ctx context.Context, now time.Time) error {
	begins, number := micro(now), now.Unix()+listsAhead
	db := s.write.WithContext(ctx)
	err := db.Exec(
		"UPDATE cas SET crl_this_update = ? WHERE crl_this_update IS NULL OR crl_this_update < ?", begins, begins,
	).Error
	if err != nil {
		return err
	}
	return db.Exec("UPDATE cas SET crl_number = ? WHERE crl_number < ?", number, number).Error
}

// outdoEvents gives the next event of the stream a higher id than any that was published in the
// history that has ended: there were fewer than one in a millisecond since 1970. A reader who has
// seen the lost ones notices that they are not there.
func (s *Store) outdoEvents(ctx context.Context, now time.Time) error {
	const query = "UPDATE event_stream SET newest = ?, gone = CASE WHEN EXISTS (SELECT 1 FROM events) THEN gone ELSE ? END WHERE newest < ?"
	id := now.UnixMilli()
	return s.write.WithContext(ctx).Exec(query, id, id, id).Error
}

// abandonedOf returns each value once, and of those the last domain.MaxAbandoned.
func abandonedOf(values []string) []string {
	kept := []string{}
	for _, value := range values {
		if value != "" && !slices.Contains(kept, value) {
			kept = append(kept, value)
		}
	}
	return kept[max(0, len(kept)-domain.MaxAbandoned):]
}
