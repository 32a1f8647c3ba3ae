package devicefile

import (
	"io"
	"strconv"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/csvfile"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Writer writes devices as a file that [Open] reads.
type Writer struct{ rows csvfile.Writer }

// NewWriter begins a file with its header. Output is buffered until Flush.
func NewWriter(file io.Writer) (Writer, error) {
	rows, err := csvfile.NewWriter(file, allColumns)
	return Writer{rows}, err
}

// Write adds a device.
func (w Writer) Write(d domain.Device) error {
	return w.rows.Write([]string{
		d.Hostname, d.IP, d.Model, d.Type, d.Vendor, d.Site, strings.Join(d.Domains, ","), strings.Join(d.Tags, ","),
		domain.FormatConnectivities(d.Connectivities), domain.FormatRemote(d.Remote), strconv.FormatBool(d.Enabled),
	})
}

// Flush writes the buffered output.
func (w Writer) Flush() error { return w.rows.Flush() }
