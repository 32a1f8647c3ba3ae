package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"os"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// form is how a command prints records. The fields of JSON and CSV have the names that the api
// dialect has for them.
type form struct {
	JSON bool `name:"json" xor:"form" help:"Print JSON: an object a line, with the names of the API."`
	CSV  bool `name:"csv" xor:"form" help:"Print CSV (RFC 4180) with a header, with the names of the API."`
}

// column is a field of a record: the name that JSON and CSV have for it, and the title that tables
// have; without a title it is in no table.
type column struct {
	name, title string
	index       []int
}

// columnsOf reads the tags json and table of a struct. A struct that is embedded stands for its
// fields.
func columnsOf(record reflect.Type) []column {
	var columns []column
	for _, field := range reflect.VisibleFields(record) {
		if name := field.Tag.Get("json"); name != "" {
			columns = append(columns, column{name, field.Tag.Get("table"), field.Index})
		}
	}
	return columns
}

// printer prints records of the type R while they are read. A table is printed in parts, of which
// each is as wide as needed so far: a list of any length takes no more memory than a part.
type printer[R any] struct {
	form
	out     *bufio.Writer
	csv     *csv.Writer
	columns []column
	rows    [][]string // of a table, not yet printed
	widths  []int
	begun   bool
}

// partRows is how many rows of a table are aligned together.
const partRows = 100

func newPrinter[R any](out io.Writer, f form) *printer[R] {
	p := &printer[R]{form: f, out: bufio.NewWriter(out), columns: columnsOf(reflect.TypeFor[R]())}
	p.csv = csv.NewWriter(p.out)
	p.csv.UseCRLF = true
	if !f.JSON && !f.CSV {
		p.columns = titled(p.columns)
	}
	p.widths = make([]int, len(p.columns))
	return p
}

func titled(columns []column) []column {
	var some []column
	for _, c := range columns {
		if c.title != "" {
			some = append(some, c)
		}
	}
	return some
}

// add prints one record, now or with the next ones.
func (p *printer[R]) add(record R) error {
	if p.JSON {
		p.begun = true
		return writeJSON(p.out, record)
	}
	if err := p.begin(); err != nil {
		return err
	}
	row := make([]string, len(p.columns))
	for i, c := range p.columns {
		row[i] = cell(reflect.ValueOf(record).FieldByIndex(c.index).Interface(), p.CSV)
	}
	return p.put(row)
}

// begin prints the header before the first record.
func (p *printer[R]) begin() error {
	if p.begun {
		return nil
	}
	p.begun = true
	header := make([]string, len(p.columns))
	for i, c := range p.columns {
		header[i] = c.title
		if p.CSV {
			header[i] = c.name
		}
	}
	return p.put(header)
}

func (p *printer[R]) put(row []string) error {
	if p.CSV {
		return p.csv.Write(row)
	}
	if p.rows = append(p.rows, row); len(p.rows) < partRows {
		return nil
	}
	return p.align()
}

// align prints the rows that wait, in columns.
func (p *printer[R]) align() error {
	for _, row := range p.rows {
		for i, text := range row {
			p.widths[i] = max(p.widths[i], utf8.RuneCountInString(text))
		}
	}
	for _, row := range p.rows {
		if err := writeRow(p.out, row, p.widths); err != nil {
			return err
		}
	}
	p.rows = p.rows[:0]
	return nil
}

// end prints the header of an empty list, and what waits.
func (p *printer[R]) end() error {
	if p.JSON {
		return p.out.Flush()
	}
	if err := errors.Join(p.begin(), p.align()); err != nil {
		return err
	}
	p.csv.Flush()
	return errors.Join(p.csv.Error(), p.out.Flush())
}

// writeRow writes the cells with two spaces between columns, and nothing after the last cell.
func writeRow(out *bufio.Writer, row []string, widths []int) error {
	for i, text := range row {
		line := text + "\n"
		if i < len(row)-1 {
			line = text + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(text)+2)
		}
		if _, err := out.WriteString(line); err != nil {
			return err
		}
	}
	return nil
}

func writeJSON(out io.Writer, record any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(record)
}

// show prints one record: all its fields, one a line, or the form that is asked for.
func show[R any](f form, record R) error {
	if f.JSON || f.CSV {
		p := newPrinter[R](os.Stdout, f)
		return errors.Join(p.add(record), p.end())
	}
	out := bufio.NewWriter(os.Stdout)
	columns, width := columnsOf(reflect.TypeFor[R]()), 0
	for _, c := range columns {
		width = max(width, len(c.name))
	}
	for _, c := range columns {
		row := []string{
			strings.ReplaceAll(c.name, "_", " "), cell(reflect.ValueOf(record).FieldByIndex(c.index).Interface(), false),
		}
		if err := writeRow(out, row, []int{width, 0}); err != nil {
			return err
		}
	}
	return out.Flush()
}

// pageSize is how many records are read at once.
const pageSize = 100

// list prints all records of a list, page by page.
func list[T, R any](
	ctx context.Context, f form, page func(context.Context, domain.PageRequest) (domain.Page[T], error),
	convert func(T) R,
) error {
	p := newPrinter[R](os.Stdout, f)
	return finished(p, each(ctx, page, func(item T) error { return p.add(convert(item)) }))
}

// printAll prints a list that is in memory.
func printAll[T, R any](f form, items []T, convert func(T) R) error {
	p := newPrinter[R](os.Stdout, f)
	for _, item := range items {
		if err := p.add(convert(item)); err != nil {
			return err
		}
	}
	return p.end()
}

// finished ends a list, also one that broke off: what was read is printed. A list that failed
// before its first record prints nothing.
func finished[R any](p *printer[R], err error) error {
	if err != nil && !p.begun {
		return err
	}
	return errors.Join(err, p.end())
}

// each calls do for every item of all pages.
func each[T any](
	ctx context.Context, page func(context.Context, domain.PageRequest) (domain.Page[T], error), do func(T) error,
) error {
	for request := (domain.PageRequest{Size: pageSize}); ; {
		found, err := page(ctx, request)
		if err != nil {
			return err
		}
		for _, item := range found.Items {
			if err := do(item); err != nil {
				return err
			}
		}
		if found.Next == nil {
			return nil
		}
		request.Cursor = *found.Next
	}
}
