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

// statement is one of PostgreSQL's that is put together; a ? in the text of a part stands for its
// next argument.
type statement struct {
	text strings.Builder
	args []any
	next int // number of the parameter last named
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

// numbered is a statement of one part.
func numbered(text string) string {
	var s statement
	s.add(text)
	return s.text.String()
}

// inTime is the last column of a statement for [Store.atOnce], with its last two parameters: a
// deadline, and how many seconds the statement may take. After either it fails and changes nothing.
const inTime = ", 1 / (clock_timestamp() < LEAST(?::timestamptz, statement_timestamp() + make_interval(secs => ?)))::integer"

// maxAge is how old what a statement has read may be when it stores: a statement that waits for a
// lock goes on with what it saw before.
const maxAge = time.Second

var errMovedMeanwhile = errors.New("store: rights have changed while the change waited for a lock")

// tries bounds how often a statement of [Store.atOnce] begins again.
const tries = 10

// atOnce reads the one row of a statement for PostgreSQL with numbered parameters, which ends with
// [inTime] and stores e. It goes past GORM, which would read the text letter by letter each time,
// and these are long. A statement that has waited longer than [maxAge] begins again; in a
// transaction, where it can't, the rights are looked at once more, and it is the commit that may
// not come late.
func (s *Store) atOnce(ctx context.Context, e *domain.Event, places []any, text string, args []any) error {
	begin := time.Now()
	if s.inTx {
		err := s.oneRow(ctx, places, text, args, &pgClock{}, untimed)
		if err == nil {
			err = s.holdsStill(ctx, e, begin)
		}
		if errors.Is(err, domain.ErrRightsMoved) { // too late to do it again: it is stored, and has to be rolled back
			err = &domain.Unavailable{Err: errMovedMeanwhile}
		}
		return err
	}
	err := s.oneRow(ctx, places, text, args, s.clock, maxAge)
	for i := 1; i < tries && isLate(err) && ctx.Err() == nil; i++ {
		if err := s.compareClock(ctx); err != nil { // the clock of the server may have been set
			return err
		}
		err = s.oneRow(ctx, places, text, args, s.clock, maxAge)
	}
	if isLate(err) {
		err = context.DeadlineExceeded
	}
	return err
}

// untimed is for statements in a transaction.
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
	noteFailure(s.write, err)
	return err
}

// compareClock asks what the clock of the server says now.
func (s *Store) compareClock(ctx context.Context) error {
	conn, err := s.SQL()
	if err != nil {
		return err
	}
	begin := time.Now()
	var server time.Time
	if err := conn.QueryRowContext(ctx, "SELECT clock_timestamp()").Scan(&server); err != nil {
		return err
	}
	s.clock.note(server, begin)
	return nil
}
