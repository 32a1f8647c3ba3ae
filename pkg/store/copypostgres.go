package store

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// postgresSide is a PostgreSQL database of a copy.
type postgresSide struct {
	conn *pgx.Conn
	tx   pgx.Tx
}

func openPostgresSide(ctx context.Context, location string, source bool) (side, error) {
	pool, err := pgxpool.ParseConfig(location) // it accepts the parameters of pools, too
	if err != nil {
		return nil, errURL
	}
	config := pool.ConnConfig
	config.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe // there may be a pooler in between
	config.RuntimeParams["application_name"], config.RuntimeParams["timezone"] = "chaveiro-copy", "UTC"
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	options := pgx.TxOptions{}
	if source {
		options = pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	}
	tx, err := conn.BeginTx(ctx, options)
	s := &postgresSide{conn, tx}
	if err == nil {
		err = s.exec(
			ctx,
			"SELECT set_config('statement_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '0', true)",
		)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *postgresSide) close() {
	ctx, cancel := context.WithTimeout(context.Background(), busyTimeout)
	defer cancel()
	_ = s.conn.Close(ctx) // the server rolls back an open transaction
}

func (s *postgresSide) commit(ctx context.Context) error { return s.tx.Commit(ctx) }

// begin locks the tables exclusively, so that no server and no other copy writes to the target
// meanwhile.
func (s *postgresSide) begin(ctx context.Context, tables []copyTable) error {
	var names []string
	for _, t := range tables {
		names = append(names, t.name)
	}
	if err := s.exec(ctx, "SELECT set_config('lock_timeout', '10s', true)"); err != nil {
		return err
	}
	return s.exec(ctx, "LOCK TABLE "+strings.Join(names, ", ")+" IN ACCESS EXCLUSIVE MODE")
}

func (s *postgresSide) exec(ctx context.Context, statement string, args ...any) error {
	_, err := s.tx.Exec(ctx, statement, args...)
	return err
}

// each calls read for each row of a query.
func (s *postgresSide) each(
	ctx context.Context, query string, args []any, read func(scan func(...any) error) error,
) error {
	rows, err := s.tx.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := read(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// postgresKinds are the types that the migrations use.
var postgresKinds = map[string]copyKind{
	"bigint": kindInteger, "integer": kindInteger, "smallint": kindInteger, "boolean": kindBoolean, "text": kindText,
	"bytea":                    kindBytes,
	"timestamp with time zone": kindTime,
}

const postgresColumns = `SELECT c.table_name, c.column_name, c.data_type, pg_get_serial_sequence(quote_ident(c.table_name), c.column_name) IS NOT NULL
	FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
	WHERE t.table_type = 'BASE TABLE' AND c.table_schema = current_schema() AND c.table_name <> 'goose_db_version' ORDER BY c.table_name, c.column_name`

const postgresParents = `SELECT DISTINCT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint WHERE contype = 'f'
	AND connamespace = current_schema()::regnamespace ORDER BY 1, 2`

func (s *postgresSide) tables(ctx context.Context) ([]copyTable, error) {
	var list []copyTable
	err := s.each(ctx, postgresColumns, nil, func(scan func(...any) error) error {
		var table, kind string
		var c copyColumn
		var counts bool
		if err := scan(&table, &c.name, &kind, &counts); err != nil {
			return err
		}
		if c.kind = postgresKinds[kind]; c.kind == "" {
			return fmt.Errorf(
				"the column %s of the table %s has the type %s, which can't be copied", c.name, table, kind,
			)
		}
		if len(list) == 0 || list[len(list)-1].name != table {
			list = append(list, copyTable{name: table})
		}
		t := &list[len(list)-1]
		t.columns = append(t.columns, c)
		if counts {
			t.identity = c.name
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	sortColumns(list)
	return list, s.each(ctx, postgresParents, nil, func(scan func(...any) error) error {
		var child, parent string
		if err := scan(&child, &parent); err != nil {
			return err
		}
		if at := slices.IndexFunc(list, func(t copyTable) bool { return t.name == child }); at >= 0 {
			list[at].parents = append(list[at].parents, parent)
		}
		return nil
	})
}

// sortColumns sorts by bytes, as SQLite does: PostgreSQL may sort by another collation.
func sortColumns(list []copyTable) {
	for _, t := range list {
		slices.SortFunc(t.columns, func(a, b copyColumn) int { return strings.Compare(a.name, b.name) })
	}
}

func (s *postgresSide) count(ctx context.Context, t copyTable) (n int64, err error) {
	err = s.tx.QueryRow(ctx, "SELECT count(*) FROM "+t.name).Scan(&n)
	return n, err
}

func (s *postgresSide) sequence(ctx context.Context, t copyTable) (name string, err error) {
	err = s.tx.QueryRow(ctx, "SELECT pg_get_serial_sequence($1, $2)", t.name, t.identity).Scan(&name)
	return name, err
}

func (s *postgresSide) lastID(ctx context.Context, t copyTable) (last int64, err error) {
	sequence, err := s.sequence(ctx, t)
	if err != nil {
		return 0, err
	}
	err = s.tx.QueryRow(ctx, "SELECT greatest(CASE WHEN is_called THEN last_value ELSE 0 END, COALESCE((SELECT max("+
		t.identity+") FROM "+t.name+
		"), 0)) FROM "+sequence).Scan(&last)
	return last, err
}

func (s *postgresSide) setLastID(ctx context.Context, t copyTable, last int64) error {
	sequence, err := s.sequence(ctx, t)
	if err != nil {
		return err
	}
	return s.exec(ctx, "SELECT setval($1::text::regclass, $2, $3)", sequence, max(last, 1), last > 0)
}

func (s *postgresSide) read(ctx context.Context, t copyTable) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		rows, err := s.tx.Query(ctx, "SELECT "+strings.Join(t.columnNames(), ", ")+" FROM "+t.name)
		if err != nil {
			yield(nil, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			row, err := rows.Values()
			for i := range row {
				if err == nil {
					row[i], err = fromPostgres(row[i])
				}
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(nil, err)
		}
	}
}

// fromPostgres converts a value of the driver to one of a copy.
func fromPostgres(value any) (any, error) {
	switch v := value.(type) {
	case nil, int64, bool, string, []byte:
		return v, nil
	case int32:
		return int64(v), nil
	case int16:
		return int64(v), nil
	case time.Time:
		return v.UTC(), nil
	}
	return nil, fmt.Errorf("a value of the type %T", value)
}

func (s *postgresSide) write(ctx context.Context, t copyTable, rows iter.Seq2[[]any, error]) error {
	next, stop := iter.Pull2(rows)
	defer stop()
	_, err := s.tx.CopyFrom(ctx, pgx.Identifier{t.name}, t.columnNames(), pgx.CopyFromFunc(func() ([]any, error) {
		row, err, more := next()
		if !more {
			return nil, nil
		}
		return row, err
	}))
	return err
}
