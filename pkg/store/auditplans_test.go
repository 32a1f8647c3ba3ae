package store_test

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// eventFillers insert plannedRows events, one every ten seconds from the beginning of 2026, by
// forty apikeys and about a thousand clients.
var eventFillers = map[store.Engine][]string{
	store.Postgres: {
		fmt.Sprintf(
			fillEvents, `'2026-01-01'::timestamptz + i * interval '10 seconds'`, `''`,
			fmt.Sprintf("generate_series(1, %d) n(i)", plannedRows),
		),
		`ANALYZE`,
	},
	store.SQLite: {
		fmt.Sprintf(`WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i < %d) `, plannedRows) +
			fmt.Sprintf(fillEvents, `datetime('2026-01-01', (i*10)||' seconds')||'+00:00'`, `x''`, "n"),
	},
}

const fillEvents = `INSERT INTO audit_events (id, chain, position, at, hash, actor_kind, actor_id, actor_name, address, request_id, operation, action,
	refused, resource, resource_id, resource_name, before, after)
	SELECT i, i%%16, i, %s, %s, 'apikey', i%%40+1, '', '', '', '', 'update', i%%9 = 0, 'openvpn.clients', i%%1000+1, '', '', '' FROM %s`

// auditPlan is a filter, and a pattern of the index that its pages must be read by; empty: the
// primary key.
type auditPlan struct {
	filter domain.AuditFilter
	index  string
}

func plannedEvents() []auditPlan {
	kind, middle := domain.PrincipalAPIKey, time.Date(2026, time.January, 1, 0, 0, 10*plannedRows/2, 0, time.UTC)
	narrow := []auditPlan{
		{domain.AuditFilter{}, ""},
		{domain.AuditFilter{ActorKind: &kind, ActorID: 7}, "audit_events_actor"},
		{domain.AuditFilter{Resource: domain.ScopeClients, ResourceID: 77}, "audit_events_resource"},
	}
	var all []auditPlan
	for _, plan := range narrow {
		for _, span := range [][2]time.Time{
			{}, {middle}, {{}, middle}, {middle, middle.Add(time.Hour)}, {middle, middle},
		} {
			for _, descending := range []bool{false, true} {
				plan.filter.From, plan.filter.To, plan.filter.Descending = span[0], span[1], descending
				all = append(all, plan)
			}
		}
	}
	return all
}

func TestAudit_Page_Plans(t *testing.T) {
	t.Parallel()
	type call struct {
		query  string
		values []any
	}
	for name, location := range locations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := filled(t, location(t), eventFillers)
			var calls []call
			if err := s.OnQuery(func(q string, v []any) { calls = append(calls, call{q, v}) }); err != nil {
				t.Fatal(err)
			}
			for _, planned := range plannedEvents() {
				for _, cursor := range []int64{0, plannedRows/2 + 100} {
					calls = nil
					if _, err := s.Audit().
						Page(t.Context(), planned.filter, domain.PageRequest{Cursor: cursor, Size: 15}); err != nil {
						t.Fatal(err)
					}
					for _, one := range calls {
						index := planned.index
						if strings.Contains(one.query, "FROM audit_chains") {
							continue // it has 16 rows
						}
						if strings.Contains(one.query, "WITH c (chain, bound)") {
							index = "audit_events_(chain_at|position)"
						}
						if plan := explain(t, s, one.query, one.values); !wellPlanned[s.Engine()](index, plan) {
							t.Errorf("filter %+v, cursor %d: %s\n%s", planned.filter, cursor, one.query, plan)
						}
					}
				}
			}
		})
	}
}

// TestAudit_Page_Depth: SQLite's plans do not say where a scan begins. If it began at the start of
// the filter's time and not at the cursor, a page far down would take about thirty times as long as
// the first one.
func TestAudit_Page_Depth(t *testing.T) {
	t.Parallel()
	s := filled(t, sqliteFile(t), eventFillers)
	fastest := func(filter domain.AuditFilter, cursor int64) time.Duration {
		best := time.Hour
		for range 20 {
			begin := time.Now()
			if _, err := s.Audit().Page(t.Context(), filter, domain.PageRequest{Cursor: cursor, Size: 15}); err != nil {
				t.Fatal(err)
			}
			best = min(best, time.Since(begin))
		}
		return best
	}
	begin := time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	up := domain.AuditFilter{From: begin.Add(time.Hour), To: begin.AddDate(0, 0, 2)}
	down := up
	down.Descending = true
	for _, deep := range []struct {
		filter domain.AuditFilter
		cursor int64
	}{{up, 17000}, {down, 500}} {
		if first, far := fastest(deep.filter, 0), fastest(deep.filter, deep.cursor); far > 8*first {
			t.Errorf(
				"filter %+v: the first page takes %v, the one after %d takes %v", deep.filter, first, deep.cursor, far,
			)
		}
	}
}

// wellPlanned reports whether a plan is good: it scans one index, by default the primary key, and
// reads hardly more rows than the page has.
var wellPlanned = map[store.Engine]func(index, plan string) bool{
	store.Postgres: func(index, plan string) bool {
		for _, number := range regexp.MustCompile(`(?:on audit_events.*actual rows=|Rows Removed by Filter: )(\d+)`).
			FindAllStringSubmatch(plan, -1) {
			if rows, err := strconv.Atoi(number[1]); err != nil || rows > 50 {
				return false
			}
		}
		scans := regexp.MustCompile(`Scan.* on audit_events`).FindAllString(plan, -1)
		using := regexp.MustCompile(`Index (Only )?Scan (Backward )?using `+cmp.Or(index, "audit_events_pkey")).
			FindAllString(plan, -1)
		return len(using) > 0 && len(using) == len(scans) && !strings.Contains(plan, "Sort")
	},
	store.SQLite: func(index, plan string) bool {
		using := regexp.MustCompile(`INTEGER PRIMARY KEY \(rowid`)
		if index != "" {
			using = regexp.MustCompile("INDEX " + index + ` \(`)
		}
		reads := regexp.MustCompile(`(?m)^(SEARCH|SCAN) .*audit_events.*$`).FindAllString(plan, -1)
		for _, read := range reads {
			if !strings.Contains(read, "SEARCH") || !using.MatchString(read) {
				return false
			}
		}
		return len(reads) > 0 && !strings.Contains(plan, "TEMP B-TREE")
	},
}

// TestAudit_Strays: strays are found by an index, without reading all events.
func TestAudit_Strays(t *testing.T) {
	t.Parallel()
	for name, location := range locations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := filled(t, location(t), eventFillers)
			var query string
			var values []any
			if err := s.OnQuery(func(q string, v []any) { query, values = q, v }); err != nil {
				t.Fatal(err)
			}
			wantStrays(t, s)
			plan := explain(t, s, query, values)
			if reads := strings.Count(plan, "audit_events "); reads == 0 ||
				reads > strings.Count(plan, "audit_events_position")+strings.Count(plan, "audit_events_chain_at") {
				t.Errorf("%s\n%s", query, plan)
			}
			execute(t, writer(t, s), "UPDATE audit_events SET chain = 16 WHERE chain = 3 AND position < 100",
				"UPDATE audit_events SET chain = -7 WHERE position = 5",
				"UPDATE audit_events SET chain = 2000000000 WHERE chain = 4")
			wantStrays(
				t, s, domain.Stray{Chain: -7, Events: 1}, domain.Stray{Chain: 16, Events: 7},
				domain.Stray{Chain: 2000000000, Events: plannedRows / 16},
			)
		})
	}
}

func wantStrays(t *testing.T, s *store.Store, want ...domain.Stray) {
	t.Helper()
	if got, err := s.Audit().Strays(t.Context()); err != nil || !slices.Equal(got, want) {
		t.Errorf("the strays are %v, %v", got, err)
	}
}
