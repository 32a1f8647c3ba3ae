package main

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

const day = 24 * time.Hour

var (
	longParts = regexp.MustCompile(`^(?:(\d+)w)?(?:(\d+)d)?(.*)$`)
	isoParts  = regexp.MustCompile(`^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$`)
	isoUnits  = []time.Duration{7 * day, day, time.Hour, time.Minute, time.Second}
)

var (
	errDuration = errors.New("not a duration, as 90d, 12h, 2w or P30D")
	errCalendar = errors.New("years and months have no fixed length: give days, as 90d or P90D")
	errTooLong  = errors.New("the duration is too long")
)

// durations reads every flag and setting of the type time.Duration by parseDuration.
func durations() kong.Option {
	return kong.TypeMapper(reflect.TypeFor[time.Duration](), kong.MapperFunc(
		func(ctx *kong.DecodeContext, target reflect.Value) error {
			var text string
			if err := ctx.Scan.PopValueInto("duration", &text); err != nil {
				return err
			}
			read, err := parseDuration(text)
			if err == nil {
				target.SetInt(int64(read))
			}
			return err
		}))
}

// parseDuration reads a span of time: 12h or 1h30m as Go writes it, also with days and weeks, as
// 90d, 2w or 1d12h; or a duration of ISO 8601 without years and months, as P30D or PT12H.
func parseDuration(text string) (time.Duration, error) {
	if strings.HasPrefix(text, "P") {
		return parseISODuration(text)
	}
	unsigned, negative := strings.CutPrefix(text, "-")
	parts := longParts.FindStringSubmatch(unsigned)
	if parts == nil || strings.ContainsAny(parts[3], "+-") {
		return 0, errDuration
	}
	total, err := sum(parts[1:3], isoUnits)
	if err != nil {
		return 0, err
	}
	if parts[3] != "" {
		rest, err := time.ParseDuration(parts[3])
		if err != nil {
			return 0, errDuration
		}
		if total, err = plus(total, rest); err != nil {
			return 0, err
		}
	} else if parts[1] == "" && parts[2] == "" {
		return 0, errDuration
	}
	if negative {
		total = -total
	}
	return total, nil
}

// parseISODuration reads a duration of ISO 8601-1, section 5.5.2, without years and months.
func parseISODuration(text string) (time.Duration, error) {
	date, _, _ := strings.Cut(text, "T")
	if strings.ContainsAny(date, "YM") {
		return 0, errCalendar
	}
	parts := isoParts.FindStringSubmatch(text)
	if parts == nil || strings.HasSuffix(text, "T") || text == "P" {
		return 0, errDuration
	}
	return sum(parts[1:], isoUnits)
}

// sum adds numbers of units; the empty text is none.
func sum(numbers []string, units []time.Duration) (total time.Duration, err error) {
	for i, number := range numbers {
		if number == "" {
			continue
		}
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil || n > math.MaxInt64/int64(units[i]) {
			return 0, errTooLong
		}
		if total, err = plus(total, time.Duration(n)*units[i]); err != nil {
			return 0, err
		}
	}
	return total, nil
}

// plus adds two durations that are not negative.
func plus(a, b time.Duration) (time.Duration, error) {
	if a > math.MaxInt64-b {
		return 0, errTooLong
	}
	return a + b, nil
}

// life is the life of a certificate, in whole days; 0 is not given.
type life int

// UnmarshalText reads a duration of at least one day, in whole days.
func (l *life) UnmarshalText(text []byte) error {
	read, err := parseDuration(string(text))
	if err != nil {
		return err
	}
	if read < day || read%day != 0 {
		return errors.New("a certificate lasts for whole days, as 365d")
	}
	*l = life(read / day)
	return nil
}

// days is nil when no life was given.
func (l life) days() *int {
	if l == 0 {
		return nil
	}
	days := int(l)
	return &days
}

// point is a time: after a duration from now, or at a date. The zero value is none.
type point struct {
	given bool
	after time.Duration
	at    time.Time
}

// UnmarshalText reads a duration, a date as 2027-01-31, or a time of RFC 3339.
func (p *point) UnmarshalText(text []byte) error {
	if at, ok := parseDate(text); ok {
		*p = point{given: true, at: at}
		return nil
	}
	after, err := parseDuration(string(text))
	if errors.Is(err, errDuration) {
		return fmt.Errorf("%w, nor a date as 2027-01-31", err)
	}
	*p = point{given: true, after: after}
	return err
}

// parseDate reads a date as 2027-01-31, or a time of RFC 3339.
func parseDate(text []byte) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, string(text)); err == nil {
			return at.UTC(), true
		}
	}
	return time.Time{}, false
}

// time is the point as seen at the time now; zero is none.
func (p point) time(now time.Time) time.Time {
	if p.given && p.at.IsZero() {
		return now.Add(p.after)
	}
	return p.at
}

// past is a time: so long before now, or at a date. The zero value is none.
type past struct{ point }

// time is the point as seen at the time now; zero is none.
func (p past) time(now time.Time) time.Time {
	if p.given && p.at.IsZero() {
		return now.Add(-p.after)
	}
	return p.at
}

// end is when something ends: a point in the future. The zero value is never.
type end struct{ point }

// UnmarshalText reads a point in the future.
func (e *end) UnmarshalText(text []byte) error {
	err := e.point.UnmarshalText(text)
	if now := time.Now(); err == nil && !e.time(now).After(now) {
		err = errors.New("it has to be in the future")
	}
	return err
}

// date is a day, as 2027-01-31, or a time of RFC 3339. The zero value is none.
type date time.Time

// UnmarshalText reads a date or a time.
func (d *date) UnmarshalText(text []byte) error {
	if at, ok := parseDate(text); ok {
		*d = date(at)
		return nil
	}
	return errors.New("no date as 2027-01-31, nor a time as 2027-01-31T12:00:00Z")
}

// orNil is nil when no date was given.
func (d date) orNil() *time.Time {
	at := time.Time(d)
	if at.IsZero() {
		return nil
	}
	return &at
}
