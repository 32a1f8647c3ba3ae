package csvfile

import (
	"io"
	"strings"
	"unicode/utf8"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// csvReader reads the records of a text (RFC 4180). A line ends with CR, LF or CRLF, also within
// quotes, where the line end is part of the value.
type csvReader struct {
	text      string
	separator byte
	at        int
	line      int // line number of at; the first is 1
	lineStart int // offset at which the line begins
	record    []string
}

// maxCells bounds the cells of a record that are kept.
const maxCells = 256

// csvRecord is a record. It is valid until the next one is read.
type csvRecord struct {
	line  int // number of its first line
	cells []string
	blank bool // it has only white space
	more  bool // there are more cells than are kept, and at least one of them is not blank
}

// next returns the next record, or io.EOF. Errors: Malformed with ReasonQuote.
func (r *csvReader) next() (csvRecord, error) {
	if r.at >= len(r.text) {
		return csvRecord{}, io.EOF
	}
	record := csvRecord{line: r.line, cells: r.record[:0], blank: true}
	for {
		cell, err := r.cell()
		if err != nil {
			return record, err
		}
		filled := strings.TrimSpace(cell) != ""
		record.blank = record.blank && !filled
		if len(record.cells) < maxCells {
			record.cells = append(record.cells, cell)
		} else {
			record.more = record.more || filled
		}
		if r.at >= len(r.text) || r.text[r.at] != r.separator {
			break
		}
		r.at++
	}
	r.endLine()
	r.record = record.cells
	return record, nil
}

// endLine moves past a line end.
func (r *csvReader) endLine() {
	if r.at < len(r.text) && r.text[r.at] == '\r' {
		r.at++
		if r.at < len(r.text) && r.text[r.at] == '\n' {
			r.at++
		}
	} else {
		r.at++
	}
	r.line++
	r.lineStart = r.at
}

func (r *csvReader) cell() (string, error) {
	if r.at < len(r.text) && r.text[r.at] == '"' {
		return r.quoted()
	}
	begin := r.at
	for ; r.at < len(r.text); r.at++ {
		switch c := r.text[r.at]; {
		case c == r.separator || c == '\r' || c == '\n':
			return r.text[begin:r.at], nil
		case c == '"':
			return "", r.quoteFault()
		}
	}
	return r.text[begin:], nil
}

func (r *csvReader) quoted() (string, error) {
	opened := *r // the position for the fault, if no quote closes it
	r.at++
	begin, twice := r.at, false
	for r.at < len(r.text) {
		switch r.text[r.at] {
		case '\r', '\n':
			r.endLine()
		case '"':
			if strings.HasPrefix(r.text[r.at:], `""`) {
				r.at, twice = r.at+2, true
				continue
			}
			value := r.text[begin:r.at]
			r.at++
			if r.at < len(r.text) && r.text[r.at] != r.separator && r.text[r.at] != '\r' && r.text[r.at] != '\n' {
				r.at--
				return "", r.quoteFault()
			}
			if twice {
				value = strings.ReplaceAll(value, `""`, `"`)
			}
			return value, nil
		default:
			r.at++
		}
	}
	return "", opened.quoteFault()
}

// quoteFault gives the position of a quote that is misplaced or not closed.
func (r *csvReader) quoteFault() error {
	column := utf8.RuneCountInString(r.text[r.lineStart:r.at]) + 1
	return domain.Fault(domain.Malformed, "", domain.ReasonQuote, r.line, column)
}
