package store_test

import (
	"bufio"
	"context"
	"database/sql"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/db"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// emptyLocation is the location of a database without a schema.
func emptyLocation(t *testing.T, engine string) string {
	t.Helper()
	location := locations[engine](t)
	if engine == string(store.Postgres) {
		s := open(t, location)
		execute(t, writer(t, s), "DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
	}
	return location
}

func execute(t testing.TB, db *sql.DB, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

func TestStore_MigrateUp(t *testing.T) {
	t.Parallel()
	for engine := range locations {
		all := migrationNames(t, engine)
		t.Run(engine+": an empty database gets everything, once", func(t *testing.T) {
			t.Parallel()
			s := open(t, emptyLocation(t, engine))
			wantBehind(t, s, len(all))
			wantApplied(t, s, all)
			wantBehind(t, s, 0)
			wantApplied(t, s, nil)
			if _, err := s.CAs().IDs(t.Context()); err != nil {
				t.Error(err)
			}
		})
		t.Run(engine+": what goes down comes up again", func(t *testing.T) {
			t.Parallel()
			s := open(t, emptyLocation(t, engine))
			wantApplied(t, s, all)
			provider, err := s.Migrations()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := provider.DownTo(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
			wantBehind(t, s, len(all))
			wantApplied(t, s, all)
		})
		t.Run(engine+": of several at once one migrates and the others wait", func(t *testing.T) {
			t.Parallel()
			location := emptyLocation(t, engine)
			var group sync.WaitGroup
			applied, faults := make([][]string, 4), make([]error, 4)
			for i := range applied {
				group.Go(func() { applied[i], faults[i] = openAndMigrate(t.Context(), location) })
			}
			group.Wait()
			for _, err := range faults {
				if err != nil {
					t.Error(err)
				}
			}
			if diff := cmp.Diff(all, slices.Concat(applied...)); diff != "" {
				t.Errorf("applied (-want +got):\n%s", diff)
			}
			wantBehind(t, open(t, location), 0)
		})
	}
}

func TestStore_MigrateUp_APIKeysOfVersion1(t *testing.T) {
	t.Parallel()
	for engine := range locations {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := open(t, emptyLocation(t, engine))
			provider, err := s.Migrations()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := provider.UpTo(t.Context(), 1); err != nil {
				t.Fatal(err)
			}
			execute(t, writer(t, s), `INSERT INTO apikeys (name, name_key, superuser, generation, created_at, updated_at)
				VALUES ('Integração', 'integração', true, 7, '2026-03-04 12:00:00+00:00', '2026-03-04 12:00:00.5+00:00')`)
			wantApplied(t, s, migrationNames(t, engine)[1:])
			got, err := s.APIKeys().Get(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			at := time.Date(2026, time.March, 4, 12, 0, 0, 0, time.UTC)
			want := domain.APIKey{
				ID: 1, Name: "Integração", Superuser: true, Enabled: true, Generation: 7, CreatedAt: at,
				UpdatedAt: at.Add(time.Second / 2),
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the apikey (-want +got):\n%s", diff)
			}
			if n, err := s.AccessControl().Superusers(t.Context(), at); n != 1 || err != nil {
				t.Errorf("%d superusers (%v)", n, err)
			}
		})
	}
}

func openAndMigrate(ctx context.Context, location string) (applied []string, err error) {
	s, err := store.Open(ctx, location)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return s.MigrateUp(ctx)
}

func wantBehind(t *testing.T, s *store.Store, want int) {
	t.Helper()
	got, err := s.Schema(t.Context())
	if err != nil || got.Missing != want || got.Newer != 0 ||
		got.Empty != (want == len(migrationNames(t, string(s.Engine())))) {
		t.Errorf("%+v, want %d missing (%v)", got, want, err)
	}
}

func wantApplied(t *testing.T, s *store.Store, want []string) {
	t.Helper()
	got, err := s.MigrateUp(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("applied (-want +got):\n%s", diff)
	}
}

func migrationNames(t testing.TB, engine string) []string {
	t.Helper()
	names, err := fs.Glob(db.Migrations, "migrations/"+engine+"/*")
	if err != nil {
		t.Fatal(err)
	}
	for i := range names {
		names[i] = strings.TrimPrefix(names[i], "migrations/"+engine+"/")
	}
	return names
}

func TestMigrations_SameNames(t *testing.T) {
	t.Parallel()
	names := migrationNames(t, "sqlite")
	if diff := cmp.Diff(names, migrationNames(t, "postgres")); diff != "" {
		t.Errorf("the folders differ (-sqlite +postgres):\n%s", diff)
	}
	last := ""
	for _, name := range names { // not every number is used
		if !regexp.MustCompile(`^\d{5}_[a-z_]+\.sql$`).MatchString(name) || name[:5] <= last[:min(5, len(last))] {
			t.Errorf("%s is not the name of a migration after %s", name, last)
		}
		last = name
	}
	if len(names) == 0 {
		t.Error("there are no migrations")
	}
}

// schemaQueries describe a schema in words that are the same for both engines. Each query returns
// one column of lines.
var schemaQueries = map[store.Engine]map[string]string{
	store.SQLite: {
		"columns": `SELECT m.name || '.' || c.name || CASE WHEN c."notnull" OR c.pk THEN ' NOT NULL' ELSE '' END ||
			CASE WHEN c.dflt_value IS NULL THEN '' ELSE ' DEFAULT' END
			FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE 'goose_%'`,
		"primary keys": `SELECT m.name || '.' || c.name || ' ' || c.pk FROM sqlite_master m, pragma_table_info(m.name) c
			WHERE m.type = 'table' AND c.pk > 0 AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE 'goose_%'`,
		"foreign keys": `SELECT m.name || '.' || f."from" || ' ' || f."table" || '.' || f."to" || ' ' || f.on_delete
			FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table'`,
		"indexes": `SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name NOT LIKE 'goose_%'`,
	},
	store.Postgres: {
		"columns": `SELECT table_name || '.' || column_name || CASE is_nullable WHEN 'NO' THEN ' NOT NULL' ELSE '' END ||
			CASE WHEN column_default IS NULL THEN '' ELSE ' DEFAULT' END
			FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE 'goose_%'`,
		"primary keys": `SELECT conrelid::regclass || '.' || attname || ' ' || array_position(conkey, attnum) FROM pg_constraint, pg_attribute
			WHERE contype = 'p' AND attrelid = conrelid AND attnum = ANY (conkey) AND connamespace = 'public'::regnamespace AND conrelid::regclass::text NOT LIKE 'goose_%'`,
		"foreign keys": `SELECT conrelid::regclass || '.' || a.attname || ' ' || confrelid::regclass || '.' || b.attname || CASE confdeltype WHEN 'a' THEN ' NO ACTION' WHEN 'c' THEN ' CASCADE' ELSE ' ?' END
			FROM pg_constraint, pg_attribute a, pg_attribute b
			WHERE contype = 'f' AND a.attrelid = conrelid AND a.attnum = conkey[1] AND b.attrelid = confrelid AND b.attnum = confkey[1]`,
		"indexes": `SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE '%_pkey' AND tablename NOT LIKE 'goose_%'`,
	},
}

func TestMigrations_SameSchema(t *testing.T) {
	t.Parallel()
	described := map[store.Engine]map[string][]string{}
	for engine := range locations {
		s := migrated(t, locations[engine](t))
		lines := map[string][]string{}
		for what, query := range schemaQueries[s.Engine()] {
			for _, line := range cells(t, writer(t, s), 0, query) {
				lines[what] = append(lines[what], plain(line))
			}
			slices.Sort(lines[what])
			if len(lines[what]) == 0 {
				t.Errorf("%s has no %s", engine, what)
			}
		}
		described[s.Engine()] = lines
	}
	if diff := cmp.Diff(described[store.SQLite], described[store.Postgres]); diff != "" {
		t.Errorf("the schemas differ (-sqlite +postgres):\n%s", diff)
	}
}

// plain removes from a definition what only one engine writes or needs.
func plain(line string) string {
	return strings.NewReplacer("public.", "", "USING btree ", "", `"`, "", "(", "", ")", "", " AND (id > 0)", "",
		"::text", "").
		Replace(line)
}

func TestSQLite_Pragmas(t *testing.T) {
	t.Parallel()
	s := migrated(t, sqliteFile(t))
	reader, err := s.Reader()
	if err != nil {
		t.Fatal(err)
	}
	for _, pool := range []struct {
		name        string
		db          *sql.DB
		connections int
		queryOnly   string
		busy        string // in milliseconds; the writer retries after each
	}{{"writer", writer(t, s), 1, "0", "50"}, {"reader", reader, 4, "1", "10000"}} {
		if got := pool.db.Stats().MaxOpenConnections; got < pool.connections || pool.name == "writer" && got != 1 {
			t.Errorf("the %s has %d connections", pool.name, got)
		}
		for range pool.connections { // all are open at once, so each is another one
			conn, err := pool.db.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			for pragma, want := range map[string]string{
				"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": pool.busy,
				"query_only": pool.queryOnly,
			} {
				var got string
				if err := conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
					t.Errorf("%s of the %s is %q, want %q (%v)", pragma, pool.name, got, want, err)
				}
			}
		}
	}
}

func TestSQLite_ReaderCannotWrite(t *testing.T) {
	t.Parallel()
	s := migrated(t, sqliteFile(t))
	reader, err := s.Reader()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reader.ExecContext(t.Context(), "DELETE FROM cas"); err == nil {
		t.Error("the reader writes")
	}
}

// TestSQLite_LibcVersion: modernc.org/sqlite is tested with one version of modernc.org/libc, and
// breaks in subtle ways with any other. If another module asks for a later version, go.mod takes
// that without a word.
func TestSQLite_LibcVersion(t *testing.T) {
	t.Parallel()
	list := exec.CommandContext(
		t.Context(), "go", "list", "-m", "-f", "{{.Version}} {{.GoMod}}", "modernc.org/libc", "modernc.org/sqlite",
	)
	list.Env = append(os.Environ(), "GOPROXY=off")
	output, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(output))
	if len(fields) != 4 {
		t.Fatalf("go list says %q", output)
	}
	if demanded := demandedVersion(t, fields[3], "modernc.org/libc"); fields[0] != demanded {
		t.Errorf("modernc.org/libc is %s, modernc.org/sqlite %s demands %s", fields[0], fields[2], demanded)
	}
}

// demandedVersion returns the version of a module that a go.mod requires.
func demandedVersion(t *testing.T, file, module string) string {
	t.Helper()
	text, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		words := strings.Fields(strings.TrimPrefix(lines.Text(), "require"))
		if len(words) >= 2 && words[0] == module {
			return words[1]
		}
	}
	t.Fatalf("%s does not demand %s", file, module)
	return ""
}

func TestOpen_OneNewFileBySeveral(t *testing.T) {
	t.Parallel()
	for range 20 {
		path := filepath.Join(t.TempDir(), "new.db")
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				s, err := store.Open(t.Context(), path)
				if err != nil {
					t.Error(err)
					return
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
	}
}
