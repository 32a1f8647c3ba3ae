package csvfile

import (
	"encoding/csv"
	"io"
	"slices"
	"strings"
	"testing"
)

// FuzzCSVReader: the reader accepts what the reader of the standard library accepts, and reads the
// same. It leaves out CR, which the latter does not take for a line end.
func FuzzCSVReader(f *testing.F) {
	for _, seed := range []string{
		"", "a,b\nc,\"d\"\"e\nf\"\n", "\"", "a\"b", "\"a\"b", ",,\n\n\"\"\n", "é,\u00a0\n", "a,\"b\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		text = strings.ReplaceAll(text, "\r", "")
		got, err := records(text)
		standard := csv.NewReader(strings.NewReader(text))
		standard.FieldsPerRecord = -1
		want, wantErr := standard.ReadAll()
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%q: %v, the standard library says %v", text, err, wantErr)
		}
		want = slices.DeleteFunc(want, empty)
		wide := slices.ContainsFunc(want, func(record []string) bool { return len(record) > maxCells })
		if err == nil && !wide && !slices.EqualFunc(got, want, slices.Equal[[]string]) {
			t.Fatalf("%q: %q, the standard library reads %q", text, got, want)
		}
	})
}

// records reads all records that are not empty.
func records(text string) (all [][]string, err error) {
	for reader := (csvReader{text: text, separator: ',', line: 1}); ; {
		record, err := reader.next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		if !empty(record.cells) {
			all = append(all, slices.Clone(record.cells))
		}
	}
}

func empty(cells []string) bool { return len(cells) == 1 && cells[0] == "" }
