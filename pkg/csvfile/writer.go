package csvfile

import (
	"encoding/csv"
	"io"
)

// Writer writes a file that [Open] reads, and that a spreadsheet opens without taking a value for a
// formula.
type Writer struct{ rows *csv.Writer }

// NewWriter begins a file with its header. Output is buffered until Flush.
func NewWriter(file io.Writer, columns []string) (Writer, error) {
	w := Writer{csv.NewWriter(file)}
	return w, w.rows.Write(columns)
}

// Write adds a row. It changes the cells.
func (w Writer) Write(cells []string) error {
	for i := range cells {
		cells[i] = shieldCell(cells[i])
	}
	return w.rows.Write(cells)
}

// Flush writes the buffered output.
func (w Writer) Flush() error {
	w.rows.Flush()
	return w.rows.Error()
}
