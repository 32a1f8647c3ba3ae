package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"
)

// sqliteSide is a database of a copy in an SQLite file.
type sqliteSide struct {
	db *sql.DB
	tx *sql.Tx
}

func openSQLiteSide(ctx context.Context, path string, source bool) (side, error) {
	options := "?mode=rw&_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)&_pragma=cache_size(-16000)&_time_format=sqlite"
	if !source {
		options += "&_pragma=synchronous(FULL)&_txlock=immediate"
	}
	db, err := sql.Open("sqlite", sqliteURL(path)+options)
	if err != nil {
		return nil, err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return &sqliteSide{db, tx}, nil
}

func (s *sqliteSide) close() {
	_ = s.tx.Rollback() // after a commit there is nothing to roll back
	_ = s.db.Close()
}

func (s *sqliteSide) commit(context.Context) error { return s.tx.Commit() }

// begin lets rows come before those of the same table that they refer to: rows come in any order.
// The transaction excludes other writers since it began.
func (s *sqliteSide) begin(ctx context.Context, _ []copyTable) error {
	return s.exec(ctx, "PRAGMA defer_foreign_keys = ON")
}

func (s *sqliteSide) exec(ctx context.Context, statement string, args ...any) error {
	_, err := s.tx.ExecContext(ctx, strings.ReplaceAll(statement, "$", "?"), args...)
	return err
}

// each calls read for each row of a query.
func (s *sqliteSide) each(
	ctx context.Context, query string, args []any, read func(scan func(...any) error) error,
) error {
	rows, err := s.tx.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	return readAll(rows, read)
}

func (s *sqliteSide) tables(ctx context.Context) ([]copyTable, error) {
	var list []copyTable
	err := s.each(ctx, `SELECT name, sql LIKE '%AUTOINCREMENT%' FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
		AND name NOT IN ('goose_db_version', 'backup_manifest') ORDER BY name`, nil, func(scan func(...any) error) error {
		var t copyTable
		var counts bool
		err := scan(&t.name, &counts)
		if counts {
			t.identity = "id"
		}
		list = append(list, t)
		return err
	})
	for i := range list {
		if err == nil {
			err = s.describe(ctx, &list[i])
		}
	}
	return list, err
}

// sqliteKinds are the types that the migrations use.
var sqliteKinds = map[string]copyKind{
	"integer": kindInteger, "boolean": kindBoolean, "text": kindText, "blob": kindBytes, "datetime": kindTime,
}

func (s *sqliteSide) describe(ctx context.Context, t *copyTable) error {
	err := s.each(ctx, "SELECT name, lower(type), pk FROM pragma_table_info(?) ORDER BY name", []any{t.name},
		func(scan func(...any) error) error {
			var c copyColumn
			var declared string
			var key int
			if err := scan(&c.name, &declared, &key); err != nil {
				return err
			}
			if c.kind = sqliteKinds[declared]; c.kind == "" {
				return fmt.Errorf(
					"the column %s of the table %s has the type %s, which can't be copied", c.name, t.name, declared,
				)
			}
			if t.identity != "" && key == 1 {
				t.identity = c.name
			}
			t.columns = append(t.columns, c)
			return nil
		})
	if err != nil {
		return err
	}
	return s.each(ctx, `SELECT DISTINCT "table" FROM pragma_foreign_key_list(?)`, []any{t.name},
		func(scan func(...any) error) error {
			var parent string
			err := scan(&parent)
			t.parents = append(t.parents, parent)
			return err
		})
}

func (s *sqliteSide) count(ctx context.Context, t copyTable) (n int64, err error) {
	err = s.tx.QueryRowContext(ctx, "SELECT count(*) FROM "+t.name).Scan(&n)
	return n, err
}

func (s *sqliteSide) lastID(ctx context.Context, t copyTable) (last int64, err error) {
	err = s.tx.QueryRowContext(ctx,
		"SELECT max(COALESCE((SELECT seq FROM sqlite_sequence WHERE name = ?), 0), COALESCE((SELECT max("+t.identity+
			") FROM "+t.name+"), 0))", t.name).Scan(&last)
	return last, err
}

func (s *sqliteSide) setLastID(ctx context.Context, t copyTable, last int64) error {
	if err := s.exec(ctx, "DELETE FROM sqlite_sequence WHERE name = ?", t.name); err != nil {
		return err
	}
	return s.exec(ctx, "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", t.name, last)
}

func (s *sqliteSide) read(ctx context.Context, t copyTable) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		rows, err := s.tx.QueryContext(ctx, "SELECT "+strings.Join(t.columnNames(), ", ")+" FROM "+t.name)
		if err != nil {
			yield(nil, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			row, err := scanRow(rows, t)
			if !yield(row, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, err)
		}
	}
}

func scanRow(rows *sql.Rows, t copyTable) ([]any, error) {
	row, places := make([]any, len(t.columns)), make([]any, len(t.columns))
	for i := range row {
		places[i] = &row[i]
	}
	if err := rows.Scan(places...); err != nil {
		return nil, err
	}
	for i, c := range t.columns {
		value, ok := fromSQLite(c.kind, row[i])
		if !ok {
			return nil, fmt.Errorf("the column %s has a value of the type %T", c.name, row[i])
		}
		row[i] = value
	}
	return row, nil
}

// fromSQLite converts a value of the driver to one of a copy. It is false when the value is not of
// the column's kind.
func fromSQLite(kind copyKind, value any) (any, bool) {
	if value == nil {
		return nil, true
	}
	switch v := value.(type) {
	case int64:
		if kind == kindBoolean {
			return v != 0, v == 0 || v == 1
		}
		return v, kind == kindInteger
	case bool:
		return v, kind == kindBoolean
	case string:
		return v, kind == kindText
	case []byte:
		return append([]byte{}, v...), kind == kindBytes // the driver returns nil for an empty blob
	case time.Time:
		return v.UTC(), kind == kindTime
	}
	return nil, false
}

// write inserts rows by statements of insertBatch rows each, and the remaining rows one by one.
func (s *sqliteSide) write(ctx context.Context, t copyTable, rows iter.Seq2[[]any, error]) error {
	into := insertion{table: t.name, columns: strings.Join(t.columnNames(), ", ")}
	var batch [][]any
	var many *sql.Stmt
	for row, err := range rows {
		if err != nil {
			return err
		}
		if batch = append(batch, row); len(batch) < insertBatch {
			continue
		}
		text, args, _ := into.spelled(batch)
		if many == nil {
			if many, err = s.tx.PrepareContext(ctx, text); err != nil {
				return err
			}
			defer many.Close()
		}
		if _, err := many.ExecContext(ctx, args...); err != nil {
			return err
		}
		batch = batch[:0]
	}
	for _, row := range batch {
		text, args, _ := into.spelled([][]any{row})
		if _, err := s.tx.ExecContext(ctx, text, args...); err != nil {
			return err
		}
	}
	return nil
}
