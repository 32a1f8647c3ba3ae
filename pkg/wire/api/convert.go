package api

import (
	"time"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

const (
	noStore = "no-store"
	// noCache makes a cache ask each time whether its copy is current.
	noCache = "no-cache"
)

// date is how the dialect writes times: ISO 8601 in UTC with microseconds and a numeric offset.
func date(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000-07:00") }

// dateLayouts are the accepted layouts of a date; a date without a zone is in UTC.
var dateLayouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04:05", time.DateOnly,
}

// optionalDate is null for the zero time.
func optionalDate(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return optional(date(t))
}

// parseQueryDate is parseDate for a query parameter: an invalid one makes the request Malformed.
func parseQueryDate(field string, text *string) (*time.Time, error) {
	t, err := parseDate(field, text)
	if err != nil {
		return nil, domain.Fault(domain.Malformed, field, domain.ReasonDate)
	}
	return t, nil
}

// parseDate reads a date of the years 1 to 9999 in UTC, except for the very first instant: that is
// the zero time, which means that there is no date.
func parseDate(field string, text *string) (*time.Time, error) {
	if text == nil || *text == "" {
		return nil, nil
	}
	for _, layout := range dateLayouts {
		t, err := time.Parse(layout, *text)
		if utc := t.UTC(); err == nil && utc.After(time.Time{}) && utc.Year() <= 9999 {
			return &utc, nil
		}
	}
	return nil, domain.Fault(domain.Invalid, field, domain.ReasonDate)
}

// text is the value of an optional text, "" when it is absent.
func text[T ~string](s *T) string {
	if s == nil {
		return ""
	}
	return string(*s)
}

// value returns an optional value, or zero if it is absent.
func value[T any](v *T) T {
	if v == nil {
		var zero T
		return zero
	}
	return *v
}

// optional is null for the zero value.
func optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// secret turns an optional text into a Secret, which does not reach a log.
func secret(s *string) *domain.Secret {
	if s == nil {
		return nil
	}
	hidden := domain.Secret(*s)
	return &hidden
}

// plain turns an optional text of a named type into a plain one.
func plain[T ~string](s *T) *string {
	if s == nil {
		return nil
	}
	value := string(*s)
	return &value
}

func pageRequest(cursor *gen.PageCursor, size *gen.PageSize) domain.PageRequest {
	request := domain.PageRequest{Size: 15}
	if cursor != nil {
		request.Cursor = *cursor
	}
	if size != nil {
		request.Size = *size
	}
	return request
}

func cursorOf[T any](page domain.Page[T]) gen.Cursor {
	return gen.Cursor{Current: page.Current, Next: page.Next, Previous: page.Previous}
}

// convertAll converts a list. The result is never nil, which would be null in JSON.
func convertAll[T, U any](list []T, convert func(T) U) []U {
	out := make([]U, len(list))
	for i, one := range list {
		out[i] = convert(one)
	}
	return out
}

func attachment(name string) *string {
	value := `attachment; filename="` + name + `"`
	return &value
}

func header(value string) *string { return &value }
