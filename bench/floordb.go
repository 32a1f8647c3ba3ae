package main

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chaveiro/chaveiro/pkg/store"
)

// The statements of the floors, in a syntax that both drivers accept. The reads are those of the
// product, with the limits written out, so that PostgreSQL plans them once.
const (
	clientColumns = `id, ca_id, name, name_key, description, country, province, city, organization, sector, email, ` +
		`serial, fingerprint, key_algorithm, key_protected, not_before, expires_at, expired, revoked_at, reason, created_at, updated_at`
	getSQL    = `SELECT ` + clientColumns + ` FROM "clients" WHERE "clients"."id" = $1 LIMIT 1`
	listSQL   = `SELECT ` + clientColumns + ` FROM "clients" WHERE id > $1 ORDER BY id LIMIT 16`
	insertSQL = `INSERT INTO issued (ca_id, name, description, country, province, city, organization, sector, email, expires_at, created_at, ` +
		`updated_at, serial, der, key) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) RETURNING id`
	issuedColumns = `ca_id bigint NOT NULL, name text NOT NULL UNIQUE, description text NOT NULL, country text NOT NULL, province text NOT NULL, ` +
		`city text NOT NULL, organization text NOT NULL, sector text NOT NULL, email text NOT NULL, `
	issuedPostgres = `CREATE TABLE issued (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ` + issuedColumns +
		`expires_at timestamptz NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, serial text NOT NULL, ` +
		`der bytea NOT NULL, key bytea NOT NULL)`
	issuedSQLite = `CREATE TABLE issued (id integer PRIMARY KEY, ` + issuedColumns +
		`expires_at datetime NOT NULL, created_at datetime NOT NULL, updated_at datetime NOT NULL, serial text NOT NULL, ` +
		`der blob NOT NULL, key blob NOT NULL)`

	// The second row is as large as the event that the product writes, without what makes that an
	// audit: a chain of hashes and indexes.
	noteSQL       = `INSERT INTO noted (at, hash, event) VALUES ($1, $2, $3)`
	notedPostgres = `CREATE TABLE noted (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL, hash bytea NOT NULL, event text NOT NULL)`
	notedSQLite   = `CREATE TABLE noted (id integer PRIMARY KEY, at datetime NOT NULL, hash blob NOT NULL, event text NOT NULL)`
	bothSQL       = `WITH note AS (INSERT INTO noted (at, hash, event) VALUES ($16, $17, $18)) ` + insertSQL
)

// noteSize is the total length of the texts of an event of an issue.
const noteSize = 420

// note are the values of the second row.
func (i issued) note() []any { return []any{i.createdAt, i.der[:32], strings.Repeat("x", noteSize)} }

func (i issued) values() []any {
	return []any{
		i.caID, i.name, i.description, i.country, i.province, i.city, i.organization, i.sector, i.email,
		i.expiresAt, i.createdAt, i.updatedAt, i.serial, i.der, i.key,
	}
}

// fields are the destinations of the columns of clients.
func (r *record) fields() []any {
	return []any{
		&r.id, &r.caID, &r.name, &r.nameKey, &r.description, &r.country, &r.province, &r.city, &r.organization,
		&r.sector, &r.email, &r.serial, &r.fingerprint, &r.algorithm, &r.protected, &r.notBefore,
		&r.expiresAt, &r.expired, &r.revokedAt, &r.reason, &r.createdAt, &r.updatedAt,
	}
}

func openFloorDB(ctx context.Context, config childConfig) (floorDB, error) {
	if store.EngineOf(config.Scratch) == store.SQLite {
		return openLiteFloor(ctx, config)
	}
	return openPGFloor(ctx, config)
}

type pgFloor struct{ read, write *pgxpool.Pool }

// openPGFloor opens pools of the same size as the product's.
func openPGFloor(ctx context.Context, config childConfig) (floorDB, error) {
	read, err := pgxpool.New(ctx, config.Storage.Location()+"&pool_max_conns=8")
	if err != nil {
		return nil, err
	}
	write, err := pgxpool.New(ctx, config.Scratch+"&pool_max_conns=8")
	if err != nil {
		return nil, err
	}
	_, err = write.Exec(ctx, issuedPostgres+";"+notedPostgres+";"+registeredPostgres)
	return pgFloor{read, write}, err
}

func (f pgFloor) insert(ctx context.Context, i issued) (id int64, err error) {
	err = f.write.QueryRow(ctx, insertSQL, i.values()...).Scan(&id)
	return id, err
}

func (f pgFloor) insertNoted(ctx context.Context, i issued) (id int64, err error) {
	err = f.write.QueryRow(ctx, bothSQL, append(i.values(), i.note()...)...).Scan(&id)
	return id, err
}

func (f pgFloor) get(ctx context.Context, id int64) (r record, err error) {
	err = f.read.QueryRow(ctx, getSQL, id).Scan(r.fields()...)
	return r, err
}

func (f pgFloor) list(ctx context.Context) ([]record, error) {
	rows, err := f.read.Query(ctx, listSQL, 0)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r record, err error) {
		err = row.Scan(r.fields()...)
		return r, err
	})
}

func (f pgFloor) close() error {
	f.read.Close()
	f.write.Close()
	return nil
}

type liteFloor struct {
	read, write                *sql.DB
	one, page, keep, note, put *sql.Stmt
}

const (
	liteOptions = "?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)&_pragma=cache_size(-16000)&_time_format=sqlite"
	liteReaders = 4
)

// openLiteFloor opens one connection that writes and as many that read as the product has, with the
// same pragmas.
func openLiteFloor(ctx context.Context, config childConfig) (floorDB, error) {
	f := &liteFloor{}
	var err error
	if f.read, err = sql.Open(
		"sqlite", "file:"+config.Storage.Location()+liteOptions+"&_pragma=query_only(1)",
	); err != nil {
		return nil, err
	}
	if f.write, err = sql.Open("sqlite", "file:"+config.Scratch+liteOptions+"&_txlock=immediate"); err != nil {
		return nil, err
	}
	f.read.SetMaxOpenConns(liteReaders)
	f.read.SetMaxIdleConns(liteReaders)
	f.write.SetMaxOpenConns(1)
	if _, err := f.write.ExecContext(ctx, issuedSQLite+";"+notedSQLite+";"+registeredSQLite); err != nil {
		return nil, err
	}
	var faults [5]error
	f.one, faults[0] = f.read.PrepareContext(ctx, getSQL)
	f.page, faults[1] = f.read.PrepareContext(ctx, listSQL)
	f.keep, faults[2] = f.write.PrepareContext(ctx, insertSQL)
	f.note, faults[3] = f.write.PrepareContext(ctx, noteSQL)
	f.put, faults[4] = f.write.PrepareContext(ctx, upsertSQL)
	return f, errors.Join(faults[:]...)
}

func (f *liteFloor) insert(ctx context.Context, i issued) (id int64, err error) {
	err = f.keep.QueryRowContext(ctx, i.values()...).Scan(&id)
	return id, err
}

func (f *liteFloor) insertNoted(ctx context.Context, i issued) (id int64, err error) {
	tx, err := f.write.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback()
	if err := tx.StmtContext(ctx, f.keep).QueryRowContext(ctx, i.values()...).Scan(&id); err != nil {
		return 0, err
	}
	if _, err := tx.StmtContext(ctx, f.note).ExecContext(ctx, i.note()...); err != nil {
		return 0, err
	}
	return id, tx.Commit()
}

func (f *liteFloor) get(ctx context.Context, id int64) (r record, err error) {
	err = f.one.QueryRowContext(ctx, id).Scan(r.fields()...)
	return r, err
}

func (f *liteFloor) list(ctx context.Context) ([]record, error) {
	rows, err := f.page.QueryContext(ctx, 0)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := make([]record, 0, pageSize+1)
	for rows.Next() {
		var r record
		if err := rows.Scan(r.fields()...); err != nil {
			return nil, err
		}
		found = append(found, r)
	}
	return found, rows.Err()
}

func (f *liteFloor) close() error { return errors.Join(f.read.Close(), f.write.Close()) }
