package main

import (
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"90d": 90 * day, "2w": 14 * day, "12h": 12 * time.Hour, "1w2d3h": 9*day + 3*time.Hour, "1h30m": 90 * time.Minute,
		"90s": 90 * time.Second, "0": 0, "0d": 0, "-1s": -time.Second, "-1d": -day,
		"P30D": 30 * day, "PT12H": 12 * time.Hour, "P1DT1H30M5S": day + 90*time.Minute + 5*time.Second, "P2W": 14 * day,
		"106751d": 106751 * day,
	} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%s: %s (%v), want %s", text, got, err, want)
		}
	}
}

// TestDuration_OfSettings: settings are durations like all others, also in the configuration file.
func TestDuration_OfSettings(t *testing.T) {
	t.Parallel()
	got, err := serveConfig(t, "crl-life: 30d\n", "--signing-key-life", "P4W")
	if err != nil || got.CRLLife != 30*day || got.SigningKeyLife != 28*day || got.RequestTimeout != 30*time.Second {
		t.Errorf("%+v (%v)", got, err)
	}
}

func TestDuration_Faults(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]error{
		"": errDuration, "90": errDuration, "d": errDuration, "soon": errDuration, "1d2w": errDuration,
		"1.5d": errDuration, "--1s": errDuration, "1d-1h": errDuration, "1d+1h": errDuration, "90D": errDuration,
		"P": errDuration, "PT": errDuration, "P1DT": errDuration, "P30": errDuration, "p30d": errDuration,
		"P1H": errDuration, "-P1D": errDuration,
		"P1Y": errCalendar, "P1M": errCalendar, "P1Y2M3DT4H": errCalendar,
		"106752d": errTooLong, "99999999999999999999d": errTooLong, "106751d24h": errTooLong, "P15251W": errTooLong,
	} {
		if got, err := parseDuration(text); err != want {
			t.Errorf("%q: %s (%v), want %v", text, got, err, want)
		}
	}
}

func TestLife(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"365d": 365, "2w": 14, "48h": 2, "P30D": 30} {
		var got life
		if err := got.UnmarshalText([]byte(text)); err != nil || *got.days() != want {
			t.Errorf("%s: %d (%v), want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"0d", "12h", "36h", "-1d", "365", "P1Y"} {
		if err := new(life).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%s is accepted", text)
		}
	}
	if days := life(0).days(); days != nil {
		t.Errorf("no life is %d days", *days)
	}
}

func TestEnd(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.March, 4, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"90d": now.Add(90 * day), "P1D": now.Add(day), "2127-01-31": time.Date(2127, time.January, 31, 0, 0, 0, 0, time.UTC),
		"2127-01-31T12:00:00-03:00": time.Date(2127, time.January, 31, 15, 0, 0, 0, time.UTC),
	} {
		var got end
		if err := got.UnmarshalText([]byte(text)); err != nil || !got.time(now).Equal(want) {
			t.Errorf("%s: %s (%v), want %s", text, got.time(now), err, want)
		}
	}
	for _, text := range []string{"", "0", "-1d", "soon", "2027-02-30", "31/01/2027", "P1Y", "2026-01-01"} {
		if err := new(end).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
	if never := (end{}).time(now); !never.IsZero() {
		t.Errorf("the zero value ends at %s", never)
	}
}

func TestPoint(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, time.March, 4, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"0d": now, "-1d": now.Add(-day), "2w": now.Add(14 * day), "2026-01-31": time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC),
	} {
		var got point
		if err := got.UnmarshalText([]byte(text)); err != nil || !got.time(now).Equal(want) {
			t.Errorf("%s: %s (%v), want %s", text, got.time(now), err, want)
		}
	}
	if none := (point{}).time(now); !none.IsZero() {
		t.Errorf("none is %s", none)
	}
	for _, text := range []string{"", "soon", "P1Y", "2026-02-30"} {
		if err := new(point).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
	for text, want := range map[string]bool{"2026-01-31": true, "2026-01-31T12:00:00Z": true, "90d": false, "": false} {
		var got date
		if err := got.UnmarshalText([]byte(text)); (err == nil) != want || want != (got.orNil() != nil) {
			t.Errorf("%q: %v (%v)", text, got, err)
		}
	}
}
