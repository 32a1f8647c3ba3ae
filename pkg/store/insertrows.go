package store

import (
	"context"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"time"
)

// insertBatch is the maximum number of rows of a statement: SQLite limits the number of parameters.
const insertBatch = 512

// batchOf is how many of n rows go into the next statement. More than a few go in powers of two, so
// that few different statements are prepared.
func batchOf(n int) int {
	const few = 32
	if n <= few {
		return n
	}
	return min(1<<(bits.Len(uint(n))-1), insertBatch)
}

// insertion is where rows are inserted, and what follows the values.
type insertion struct{ table, columns, suffix string }

// insertRows inserts rows by as few statements as possible. If read is not nil, it is called for
// each row that a statement returns.
func (s *Store) insertRows(
	ctx context.Context, into insertion, rows [][]any, read func(scan func(...any) error) error,
) error {
	for len(rows) > 0 {
		batch := rows
		query := into.transposed
		if s.engine == SQLite {
			batch, query = rows[:batchOf(len(rows))], into.spelled
		}
		rows = rows[len(batch):]
		text, args, err := query(batch)
		if err == nil {
			err = s.run(ctx, text, args, read)
		}
		if err != nil {
			return noteFailure(s.write, err)
		}
	}
	return nil
}

// spelled is a statement with a parameter for each value.
func (i insertion) spelled(rows [][]any) (string, []any, error) {
	place := "(?" + strings.Repeat(", ?", len(rows[0])-1) + ")"
	text := "INSERT INTO " + i.table + " (" + i.columns + ") VALUES " + place +
		strings.Repeat(", "+place, len(rows)-1) + i.suffix
	return text, slices.Concat(rows...), nil
}

// transposed is a statement for PostgreSQL with an array for each column. The text is the same for
// any number of rows, so it is prepared once.
func (i insertion) transposed(rows [][]any) (string, []any, error) {
	types, args := make([]string, len(rows[0])), make([]any, len(rows[0]))
	for c := range args {
		kind, array, err := columnOf(rows, c)
		if err != nil {
			return "", nil, fmt.Errorf("store: insert into %s: %w", i.table, err)
		}
		types[c], args[c] = fmt.Sprintf("$%d::%s[]", c+1, kind), array
	}
	return "INSERT INTO " + i.table + " (" + i.columns + ") SELECT * FROM unnest(" + strings.Join(types, ", ") + ")" +
		i.suffix, args, nil
}

// columnOf returns the values of a column and their type in PostgreSQL. Values may be pointers.
func columnOf(rows [][]any, c int) (kind string, array any, err error) {
	switch rows[0][c].(type) {
	case string, *string:
		return "text", gather[string](rows, c), nil
	case int64, *int64:
		return "bigint", gather[int64](rows, c), nil
	case bool, *bool:
		return "boolean", gather[bool](rows, c), nil
	case []byte:
		return "bytea", gather[[]byte](rows, c), nil
	case time.Time, *time.Time:
		return "timestamptz", gather[time.Time](rows, c), nil
	}
	return "", nil, fmt.Errorf("column %d has values of the type %T", c, rows[0][c])
}

// gather returns a column as a slice of T, or of *T if a value of it is nil.
func gather[T any](rows [][]any, c int) any {
	column, some := make([]T, len(rows)), make([]*T, len(rows))
	complete := true
	for i, row := range rows {
		switch value := row[c].(type) {
		case T:
			column[i] = value
		case *T:
			if some[i] = value; value == nil {
				complete = false
			} else {
				column[i] = *value
			}
		}
	}
	if complete {
		return column
	}
	return some
}

// run executes a statement. It bypasses GORM, which would parse the long text letter by letter.
func (s *Store) run(ctx context.Context, text string, args []any, read func(scan func(...any) error) error) error {
	pool := s.write.Statement.ConnPool
	if read == nil {
		_, err := pool.ExecContext(ctx, text, args...)
		return err
	}
	rows, err := pool.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	return readAll(rows, read)
}

// insertOf is a statement that inserts one row.
func insertOf(table, columns string) string {
	return "INSERT INTO " + table + " (" + columns + ") VALUES (?" +
		strings.Repeat(", ?", strings.Count(columns, ",")) + ")"
}
