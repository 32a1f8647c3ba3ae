package devicefile

import (
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// The columns of a file of devices. Their names are those of the vendor's fields, except for
// enabled.
var (
	requiredColumns = []string{"hostname", "ip", "model", "type", "vendor", "site"}
	optionalColumns = []string{"device_domain", "device_tags", "connectivities", "session_remote_config", "enabled"}
	allColumns      = slices.Concat(requiredColumns, optionalColumns)
)

// separators are the separators that Open tries, unless the first line is sep= and a separator.
const separators = ",;\t"

// File is a file of devices whose header was read.
type File struct {
	begin   csvReader      // just after the header
	columns map[string]int // index of each column, by name
	header  []string       // names of the columns, in the order of the file
}

// Row is a row of a file. Err joins the faults of its cells.
type Row struct {
	Number, Line int // row 1 is the first after the header; line 1 is the first of the file
	Plan         domain.DevicePlan
	Err          error
}

// Open reads the header. Errors: *domain.Error with Malformed for a text that is not a file of
// devices, Invalid for unknown columns.
func Open(raw []byte) (*File, error) {
	text, err := decodeText(raw)
	if err != nil {
		return nil, err
	}
	reader := csvReader{text: text, line: 1}
	if !reader.readSeparator() {
		reader.separator = likelySeparator(reader)
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
		file := &File{columns: map[string]int{}}
		if err := file.readHeader(record); err != nil {
			return nil, err
		}
		reader.record = nil
		file.begin = reader
		return file, nil
	}
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
func likelySeparator(r csvReader) byte {
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
			if slices.Contains(allColumns, columnName(cell)) {
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
		f.header = append(f.header, columnName(cell))
	}
	for len(f.header) > 0 && f.header[len(f.header)-1] == "" {
		f.header = f.header[:len(f.header)-1]
	}
	var unknown domain.FaultList
	for i, name := range f.header {
		if !slices.Contains(allColumns, name) {
			unknown.Add(
				AtLine(
					domain.Fault(domain.Invalid, printableName(name), domain.ReasonColumn, nearest(name, allColumns)),
					record.line,
				),
			)
			continue
		}
		if _, twice := f.columns[name]; twice {
			return AtLine(domain.Fault(domain.Malformed, name, domain.ReasonColumnTwice), record.line)
		}
		f.columns[name] = i
	}
	if err := unknown.Err(); err != nil {
		return err
	}
	var missing domain.FaultList
	for _, name := range requiredColumns {
		if _, ok := f.columns[name]; !ok {
			missing.Add(AtLine(domain.Fault(domain.Malformed, name, domain.ReasonNoColumn), record.line))
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

// AtLine sets the line of a fault.
func AtLine(fault *domain.Error, line int) *domain.Error {
	fault.Line = line
	return fault
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
		found := Row{Number: row, Line: record.line}
		found.Plan, found.Err = f.plan(record)
		if err := fn(found); err != nil {
			return err
		}
	}
}

// plan reads the cells of a record. More cells than columns are accepted if the extra cells are
// blank.
func (f *File) plan(record csvRecord) (domain.DevicePlan, error) {
	cells := record.cells
	for len(cells) > len(f.header) && strings.TrimSpace(cells[len(cells)-1]) == "" {
		cells = cells[:len(cells)-1]
	}
	if record.more || len(cells) != len(f.header) {
		return domain.DevicePlan{}, domain.Fault(domain.Invalid, "", domain.ReasonCells, len(f.header))
	}
	if slices.EqualFunc(cells, f.header, func(cell, name string) bool { return columnName(cell) == name }) {
		return domain.DevicePlan{}, domain.Fault(domain.Invalid, "", domain.ReasonHeaderTwice)
	}
	return f.spec(cells).Plan()
}

func (f *File) spec(cells []string) domain.DeviceSpec {
	text := func(name string) string { return bareCell(cells[f.columns[name]]) }
	optional := func(name string) *string {
		if _, ok := f.columns[name]; !ok {
			return nil
		}
		value := text(name)
		return &value
	}
	return domain.DeviceSpec{
		Hostname: text("hostname"), IP: text("ip"), Model: text("model"), Type: text("type"), Vendor: text("vendor"),
		Site:    text("site"),
		Domains: optional("device_domain"), Tags: optional("device_tags"), Connectivities: optional("connectivities"),
		Remote: optional("session_remote_config"), Enabled: optional("enabled"),
	}
}
