package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// statement is a statement for PostgreSQL that is built from parts. Each ? in the text of a part
// becomes a numbered parameter, whose value is the next argument.
type statement struct {
	text strings.Builder
	args []any
	next int // the number of the last parameter
}

func (s *statement) add(part string, args ...any) {
	for text := range strings.SplitAfterSeq(part, "?") {
		before, more := strings.CutSuffix(text, "?")
		s.text.WriteString(before)
		if more {
			s.next++
			s.text.WriteByte('$')
			s.text.WriteString(strconv.Itoa(s.next))
		}
	}
	s.args = append(s.args, args...)
}

// numbered replaces each ? of a statement by a numbered parameter.
func numbered(text string) string {
	var s statement
	s.add(text)
	return s.text.String()
}

// inTime is the last column of a statement for [Store.atOnce]. Its parameters, the last two of the
// statement, are a deadline by the clock of the server, and how many seconds the statement may
// take. After either, the column divides by zero: the statement fails and changes nothing.
const inTime = ", 1 / (clock_timestamp() < LEAST(?::timestamptz, statement_timestamp() + make_interval(secs => ?)))::integer"

// maxAge is how long after its beginning a statement may still store. A statement that has waited
// for a lock continues with what it read when it began, so this is how outdated the rights can be
// that it has checked.
const maxAge = time.Second

var errMovedMeanwhile = errors.New("store: rights have changed while the change waited for a lock")

// tries is the maximum number of attempts of [Store.atOnce] and of [pgRow].
const tries = 10

// atOnce executes a statement for PostgreSQL that stores e, and reads the one row that it returns.
// The statement has numbered parameters and ends with [inTime]. It bypasses GORM, which would parse
// the text letter by letter each time: these texts are long.
//
// Outside a transaction, a statement that takes longer than [maxAge] fails and is retried. Inside,
// it can't be retried, and has no limit of its own: if it has taken that long, the rights are
// checked again. The deadline is checked by Commit.
//
// Errors: gorm.ErrRecordNotFound when a condition of the statement does not hold;
// context.DeadlineExceeded when all attempts were too late; *domain.Unavailable inside a
// transaction, when the rights have changed while it waited.
func (s *Store) atOnce(ctx context.Context, e *domain.Event, places []any, text string, args []any) error {
	begin := time.Now()
	if s.inTx {
		err := s.oneRow(ctx, places, text, args, &pgClock{}, untimed)
		if err == nil {
			err = s.holdsStill(ctx, e, begin)
		}
		if errors.Is(err, domain.ErrRightsMoved) { // e is stored: the caller must roll back
			err = &domain.Unavailable{Err: errMovedMeanwhile}
		}
		return err
	}
	err := s.oneRow(ctx, places, text, args, s.clock, maxAge)
	for i := 1; i < tries && isLate(err) && ctx.Err() == nil; i++ {
		if err := s.compareClock(ctx); err != nil { // it may have been set since it was compared
			return err
		}
		err = s.oneRow(ctx, places, text, args, s.clock, maxAge)
	}
	if isLate(err) {
		err = context.DeadlineExceeded
	}
	return err
}

// untimed replaces maxAge inside a transaction: in effect there is no limit.
const untimed = 24 * time.Hour

func (s *Store) oneRow(
	ctx context.Context, places []any, text string, args []any, clock *pgClock, age time.Duration,
) error {
	var one int
	args = append(slices.Clip(args), clock.deadline(ctx), age.Seconds())
	places = append(slices.Clip(places), &one)
	if db, ok := s.write.Statement.ConnPool.(*sql.DB); ok {
		return pgRow(ctx, db, places, text, args)
	}
	rows, err := s.write.Statement.ConnPool.QueryContext(ctx, text, args...)
	if err == nil {
		err = scanOne(rows, places)
	}
	return noteFailure(s.write, err)
}

// compareClock compares the clock of the server with that of this process again.
func (s *Store) compareClock(ctx context.Context) error {
	conn, err := s.SQL()
	if err != nil {
		return err
	}
	begin := time.Now()
	var server time.Time
	if err := conn.QueryRowContext(ctx, "SELECT clock_timestamp()").Scan(&server); err != nil {
		return untried(err)
	}
	s.clock.note(server, begin)
	return nil
}
