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

// serverQuery names the server of PostgreSQL: the system identifier changes with the cluster, the
// timeline at every promotion and every recovery to a point in time. A server in recovery has no
// timeline of its own yet.
const serverQuery = `(SELECT system_identifier::text FROM pg_control_system()) || '/' ||
	CASE WHEN pg_is_in_recovery() THEN '' ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END`

// serverOf is the expression by which this database names its server, an empty text where it can't:
// in SQLite, and in databases that only speak the protocol of PostgreSQL.
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

// unknownFunction are the SQLSTATE codes of a server that has no such function, or has it for
// others only.
var unknownFunction = []string{"42883", "42501", "0A000"}

// serverExpression is nil until a server was asked whether it can name itself; then it is stored
// for good. Two that ask at the same time store the same.
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
	// An event that is not there was pruned, if its chain reaches as far.
	g.Lost = seen.Position > 0 && (end < seen.Position || there != nil && !slices.Equal(there, seen.Hash[:]))
	g.Moved = made != "" && placed(g.Server) && g.Server != made
	if made == "" && placed(g.Server) {
		err = r.s.write.WithContext(ctx).Exec("UPDATE incarnation SET server = ? WHERE server = ''", g.Server).Error
	}
	return g, err
}

// placed reports whether a server has said on which timeline it is.
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
	value := rand.Text()
	err := r.s.atomic(ctx, func(tx *Store) error {
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
		if done.RowsAffected == 0 { // another has renewed it, maybe while this waited
			before, err = tx.Histories().Incarnation(ctx)
			value = before.Value
			return err
		}
		return tx.outdoLists(ctx, now)
	})
	return value, err
}

// listsAhead is more than the number of a list is ahead of the time in seconds: a list begins an
// hour back or a second after the one before, and never in the future.
const listsAhead = 7200

// outdoLists makes the next list of each CA a later one than any that was published in the history
// that has ended. Those are not known, but none of them begins later than now or has a number that
// is further ahead.
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

// abandonedOf keeps each value once, and the latest.
func abandonedOf(values []string) []string {
	kept := []string{}
	for _, value := range values {
		if value != "" && !slices.Contains(kept, value) {
			kept = append(kept, value)
		}
	}
	return kept[max(0, len(kept)-domain.MaxAbandoned):]
}
