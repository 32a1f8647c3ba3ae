package devicefile

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Writer writes devices as a file that [Open] reads, and that a spreadsheet opens without taking a
// value for a formula.
type Writer struct{ rows *csv.Writer }

// NewWriter begins a file with its header. Output is buffered until Flush.
func NewWriter(file io.Writer) (Writer, error) {
	w := Writer{csv.NewWriter(file)}
	return w, w.rows.Write(allColumns)
}

// Write adds a device.
func (w Writer) Write(d domain.Device) error {
	cells := []string{
		d.Hostname, d.IP, d.Model, d.Type, d.Vendor, d.Site, strings.Join(d.Domains, ","), strings.Join(d.Tags, ","),
		domain.FormatConnectivities(d.Connectivities), domain.FormatRemote(d.Remote), strconv.FormatBool(d.Enabled),
	}
	for i := range cells {
		cells[i] = ShieldCell(cells[i])
	}
	return w.rows.Write(cells)
}

// Flush writes the buffered output.
func (w Writer) Flush() error {
	w.rows.Flush()
	return w.rows.Error()
}
