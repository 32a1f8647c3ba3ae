package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// listing is which rows of a table are listed, and in which order.
type listing struct {
	table, columns string
	keyTable       string   // from which the ids of the rows can be read alone; empty: table
	shown          string   // condition on the rows that back does not check; empty: none
	where          []string // conditions that all must hold
	args           []any    // the parameters of where
	// owners are the values that columns of all rows must have, for PostgreSQL. They are written as
	// a range of the index on ownerColumns and the id. As equations they could become a filter on a
	// scan by id, which reads the whole table when the rows of these values come late. SQLite
	// chooses well with equations, and only with those.
	owners       []any
	ownerColumns []string
	id           string // the column of the id; empty: id
	// by is a column of times by which the rows are ordered before their id, empty for none. from
	// is that of the row of the cursor.
	by     string
	from   time.Time
	moment string // how a parameter is written that is compared with by
	// low (inclusive) and high (exclusive) are times between which by lies; zero: no bound. In each
	// direction only the nearer one of these and the cursor is written: see first and last.
	low, high  time.Time
	descending bool // newest first
	// first and last are ids between which all rows lie, if that is known. They and the cursor
	// become one bound: of two lower bounds SQLite would use one for the index, and read all rows
	// up to the other.
	first, last int64
	more        []any // destinations of the columns that follow those of the row
	// also are rows of another table, which are listed among these. The first column of both is the
	// id.
	also  *listing
	apart bool // no row of also is in keyTable or table: the page before counts both
	// lean lists read the ids first, from an index that has all columns of the conditions, and then
	// only the rows of the page.
	lean bool
}

func (l *listing) restrict(condition string, args ...any) {
	l.where = append(l.where, condition)
	l.args = append(l.args, args...)
}

// after returns a query for n rows beyond the cursor. Limits are written as literals: with
// parameters PostgreSQL plans each page anew, which takes longer than reading it.
func (l listing) after(selected string, cursor int64, n int) (string, []any) {
	key, args, order := l.keyset(cursor, l.descending, false)
	if l.shown != "" {
		key += " AND " + l.shown
	}
	query := fmt.Sprintf("SELECT %s FROM %s WHERE %s ORDER BY %s LIMIT %d", selected, l.table, l.and(key), order, n)
	if l.lean {
		query = fmt.Sprintf("SELECT %s FROM %s WHERE id IN (SELECT id FROM %s WHERE %s ORDER BY %s LIMIT %d) ORDER BY %s",
			selected, l.table, l.table, l.and(key), order, n, order)
	}
	args = append(l.args[:len(l.args):len(l.args)], args...)
	if l.also == nil {
		return query, args
	}
	if selected == l.idColumn() {
		selected = l.also.idColumn()
	}
	other, otherArgs := l.also.after(selected, cursor, n)
	return fmt.Sprintf(
		"SELECT * FROM (%s) AS these UNION ALL SELECT * FROM (%s) AS others ORDER BY 1 LIMIT %d", query, other, n,
	), append(args, otherArgs...)
}

// back returns a query for the cursor of the page before, which has n rows.
func (l listing) back(cursor int64, n int) (string, []any) {
	key, args, order := l.keyset(cursor, !l.descending, true)
	args = append(l.args[:len(l.args):len(l.args)], args...)
	query := fmt.Sprintf(
		"SELECT %s FROM %s WHERE %s ORDER BY %s LIMIT ", l.idColumn(), cmp.Or(l.keyTable, l.table), l.and(key), order,
	)
	if l.also == nil || !l.apart {
		return query + fmt.Sprintf("1 OFFSET %d", n), args
	}
	key, otherArgs, order := l.also.keyset(cursor, !l.descending, true)
	other := fmt.Sprintf(
		"SELECT %s FROM %s WHERE %s ORDER BY %s LIMIT ", l.also.idColumn(), l.also.table, l.also.and(key), order,
	)
	both := fmt.Sprintf("SELECT * FROM (%s%d) AS these UNION ALL SELECT * FROM (%s%d) AS others ORDER BY 1 DESC LIMIT 1 OFFSET %d",
		query, n+1, other, n+1, n)
	return both, slices.Concat(args, l.also.args, otherArgs)
}

// keyset returns the condition on the rows on one side of the cursor, with its parameters, and the
// order of that side. inclusive includes the row of the cursor.
func (l listing) keyset(cursor int64, down, inclusive bool) (key string, args []any, order string) {
	sign, bound, suffix := ">", "<=", ""
	if down {
		sign, bound, suffix = "<", ">=", " DESC"
	}
	if inclusive {
		sign += "="
	}
	id := l.idColumn()
	if l.by != "" {
		key, args = l.timeset(cursor, sign, down)
		return key, args, l.by + suffix + ", " + id + suffix
	}
	if len(l.owners) > 0 {
		of, marks := strings.Join(l.ownerColumns, ", "), ownerParameters(l.owners)
		key = "(" + of + ", " + id + ") " + sign + " (" + marks + ", ?) AND (" + of + ") " + bound + " (" + marks + ")"
		order = strings.Join(append(slices.Clone(l.ownerColumns), id), suffix+", ") + suffix
		return key, slices.Concat(l.owners, []any{cursor}, l.owners), order
	}
	if l.last != 0 {
		end := l.last
		if down {
			end = l.first
		}
		return id + " " + sign + " ? AND " + id + " " + bound + " ?", []any{min(max(cursor, l.first), l.last), end},
			id + suffix
	}
	return id + " " + sign + " ?", []any{cursor}, id + suffix
}

// unplanned is a parameter whose value PostgreSQL plans without. Of (a, b) > (v, w) it considers
// a > v alone: where nearly all rows have the value v, as those of an owner may, it expects none. A
// plan for the values then seems to cost less than one for all values, so it would plan each page
// anew, which takes longer than to read the page.
func unplanned(kind string) string { return "(SELECT ?::" + kind + ")" }

// ownerParameters are the parameters of owners.
func ownerParameters(owners []any) string {
	list := make([]string, len(owners))
	for i, owner := range owners {
		switch owner.(type) {
		case string:
			list[i] = unplanned("text")
		case bool:
			list[i] = unplanned("boolean")
		default:
			list[i] = unplanned("bigint")
		}
	}
	return strings.Join(list, ", ")
}

// orderBy orders a list by a column of times, before the id, from that of the row of the cursor.
func (s *Store) orderBy(l *listing, column string, from time.Time) {
	l.by, l.from, l.moment = column, from, "?"
	if s.engine == Postgres {
		l.moment = unplanned("timestamptz")
	}
}

// timeset is the condition of keyset for rows that are ordered by a time.
func (l listing) timeset(cursor int64, sign string, down bool) (string, []any) {
	id := l.idColumn()
	keys, args := []string{"(" + l.by + ", " + id + ") " + sign + " (" + l.moment + ", ?)"}, []any{micro(l.from), cursor}
	if l.from.IsZero() {
		keys, args = []string{"TRUE"}, nil
	}
	passed := l.low.After(l.from) && !down || !l.high.IsZero() && !l.high.After(l.from) && down
	if passed { // the cursor lies before all rows
		keys, args = nil, nil
	}
	if !l.low.IsZero() && (down || passed || l.from.IsZero()) {
		keys, args = append(keys, l.by+" >= "+l.moment), append(args, micro(l.low))
	}
	if !l.high.IsZero() && (!down || passed || l.from.IsZero()) {
		keys, args = append(keys, l.by+" < "+l.moment), append(args, micro(l.high))
	}
	return strings.Join(keys, " AND "), args
}

func (l listing) and(key string) string {
	return strings.Join(append(l.where[:len(l.where):len(l.where)], key), " AND ")
}

// page reads one page by id, by one statement that scans two ranges of an index: size+1 rows
// forward for the page, and size rows backward for the cursor of the page before. It does not
// count, and uses no offset from the first page.
func page[R, T any, P record[R, T]](
	ctx context.Context, db *gorm.DB, l listing, req domain.PageRequest,
) (domain.Page[T], error) {
	result := domain.Page[T]{Current: req.Cursor}
	if req.Cursor == 0 {
		query, args := l.after(l.columns, l.start(), req.Size+1)
		rows, err := find[R, T, P](ctx, db, query, args, l.more...)
		fill[R, T, P](&result, rows, req.Size)
		return result, err
	}
	back, backArgs := l.back(req.Cursor, req.Size)
	var previous *int64
	columns, before, places := l.columns+", ("+back+") AS previous", backArgs,
		append(l.more[:len(l.more):len(l.more)], &previous)
	if l.also != nil {
		columns, before, places = l.columns, nil, l.more
	}
	query, args := l.after(columns, req.Cursor, req.Size+1)
	rows, err := find[R, T, P](ctx, db, query, append(before[:len(before):len(before)], args...), places...)
	if err == nil && (len(rows) == 0 || l.also != nil) { // past the end no row returns it
		err = db.WithContext(ctx).Raw(back, backArgs...).Scan(&previous).Error
	}
	result.Previous = new(int64)
	if previous != nil {
		result.Previous = previous
	}
	fill[R, T, P](&result, rows, req.Size)
	return result, err
}

func (l listing) idColumn() string {
	if l.id != "" {
		return l.id
	}
	return "id"
}

// start is the cursor of the first page.
func (l listing) start() int64 {
	if l.descending {
		return domain.MaxID + 1
	}
	return 0
}

// fill puts the rows on the page. A row beyond the size says that there is a next page.
func fill[R, T any, P record[R, T]](result *domain.Page[T], rows []R, size int) {
	if len(rows) > size {
		rows = rows[:size]
		result.Next = new(*P(&rows[size-1]).key())
	}
	result.Items = make([]T, len(rows))
	for i := range rows {
		result.Items[i] = P(&rows[i]).entity()
	}
}
