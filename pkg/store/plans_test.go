package store_test

import (
	"database/sql"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// plannedRows is how many rows the plans are made for: enough that reading all of them would be
// noticed.
const plannedRows = 20000

// fillers insert four CAs and the clients. The third CA has one client in a thousand, the fourth
// the last thousand. One client in twenty is expired, one in thirty is revoked.
var fillers = map[store.Engine][]string{
	store.Postgres: {
		fillCAs +
			` SELECT i, 'ca'||i, 'ca'||i, '', '', '', '', '', '', '', '', '', '\x01'::bytea, now(), now(), now() FROM generate_series(1, 4) i`,
		fmt.Sprintf(
			fillClients+
				`, now(), i%%20 = 0, CASE WHEN i%%30 = 0 THEN now() END, now(), now() FROM generate_series(1, %d) i`,
			plannedRows,
		),
		`ANALYZE`,
	},
	store.SQLite: {
		`WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i < 4) ` + fillCAs +
			` SELECT i, 'ca'||i, 'ca'||i, '', '', '', '', '', '', '', '', '', x'01', '2026-01-01', '2026-01-01', '2026-01-01' FROM n`,
		fmt.Sprintf(`WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i < %d) `, plannedRows) +
			fmt.Sprintf(
				fillClients+
					`, '2026-01-01', i%%20 = 0, CASE WHEN i%%30 = 0 THEN '2026-01-01' END, '2026-01-01', '2026-01-01' FROM n`,
			),
	},
}

const (
	fillCAs = `INSERT INTO cas (id, name, name_key, description, country, province, city, organization, sector, email, key_algorithm, certificate,
		sealed_key, expires_at, created_at, updated_at)`
	fillClients = `INSERT INTO clients (id, ca_id, name, name_key, description, country, province, city, organization, sector, email, expires_at, expired,
		revoked_at, created_at, updated_at) SELECT i, CASE WHEN i%%1000 = 0 THEN 3 WHEN i > 19000 THEN 4 ELSE 1+i%%2 END, 'site-'||i, 'site-'||i, '', '', '', '', '', '', ''`
)

// kindMixes change which of the clients are users: none, those with lower ids than all sites, and
// all but a few that lie anywhere.
var kindMixes = map[string]string{
	"sites": "", "users first": "UPDATE clients SET of_user = id <= 10000",
	"few sites": "UPDATE clients SET of_user = id % 999 <> 0",
}

// mixKinds does so, and renews what PostgreSQL knows of the table.
func mixKinds(t *testing.T, s *store.Store, update string) {
	t.Helper()
	if update == "" {
		return
	}
	execute(t, writer(t, s), update,
		"UPDATE client_configs SET of_user = (SELECT of_user FROM clients c WHERE c.id = client_id)")
	if s.Engine() == store.Postgres {
		execute(t, writer(t, s), "VACUUM FULL ANALYZE clients", "VACUUM FULL ANALYZE client_configs")
	}
}

func TestClients_Page_Plans(t *testing.T) {
	t.Parallel()
	for mix, update := range kindMixes {
		for name, location := range locations {
			t.Run(name+" "+mix, func(t *testing.T) {
				t.Parallel()
				s := filled(t, location(t), fillers)
				mixKinds(t, s, update)
				wantClientPlans(t, s)
			})
		}
	}
}

func wantClientPlans(t *testing.T, s *store.Store) {
	t.Helper()
	var query string
	var values []any
	if err := s.OnQuery(func(q string, v []any) { query, values = q, v }); err != nil {
		t.Fatal(err)
	}
	for _, filter := range plannedFilters() {
		for _, cursor := range []int64{0, plannedRows / 2, plannedRows - 50} {
			if _, err := s.Clients().
				Page(t.Context(), filter, domain.PageRequest{Cursor: cursor, Size: 15}); err != nil {
				t.Fatal(err)
			}
			if plan := explain(t, s, query, values); !planned[s.Engine()](filter, plan) {
				t.Errorf("filter %+v, cursor %d: %s\n%s", filter, cursor, query, plan)
			}
		}
	}
	for _, mark := range []struct {
		index string
		year  int
	}{{"clients_revived", 1970}, {"clients_expiring", 9000}} {
		if _, err := s.Clients().
			MarkExpired(t.Context(), time.Date(mark.year, 1, 1, 0, 0, 0, 0, time.UTC), 1000); err != nil {
			t.Fatal(err)
		}
		if plan := explain(t, s, query, values); !strings.Contains(plan, mark.index) {
			t.Errorf("%s\n%s", query, plan)
		}
	}
}

// TestClients_Page_CommonBeginning: a beginning that so many names have that they are read by id
// finds the same clients as one that is rare.
func TestClients_Page_CommonBeginning(t *testing.T) {
	t.Parallel()
	for name, location := range locations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := filled(t, location(t), fillers)
			for _, test := range []struct {
				name                          string
				cursor, first, previous, next int64
			}{
				{"site-*", 10000, 10001, 9985, 10015},
				{"SITE-1*", 9990, 10000, 1984, 10014}, // 11 111 clients
				{"site-2*", 300, 2000, 284, 2014},     // 1112 clients
			} {
				page, err := s.Clients().Page(t.Context(), domain.ClientFilter{Name: test.name},
					domain.PageRequest{Cursor: test.cursor, Size: 15})
				if err != nil {
					t.Fatal(err)
				}
				if len(page.Items) != 15 || page.Next == nil || page.Previous == nil {
					t.Fatalf("%+v: %+v", test, page)
				}
				if page.Items[0].ID != test.first || *page.Next != test.next || *page.Previous != test.previous {
					t.Errorf("%+v: first %d, next %d, previous %d", test, page.Items[0].ID, *page.Next, *page.Previous)
				}
			}
		})
	}
}

// planned reports whether a plan is good. Without a name, each page is a scan of an index by id.
// With a name, the few rows of that name may be sorted instead.
var planned = map[store.Engine]func(f domain.ClientFilter, plan string) bool{
	store.Postgres: func(f domain.ClientFilter, plan string) bool {
		passes := regexp.MustCompile(`Sort|Seq Scan|Bitmap|Rows Removed by Filter: \d{3}`)
		if f.Name == "" && passes.MatchString(plan) {
			return false
		}
		for _, node := range regexp.MustCompile(
			`(Seq Scan|Heap Scan|Index Scan using|Index Scan Backward using|Only Scan).* on clients.*actual rows=(\d+)`,
		).FindAllStringSubmatch(
			plan, -1,
		) {
			if rows, err := strconv.Atoi(node[2]); err != nil || rows > plannedRows/20 {
				return false
			}
		}
		return strings.Contains(plan, "actual rows=")
	},
	store.SQLite: func(f domain.ClientFilter, plan string) bool {
		if f.CAID == 0 && f.Name == "site-77*" { // few names begin so
			return strings.Contains(plan, "INDEX clients_name_key (name_key>? AND name_key<?)")
		}
		if f.Wide() && f.Status == domain.StatusAny && !strings.Contains(plan, "USING COVERING INDEX") {
			return false
		}
		return !strings.Contains(plan, "TEMP B-TREE") && !strings.Contains(plan, "SCAN") &&
			strings.Contains(plan, "SEARCH clients USING")
	},
}

// locations returns the location of an empty database on each engine; only that of PostgreSQL has
// the schema.
var locations = map[string]func(testing.TB) string{"sqlite": sqliteFile, "postgres": postgresURL}

func plannedFilters() []domain.ClientFilter {
	var all []domain.ClientFilter
	for _, name := range []string{"", "site-777", "site-77*", "site-*", "*77*", "*nothing*"} {
		for _, caID := range []int64{0, 1, 3, 4} {
			for _, status := range []domain.Status{
				domain.StatusAny, domain.StatusValid, domain.StatusExpired, domain.StatusRevoked,
			} {
				for _, kind := range []domain.ClientKind{domain.Site2Site, domain.Site2User} {
					all = append(all, domain.ClientFilter{Kind: kind, Name: name, CAID: caID, Status: status})
				}
			}
		}
	}
	return all
}

func filled(t *testing.T, location string, fillers map[store.Engine][]string) *store.Store {
	t.Helper()
	s := migrated(t, location)
	execute(t, writer(t, s), fillers[s.Engine()]...)
	return s
}

func explain(t *testing.T, s *store.Store, query string, values []any) string {
	t.Helper()
	prefix, column := "EXPLAIN QUERY PLAN ", 3
	if s.Engine() == store.Postgres {
		prefix, column = "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ", 0
	}
	db, err := s.Reader()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(cells(t, db, column, prefix+query, values...), "\n")
}

// cells returns the nth column of the rows of a query.
func cells(t testing.TB, db *sql.DB, n int, query string, values ...any) []string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query, values...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for rows.Next() {
		row := make([]any, len(names))
		for i := range row {
			row[i] = new(any)
		}
		if err := rows.Scan(row...); err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(*row[n].(*any)))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func writer(t testing.TB, s *store.Store) *sql.DB {
	t.Helper()
	db, err := s.SQL()
	if err != nil {
		t.Fatal(err)
	}
	return db
}
