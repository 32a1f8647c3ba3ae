package api

import (
	"regexp"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func TestDate(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		at   time.Time
		want string
	}{
		{time.Date(2020, 10, 5, 12, 20, 2, 932_000_000, time.UTC), "2020-10-05T12:20:02.932000+00:00"},
		{time.Date(2020, 10, 5, 12, 20, 2, 0, time.UTC), "2020-10-05T12:20:02.000000+00:00"},
		{time.Date(2020, 10, 5, 9, 20, 2, 1_999, time.FixedZone("BRT", -3*3600)), "2020-10-05T12:20:02.000001+00:00"},
	} {
		if got := date(test.at); got != test.want {
			t.Errorf("date(%v) = %s, not %s", test.at, got, test.want)
		}
	}
}

func TestParseDate(t *testing.T) {
	t.Parallel()
	noon := time.Date(2018, 10, 5, 12, 20, 2, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2018-10-05T12:20:02Z":             noon,
		"2018-10-05T12:20:02.932Z":         noon.Add(932 * time.Millisecond),
		"2018-10-05T12:20:02.932000+00:00": noon.Add(932 * time.Millisecond),
		"2018-10-05T09:20:02-03:00":        noon,
		"2018-10-05T09:20:02-0300":         noon,
		"2018-10-05T12:20:02":              noon,
		"2018-10-05T12:20:02.5":            noon.Add(500 * time.Millisecond),
		"2018-10-05 12:20:02":              noon,
		"2018-10-05 14:20:02+02:00":        noon,
		"2018-10-05":                       time.Date(2018, 10, 5, 0, 0, 0, 0, time.UTC),
		"0001-01-01T00:00:00.000001Z":      time.Time{}.Add(time.Microsecond),
		"9999-12-31T23:59:59Z":             time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
	} {
		got, err := parseDate("revoked_date", &text)
		if err != nil || !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("parseDate(%q) = %v, %v, not %v", text, got, err, want)
		}
	}
	for _, text := range []string{"05/10/2018", "2018-13-01", "2018-02-30", "now", "1538742002", "2018-10-05T25:00:00Z",
		"2018-10-05T12:20:02Z\n", "\x00", "2018-20-05T12:20:02Z",
		"0001-01-01", "0001-01-01T00:00:00Z", "0000-12-31", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01"} {
		if got, err := parseDate("revoked_date", &text); !domain.IsKind(err, domain.Invalid) {
			t.Errorf("parseDate(%q) = %v, %v", text, got, err)
		}
	}
	empty := ""
	for _, text := range []*string{nil, &empty} {
		if got, err := parseDate("revoked_date", text); got != nil || err != nil {
			t.Errorf("parseDate of none = %v, %v", got, err)
		}
	}
}

var wireDate = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$`)

// A date that was written can be read, and means the same.
func FuzzParseDate(f *testing.F) {
	for _, seed := range []string{
		"2018-10-05T12:20:02Z", "2018-10-05", "2018-10-05 12:20:02.123456789+23:59", "0000-01-01",
		"9999-12-31T23:59:59-23:59", "2016-12-31T23:59:60Z",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseDate("x", &text)
		if err != nil {
			if got != nil || !domain.IsKind(err, domain.Invalid) {
				t.Fatalf("%v, %v", got, err)
			}
			return
		}
		if got == nil {
			if text != "" {
				t.Fatal("a date got lost")
			}
			return
		}
		written := date(*got)
		if !wireDate.MatchString(written) {
			t.Fatalf("%q is written as %q", text, written)
		}
		again, err := parseDate("x", &written)
		if err != nil || !again.Equal(got.Truncate(time.Microsecond)) {
			t.Fatalf("%q is written as %q and read as %v, %v", text, written, again, err)
		}
	})
}

func TestWantsDER(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		format, accept string
		want           bool
	}{
		{"", "", false}, {"", "*/*", false}, {"", "application/pkix-crl", true}, {"der", "", true},
		{"pem", "application/pkix-crl", false},
		{"", "application/x-pem-file, application/pkix-crl", false},
		{"", "application/pkix-crl, application/x-pem-file", true},
	} {
		if got := wantsDER(test.format, test.accept); got != test.want {
			t.Errorf("wantsDER(%q, %q) = %v", test.format, test.accept, got)
		}
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	for condition, want := range map[string]bool{
		"": false, `"a"`: true, `W/"a"`: true, `"b"`: false, `"b", "a"`: true, `"b","a"`: true, "*": true, "a": false,
		`"A"`: false, `"a`: false,
	} {
		if got := matches(condition, `"a"`); got != want {
			t.Errorf("matches(%s) = %v", condition, got)
		}
	}
}
