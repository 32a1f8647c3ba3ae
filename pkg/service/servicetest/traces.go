package servicetest

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/store"
)

// Needle is a secret that must not be found, and its description.
type Needle struct {
	what string
	text []byte
}

// NewNeedle returns a Needle.
func NewNeedle(what string, text []byte) Needle { return Needle{what, text} }

// WantNone checks that none of the secrets is in a haystack, as plain bytes or in hexadecimal
// digits.
func WantNone(t *testing.T, where string, haystack []byte, secrets []Needle) {
	t.Helper()
	for _, secret := range secrets {
		if len(secret.text) < 8 {
			t.Fatalf("%s is too short to look for", secret.what)
		}
		if bytes.Contains(haystack, secret.text) || bytes.Contains(haystack, []byte(hex.EncodeToString(secret.text))) {
			t.Errorf("%s: in clear in the %s", secret.what, where)
		}
	}
}

// Written returns what the database has written: for SQLite its files while it is open and after it
// was closed, for PostgreSQL its rows.
func Written(t *testing.T, s *store.Store) map[string][]byte {
	t.Helper()
	if s.Engine() == store.Postgres {
		return map[string][]byte{"rows": postgresRows(t, s)}
	}
	path := sqlitePath(t, s)
	all := map[string][]byte{"write-ahead log": readFile(t, path+"-wal")}
	if len(all["write-ahead log"]) == 0 {
		t.Error("the write-ahead log is empty: it was to be searched while it is full")
	}
	Check(t, s.Close())
	all["file"] = readFile(t, path)
	for _, other := range Must(filepath.Glob(filepath.Join(filepath.Dir(path), "*")))(t) {
		if other != path && len(readFile(t, other)) > 0 {
			t.Errorf("%s is left beside the file", other)
		}
	}
	return all
}

func sqlitePath(t *testing.T, s *store.Store) (path string) {
	t.Helper()
	Check(t, Must(s.SQL())(t).QueryRowContext(t.Context(), "SELECT file FROM pragma_database_list").Scan(&path))
	return path
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	return Must(os.ReadFile(path))(t)
}

// postgresRows returns every row of every table as text, and the binary columns also decoded.
func postgresRows(t *testing.T, s *store.Store) []byte {
	t.Helper()
	db := Must(s.SQL())(t)
	tables := Must(
		db.QueryContext(t.Context(), "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"),
	)(t)
	defer tables.Close()
	var all bytes.Buffer
	for tables.Next() {
		var table, rows string
		Check(t, tables.Scan(&table))
		Check(
			t, db.QueryRowContext(t.Context(), `SELECT coalesce(string_agg(r::text, E'\n'), '') FROM "`+table+`" r`).
				Scan(&rows),
		)
		all.WriteString(rows)
		for _, word := range strings.FieldsFunc(
			rows, func(r rune) bool { return !strings.ContainsRune("0123456789abcdef", r) },
		) {
			if raw, err := hex.DecodeString(word); err == nil {
				all.Write(raw)
			}
		}
	}
	Check(t, tables.Err())
	return all.Bytes()
}

// LockedBuffer collects the output of concurrent loggers.
type LockedBuffer struct {
	mu   sync.Mutex // guards text, for a write or a copy
	text bytes.Buffer
}

// Write appends.
func (b *LockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String returns what was written.
func (b *LockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
