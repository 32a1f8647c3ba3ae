package store

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
)

// statement is one of PostgreSQL's that is put together; a ? in the text of a part stands for its next argument.
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

// inTime is the last column and the last parameter of a statement for [Store.atOnce]: a deadline after which it fails and changes nothing.
const inTime = ", 1 / (clock_timestamp() < ?::timestamptz)::integer"

// atOnce reads the one row of a statement for PostgreSQL with numbered parameters, which ends with [inTime]. It goes past GORM, which would read the text
// letter by letter each time, and these are long. In a transaction it is the commit that may not come late.
func (s *Store) atOnce(ctx context.Context, places []any, text string, args []any) error {
	clock := s.clock
	if s.inTx {
		clock = &pgClock{}
	}
	err := s.oneRow(ctx, places, text, args, clock)
	if isLate(err) && ctx.Err() == nil { // the clock of the server was set
		if err := s.compareClock(ctx); err != nil {
			return err
		}
		err = s.oneRow(ctx, places, text, args, clock)
	}
	if isLate(err) {
		err = context.DeadlineExceeded
	}
	noteFailure(s.write, err)
	return err
}

func (s *Store) oneRow(ctx context.Context, places []any, text string, args []any, clock *pgClock) error {
	var one int
	args = append(slices.Clip(args), clock.deadline(ctx))
	rows, err := s.write.Statement.ConnPool.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	return scanOne(rows, append(slices.Clip(places), &one))
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
