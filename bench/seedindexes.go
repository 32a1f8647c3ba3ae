package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// seedSettings make a connection that seeds faster. The rows of the large tables refer to others
// that are there, so nobody checks each of them.
var seedSettings = []string{
	"SET session_replication_role = replica", "SET maintenance_work_mem = '512MB'", "SET work_mem = '256MB'",
}

// indexesSQL list the indexes of the large tables that are dropped: names, and what makes them
// again. On PostgreSQL these are all that enforce no constraint. SQLite reads the whole table for
// each index, which takes longer than it saves unless the entries come in no order.
var indexesSQL = map[bool]string{
	true: `SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index AS i
		WHERE i.indrelid IN ('clients'::regclass, 'certificates'::regclass, 'revocations'::regclass)
		AND NOT EXISTS (SELECT 1 FROM pg_constraint AS c WHERE c.conindid = i.indexrelid)`,
	false: `SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND name = 'certificates_serial'`,
}

// withoutIndexes drops indexes of the large tables, fills them, and makes the indexes again.
func (e engine) withoutIndexes(ctx context.Context, db *sql.DB, fill func() error) error {
	if e.cluster != nil {
		if err := execAll(ctx, db, seedSettings); err != nil {
			return err
		}
	}
	drop, again, err := e.indexes(ctx, db)
	if err != nil {
		return err
	}
	if err := execAll(ctx, db, drop); err != nil {
		return err
	}
	if err := fill(); err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	return execAll(ctx, db, again)
}

// indexes are the statements that drop the indexes and those that make them again.
func (e engine) indexes(ctx context.Context, db *sql.DB) (drop, again []string, err error) {
	rows, err := db.QueryContext(ctx, indexesSQL[e.cluster != nil])
	if err != nil {
		return nil, nil, err
	}
	for rows.Next() {
		var name, text string
		err = errors.Join(err, rows.Scan(&name, &text))
		drop, again = append(drop, "DROP INDEX "+name), append(again, text)
	}
	return drop, again, errors.Join(err, rows.Err(), rows.Close())
}
