package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type inner struct {
	City string `json:"city"`
}

type sample struct {
	ID   int64  `json:"id" table:"ID"`
	Name string `json:"name" table:"NAME"`
	inner
	Note  *string  `json:"note" table:"NOTE"`
	At    stamp    `json:"at" table:"AT"`
	Roles roleRefs `json:"roles"`
	inMemory
}

// inMemory has no tag, so it is not printed.
type inMemory struct{ secret string }

var noon = time.Date(2026, time.March, 4, 12, 0, 0, 5000, time.UTC)

func samples() []sample {
	note := "a, \"b\"\nc"
	return []sample{
		{ID: 1, Name: "José", inner: inner{"Rio"}, Note: &note, At: stamp(noon), Roles: roleRefs{{1, "a"}, {2, "b"}},
			inMemory: inMemory{"hidden"}},
		{ID: 1000, Name: "<b>\x1b[31m", Roles: roleRefs{}},
	}
}

func printed(t *testing.T, f form, records []sample) string {
	t.Helper()
	var out bytes.Buffer
	p := newPrinter[sample](&out, f)
	for _, one := range records {
		if err := p.add(one); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.end(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestPrinter(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		form form
		want string
	}{
		"table": {form{}, "" +
			"ID    NAME      NOTE      AT\n" +
			"1     José      a, \"b\" c  2026-03-04T12:00:00Z\n" +
			"1000  <b> [31m  -         -\n"},
		"JSON": {form{JSON: true}, "" +
			`{"id":1,"name":"José","city":"Rio","note":"a, \"b\"\nc","at":"2026-03-04T12:00:00.000005+00:00",` +
			`"roles":[{"id":1,"name":"a"},{"id":2,"name":"b"}]}` + "\n" +
			`{"id":1000,"name":"<b>\u001b[31m","city":"","note":null,"at":null,"roles":[]}` + "\n"},
		"CSV": {form{CSV: true}, "" +
			"id,name,city,note,at,roles\r\n" +
			"1,José,Rio,\"a, \"\"b\"\"\r\nc\",2026-03-04T12:00:00.000005+00:00,\"a, b\"\r\n" +
			"1000,<b>\x1b[31m,,,,\r\n"},
	} {
		if diff := cmp.Diff(test.want, printed(t, test.form, samples())); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestPrinter_Empty(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]form{
		"ID  NAME  NOTE  AT\n": {}, "": {JSON: true}, "id,name,city,note,at,roles\r\n": {CSV: true},
	} {
		if got := printed(t, f, nil); got != want {
			t.Errorf("%+v: %q, want %q", f, got, want)
		}
	}
}

// TestPrinter_ReadsBack: a reader of CSV gets every record, whatever is in it.
func TestPrinter_ReadsBack(t *testing.T) {
	t.Parallel()
	rows, err := csv.NewReader(strings.NewReader(printed(t, form{CSV: true}, samples()))).ReadAll()
	if err != nil || len(rows) != 3 || rows[1][3] != "a, \"b\"\nc" {
		t.Errorf("%q (%v)", rows, err)
	}
}

// counted counts what is written and keeps nothing.
type counted int

func (c *counted) Write(b []byte) (int, error) {
	*c += counted(len(b))
	return len(b), nil
}

// TestPrinter_Long: a long list is printed while it is read, and a wider cell further down widens
// the rest.
func TestPrinter_Long(t *testing.T) {
	t.Parallel()
	for _, f := range []form{{}, {JSON: true}, {CSV: true}} {
		var out counted
		p := newPrinter[sample](&out, f)
		for i := range 10_000 {
			if err := p.add(sample{ID: int64(i), Name: fmt.Sprint(i)}); err != nil {
				t.Fatal(err)
			}
			if len(p.rows) >= partRows || i > 2000 && int(out)+p.out.Buffered() < i*10 {
				t.Fatalf("%+v: after %d rows %d wait, and %d bytes are written", f, i, len(p.rows), out)
			}
		}
	}
	var records []sample
	for i := range partRows {
		records = append(records, sample{ID: int64(i)})
	}
	got := strings.Split(printed(t, form{}, append(records, sample{ID: 1_000_000}, sample{})), "\n")
	if got[1] != "0   -     -     -" || got[partRows+1] != "1000000  -     -     -" || got[partRows+2] != "0        -     -     -" {
		t.Errorf("%q %q %q", got[1], got[partRows+1], got[partRows+2])
	}
}

func TestEach(t *testing.T) {
	t.Parallel()
	var asked []int64
	page := func(_ context.Context, request domain.PageRequest) (domain.Page[int], error) {
		asked = append(asked, request.Cursor)
		next := request.Cursor + 2
		found := domain.Page[int]{Items: []int{int(request.Cursor) + 1, int(next)}, Next: &next}
		if next == 6 {
			found.Next = nil
		}
		return found, nil
	}
	var got []int
	if err := each(t.Context(), page, func(i int) error { got = append(got, i); return nil }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{1, 2, 3, 4, 5, 6}, got) + cmp.Diff([]int64{0, 2, 4}, asked); diff != "" {
		t.Error(diff)
	}
	stop := errors.New("stop")
	if err := each(t.Context(), page, func(int) error { return stop }); err != stop {
		t.Errorf("%v, want the error of do", err)
	}
	failing := func(context.Context, domain.PageRequest) (domain.Page[int], error) { return domain.Page[int]{}, stop }
	if err := each(t.Context(), failing, func(int) error { return nil }); err != stop {
		t.Errorf("%v, want the error of the page", err)
	}
}
