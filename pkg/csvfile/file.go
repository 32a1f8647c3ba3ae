package csvfile

import (
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Columns are the columns that a file may have.
type Columns struct {
	Required, Optional []string
	// Also are other names of columns, as those in another language.
	Also map[string]string
}

// names are all names that a header may have: those of columns first.
func (c Columns) names() []string {
	return slices.Concat(c.Required, c.Optional, slices.Sorted(maps.Keys(c.Also)))
}

// of returns the column that a cell of a header names.
func (c Columns) of(cell string) string {
	name := columnName(cell)
	if column, ok := c.Also[name]; ok {
		return column
	}
	return name
}

// separators are the separators that Open tries, unless the first line is sep= and a separator.
const separators = ",;\t"

// File is a file whose header was read.
type File struct {
	begin  csvReader      // just after the header
	known  Columns        // what it may have
	places map[string]int // index of each column, by name
	header []string       // names of the columns, in the order of the file
}

// Row is a row of a file. Its cells are those of the File's reader, and hold until the next row.
type Row struct {
	Number, Line int   // row 1 is the first after the header; line 1 is the first of the file
	Err          error // that there are no cells; nil: there are
	cells        []string
	places       map[string]int
}

// Text returns the value of a column; empty when the file does not have the column.
func (r Row) Text(column string) string {
	place, ok := r.places[column]
	if !ok {
		return ""
	}
	return bareCell(r.cells[place])
}

// Optional is Text, with nil when the file does not have the column.
func (r Row) Optional(column string) *string {
	if _, ok := r.places[column]; !ok {
		return nil
	}
	value := r.Text(column)
	return &value
}

// Open reads the header. Errors: *domain.Error with Malformed for a text that is no such file,
// Invalid for unknown columns, with the nearest known one.
func Open(raw []byte, columns Columns) (*File, error) {
	text, err := decodeText(raw)
	if err != nil {
		return nil, err
	}
	reader := csvReader{text: text, line: 1}
	if !reader.readSeparator() {
		reader.separator = likelySeparator(reader, columns)
	}
	for {
		record, err := reader.next()
		if err == io.EOF {
			return nil, domain.Fault(domain.Malformed, "", domain.ReasonNoHeader)
		}
		if err != nil {
			return nil, err
		}
		if record.blank {
			continue
		}
		file := &File{known: columns, places: map[string]int{}}
		if err := file.readHeader(record); err != nil {
			return nil, err
		}
		reader.record = nil
		file.begin = reader
		return file, nil
	}
}

// Has reports whether the file has a column.
func (f *File) Has(column string) bool {
	_, ok := f.places[column]
	return ok
}

// Text returns the text of the file in UTF-8. [Open] makes the same file from it.
func (f *File) Text() string { return f.begin.text }

// readSeparator reads a first line that names the separator, as spreadsheets write it: sep=; – it
// returns false if there is no such line.
func (r *csvReader) readSeparator() bool {
	end := strings.IndexAny(r.text, "\r\n")
	if end < 0 {
		end = len(r.text)
	}
	line := strings.Trim(r.text[:end], `"`)
	if len(line) < len("sep=,") || !strings.EqualFold(line[:len("sep=")], "sep=") {
		return false
	}
	rest := line[len("sep="):]
	if strings.Trim(rest[1:], " ,;\t") != "" || !strings.Contains(separators+"|:^~", rest[:1]) {
		return false
	}
	r.separator = rest[0]
	r.at = end
	r.endLine()
	return true
}

// likelySeparator returns the separator with which the first record has the most known columns.
func likelySeparator(r csvReader, columns Columns) byte {
	names := columns.names()
	best, most := separators[0], 0
	for i := range len(separators) {
		try := r
		try.separator = separators[i]
		record, err := try.next()
		for err == nil && record.blank {
			record, err = try.next()
		}
		known := 0
		for _, cell := range record.cells {
			if slices.Contains(names, columnName(cell)) {
				known++
			}
		}
		if known > most {
			best, most = separators[i], known
		}
	}
	return best
}

func columnName(cell string) string { return strings.ToLower(strings.TrimSpace(cell)) }

// readHeader finds the columns. Empty cells at the end are ignored.
func (f *File) readHeader(record csvRecord) error {
	for _, cell := range record.cells {
		f.header = append(f.header, f.known.of(cell))
	}
	for len(f.header) > 0 && f.header[len(f.header)-1] == "" {
		f.header = f.header[:len(f.header)-1]
	}
	names := f.known.names()
	var unknown domain.FaultList
	for i, name := range f.header {
		if !slices.Contains(names, name) {
			unknown.Add(domain.AtLine(
				record.line,
				domain.Fault(domain.Invalid, printableName(name), domain.ReasonColumn, nearest(name, names)),
			))
			continue
		}
		if _, twice := f.places[name]; twice {
			return domain.AtLine(record.line, domain.Fault(domain.Malformed, name, domain.ReasonColumnTwice))
		}
		f.places[name] = i
	}
	if err := unknown.Err(); err != nil {
		return err
	}
	var missing domain.FaultList
	for _, name := range f.known.Required {
		if _, ok := f.places[name]; !ok {
			missing.Add(domain.AtLine(record.line, domain.Fault(domain.Malformed, name, domain.ReasonNoColumn)))
		}
	}
	return missing.Err()
}

// printableName returns the name of a column if an error may show it, else "".
func printableName(name string) string {
	if len(name) > 64 || !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }) {
		return ""
	}
	return name
}

// Rows calls fn with each row that is not blank, and stops at the first error of fn. Errors: also
// Malformed with ReasonQuote.
func (f *File) Rows(fn func(Row) error) error {
	reader := f.begin
	for row := 1; ; row++ {
		record, err := reader.next()
		for err == nil && record.blank {
			record, err = reader.next()
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		found := Row{Number: row, Line: record.line, places: f.places}
		found.cells, found.Err = f.cells(record)
		if err := fn(found); err != nil {
			return err
		}
	}
}

// cells returns the cells of a record. More cells than columns are accepted if the extra cells are
// blank.
func (f *File) cells(record csvRecord) ([]string, error) {
	cells := record.cells
	for len(cells) > len(f.header) && strings.TrimSpace(cells[len(cells)-1]) == "" {
		cells = cells[:len(cells)-1]
	}
	if record.more || len(cells) != len(f.header) {
		return nil, domain.Fault(domain.Invalid, "", domain.ReasonCells, len(f.header))
	}
	if slices.EqualFunc(cells, f.header, func(cell, name string) bool { return f.known.of(cell) == name }) {
		return nil, domain.Fault(domain.Invalid, "", domain.ReasonHeaderTwice)
	}
	return cells, nil
}
