package store_test

import (
	"context"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chaveiro/chaveiro/db"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// portable are the functions that PostgreSQL has in common with the databases that speak its
// protocol. What is true of the others is in decision 48.
var portable = strings.Fields(`cast clock_timestamp coalesce count current_database current_schema currval decode extract
	gen_random_uuid generate_series greatest least left length make_interval max min nextval now repeat replace
	statement_timestamp string_agg strpos substr unnest`)

// replaceable are those that others lack, and what the program does without them.
var replaceable = map[string]string{
	"pg_control_system":       "the name of the server is left out",
	"pg_current_wal_lsn":      "the same",
	"pg_walfile_name":         "the same",
	"pg_is_in_recovery":       "the same",
	"pg_total_relation_size":  "sizes are not known",
	"pg_database_size":        "the same",
	"pg_stat_get_live_tuples": "the same",
}

// needed are those that others lack, and that nothing replaces: the hash of the audit.
var needed = []string{"int8send", "sha256"}

// changedTwice are the tables that one statement changes in two places, which CockroachDB refuses.
var changedTwice = []string{"certificates", "device_terms"}

// unportable is what no statement has: locks of tables and of numbers, messages between sessions,
// places of rows, code in the database.
var unportable = regexp.MustCompile(`\b(lock table|advisory|listen|notify|ctid|xmin|xmax|declare|temp|temporary|` +
	`trigger|function|plpgsql|do \$\$|exclude using|deferrable|inherits|tablesample|create (rule|type|extension|domain)|` +
	`set transaction|bigserial|savepoint)\b`)

// portability collects what statements use.
type portability struct {
	mu                              sync.Mutex
	seen, functions, twice, refused map[string]bool
}

// watch has all statements of a store looked at.
func (p *portability) watch(s *store.Store) *store.Store {
	s.TellSlow(0, func(_ context.Context, one store.Slow) { p.look(one.Text) })
	return s
}

func (p *portability) look(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.seen[text] {
		return
	}
	p.seen[text] = true
	text = bare(text)
	for _, name := range functionsOf(text) {
		p.functions[name] = true
	}
	for _, name := range changedTwiceBy(text) {
		p.twice[name] = true
	}
	if found := unportable.FindString(text); found != "" {
		p.refused[found+": "+text] = true
	}
}

// check wants exactly what is known to be used.
func (p *portability) check(t *testing.T) {
	if len(p.seen) == 0 {
		t.Error("no statement was looked at")
	}
	known := slices.Sorted(slices.Values(slices.Concat(portable, needed, slices.Collect(maps.Keys(replaceable)))))
	for _, name := range slices.Sorted(maps.Keys(p.functions)) {
		if !slices.Contains(known, name) {
			t.Errorf("the function %s is not known to be portable", name)
		}
	}
	for name := range p.twice {
		if !slices.Contains(changedTwice, name) {
			t.Errorf("a statement changes %s in two places", name)
		}
	}
	for one := range p.refused {
		t.Errorf("not portable: %.200s", one)
	}
}

var (
	literal    = regexp.MustCompile(`'(?:[^']|'')*'`)
	comment    = regexp.MustCompile(`--[^\n]*`)
	afterWord  = regexp.MustCompile(`\b(into|on|table|references|index|update|with|recursive)\s+(?:if not exists )?\w+(?: as \w+)?\s*\(`)
	namedQuery = regexp.MustCompile(`\w+\s*(?:\([^()]*\)\s*)?as (?:materialized |not materialized )?\(`)
	columnList = regexp.MustCompile(`\)(?: as)? \w+\s*\(`)
	call       = regexp.MustCompile(`\b([a-z_]\w*)\s*\(`)
	change     = regexp.MustCompile(`(?:\binsert into|\bdelete from|(?:\(|^|\bwith )update)\s+(\w+)`)
)

// bare is a statement in small letters, without comments and texts.
func bare(text string) string {
	text = literal.ReplaceAllString(comment.ReplaceAllString(text, ""), "''")
	return strings.Join(strings.Fields(strings.ToLower(strings.ReplaceAll(text, `"`, ""))), " ")
}

// keywords are followed by a parenthesis as functions are.
var keywords = strings.Fields(`in and exists from where as values conflict not any select then using join set or when else
	on by key check unique returning over filter case array materialized add into is union all end references distinct
	interval default table with recursive index update`)

// functionsOf are the functions that a bare statement calls.
func functionsOf(text string) (names []string) {
	text = afterWord.ReplaceAllString(text, "$1 (")
	text = namedQuery.ReplaceAllString(text, " (")
	text = columnList.ReplaceAllString(text, ") (")
	for _, found := range call.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(keywords, found[1]) {
			names = append(names, found[1])
		}
	}
	return names
}

// changedTwiceBy are the tables that a bare statement changes in more than one place.
func changedTwiceBy(text string) (names []string) {
	seen := map[string]bool{}
	for _, found := range change.FindAllStringSubmatch(text, -1) {
		if seen[found[1]] {
			names = append(names, found[1])
		}
		seen[found[1]] = true
	}
	return names
}

// TestMigrations_Portable looks at the schema as [TestPostgres] does at all other statements.
func TestMigrations_Portable(t *testing.T) {
	t.Parallel()
	found := newPortability()
	files, err := fs.Glob(db.Migrations, "migrations/postgres/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		text, err := fs.ReadFile(db.Migrations, name)
		if err != nil {
			t.Fatal(err)
		}
		applied, _, _ := strings.Cut(string(text), "-- +goose Down")
		for statement := range strings.SplitSeq(applied, ";") {
			found.look(statement)
		}
	}
	found.check(t)
}

func newPortability() *portability {
	return &portability{
		seen: map[string]bool{}, functions: map[string]bool{}, twice: map[string]bool{}, refused: map[string]bool{},
	}
}

// TestPortability: what is looked for is found.
func TestPortability(t *testing.T) {
	t.Parallel()
	found := newPortability()
	for _, text := range []string{
		"WITH a AS (UPDATE users SET name = md5('x(') WHERE id = ?), b (c, d) AS (SELECT 1) INSERT INTO users (name) VALUES (?)",
		"SELECT pg_advisory_lock(1), 'pg_sleep(1)'", "LOCK TABLE users",
	} {
		found.look(text)
	}
	if got := slices.Sorted(maps.Keys(found.functions)); !slices.Equal(got, []string{"md5", "pg_advisory_lock"}) {
		t.Error(got)
	}
	if !found.twice["users"] || len(found.refused) != 1 {
		t.Error(found.twice, found.refused)
	}
}
