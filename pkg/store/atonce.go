package store

import (
	"context"
	"strconv"
	"strings"
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

// atOnce reads the one row of a statement for PostgreSQL with numbered parameters. It goes past GORM, which would read the text letter by letter each
// time, and these are long.
func (s *Store) atOnce(ctx context.Context, places []any, text string, args []any) error {
	rows, err := s.write.Statement.ConnPool.QueryContext(ctx, text, args...)
	if err == nil {
		err = scanOne(rows, places)
	}
	noteFailure(s.write, err)
	return err
}
