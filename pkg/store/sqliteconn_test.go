package store_test

import (
	"database/sql"
	"fmt"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/store"
)

// TestSQLite_KeptStatements: the cache of statements changes nothing but their speed.
func TestSQLite_KeptStatements(t *testing.T) {
	t.Parallel()
	s, err := store.Open(t.Context(), sqliteFile(t))
	check(t, err)
	t.Cleanup(func() { check(t, s.Close()) })
	db, err := s.SQL()
	check(t, err)
	exec := func(query string, args ...any) error {
		_, err := db.ExecContext(t.Context(), query, args...)
		return err
	}
	check(t, exec("CREATE TABLE numbers (n integer PRIMARY KEY)"))
	for n := range 3 {
		check(t, exec("INSERT INTO numbers (n) VALUES (?)", n+1))
	}

	t.Run("one that has rows open runs a second time beside itself", func(t *testing.T) { testOpenRows(t, db) })
	t.Run("one that has failed runs again", func(t *testing.T) {
		const query = "INSERT INTO numbers (n) VALUES (?)"
		if exec(query, 1) == nil {
			t.Error("a number is there twice")
		}
		check(t, exec(query, 4))
		if err := exec("SELECT nothing FROM numbers"); err == nil {
			t.Error("a column that is not there was read")
		}
	})
	t.Run("a cached statement sees a changed schema", func(t *testing.T) {
		read := func() (columns []string) {
			rows, err := db.QueryContext(t.Context(), "SELECT * FROM numbers LIMIT 1")
			check(t, err)
			defer rows.Close()
			columns, err = rows.Columns()
			check(t, err)
			return columns
		}
		before := read()
		check(t, exec("ALTER TABLE numbers ADD COLUMN name text"))
		if after := read(); len(before) != 1 || len(after) != 2 {
			t.Errorf("the columns are %v, then %v", before, after)
		}
	})
	t.Run("more statements than the cache holds", func(t *testing.T) {
		for n := range 600 {
			var got int
			check(t, db.QueryRowContext(t.Context(), fmt.Sprintf("SELECT %d", n)).Scan(&got))
			if got != n {
				t.Fatalf("%d is %d", n, got)
			}
		}
	})
}

// testOpenRows multiplies all numbers, which are 1, 2 and 3, by all numbers.
func testOpenRows(t *testing.T, db *sql.DB) {
	tx, err := db.BeginTx(t.Context(), nil)
	check(t, err)
	defer func() { check(t, tx.Rollback()) }()
	const query = "SELECT n FROM numbers ORDER BY n"
	outer, err := tx.QueryContext(t.Context(), query)
	check(t, err)
	defer outer.Close()
	sum := 0
	for outer.Next() && sum <= 36 { // a statement that began anew would have no end
		var a int
		check(t, outer.Scan(&a))
		inner, err := tx.QueryContext(t.Context(), query)
		check(t, err)
		for inner.Next() {
			var b int
			check(t, inner.Scan(&b))
			sum += a * b
		}
		check(t, inner.Close())
	}
	check(t, outer.Err())
	if sum != 36 {
		t.Errorf("the sum is %d", sum)
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
