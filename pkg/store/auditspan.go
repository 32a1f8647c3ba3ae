package store

import (
	"context"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// span returns ids between which all events of the filter's time lie, however wrong the clocks
// were. The column behind of audit_chains says for each chain by how much at most an event is
// earlier than one before it. So what comes before an event that is too early by more than that is
// too early as well, and what comes after an event that is too late by more than that is too late.
// Ids ascend along a chain.
func (r audit) span(ctx context.Context, f domain.AuditFilter) (first, last int64, err error) {
	first, last = 0, domain.MaxID
	if !f.From.IsZero() {
		if first, err = r.spanEnd(ctx, firstSince, f.From, -1); err == nil {
			first-- // a scan leaves out the id that it begins at
		}
	}
	if !f.To.IsZero() && err == nil {
		if last, err = r.spanEnd(ctx, lastBefore, f.To, 1); err == nil {
			last++
		}
	}
	return first, last, err
}

// firstSince and lastBefore return the first and the last id of a span. On each chain they look up,
// by time, an event that is certainly outside, and take the next one towards the inside. The last
// parameter is the result when there is no such event.
const (
	firstSince = `SELECT COALESCE(min(id), ?) FROM (SELECT (SELECT e.id FROM audit_events e WHERE e.chain = c.chain AND e.position > COALESCE((SELECT o.position
		FROM audit_events o WHERE o.chain = c.chain AND o.at < c.bound ORDER BY o.at DESC LIMIT 1), -1) ORDER BY e.position LIMIT 1) AS id FROM c) ids`
	lastBefore = `SELECT COALESCE(max(id), ?) FROM (SELECT (SELECT e.id FROM audit_events e WHERE e.chain = c.chain AND e.position < COALESCE((SELECT o.position
		FROM audit_events o WHERE o.chain = c.chain AND o.at >= c.bound ORDER BY o.at LIMIT 1), 9007199254740992) ORDER BY e.position DESC LIMIT 1) AS id FROM c) ids`
)

func (r audit) spanEnd(ctx context.Context, query string, at time.Time, direction int64) (id int64, err error) {
	none := int64(0)
	if direction < 0 {
		none = domain.MaxID
	}
	var disorder [domain.AuditChains]int64
	for chain := range disorder {
		disorder[chain] = anyDisorder // of a chain that audit_chains does not have
	}
	err = returned(ctx, r.s.read, "SELECT chain, behind FROM audit_chains", nil, func(scan func(...any) error) error {
		var chain, behind int64
		err := scan(&chain, &behind)
		if chain >= 0 && chain < domain.AuditChains {
			disorder[chain] = behind
		}
		return err
	})
	if err != nil {
		return none, err
	}
	var args []any
	for chain, behind := range disorder {
		args = append(args, chain, shifted(at, direction*behind))
	}
	values := "(?, ?)"
	if r.s.engine == Postgres {
		values = "(?::bigint, ?::timestamptz)"
	}
	text := "WITH c (chain, bound) AS (VALUES " + values + strings.Repeat(", "+values, len(args)/2-1) + ") " + query
	err = scan(ctx, r.s.read, []any{&id}, text, append(args, none)...)
	return id, err
}

// anyDisorder is the value of behind for a chain of which nothing is known, in microseconds: its
// times may be in any order within a hundred years.
const anyDisorder = 100 * 366 * 86400 * 1_000_000

// shifted adds microseconds to a time. The result stays within the years 1 to 9999: SQLite compares
// times as text.
func shifted(t time.Time, by int64) time.Time {
	moved := time.UnixMicro(t.UnixMicro() + by).UTC()
	switch {
	case moved.Year() < 1:
		return time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	case moved.Year() > 9999:
		return time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)
	}
	return moved
}
