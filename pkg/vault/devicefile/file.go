package devicefile

import (
	"slices"

	"github.com/chaveiro/chaveiro/pkg/csvfile"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// columns are the columns of a file of devices. Their names are those of the vendor's fields,
// except for enabled.
var columns = csvfile.Columns{
	Required: []string{"hostname", "ip", "model", "type", "vendor", "site"},
	Optional: []string{"device_domain", "device_tags", "connectivities", "session_remote_config", "enabled"},
}

// File is a file of devices whose header was read.
type File struct{ *csvfile.File }

// Row is a row of a file. Err joins the faults of its cells.
type Row struct {
	Number, Line int // row 1 is the first after the header; line 1 is the first of the file
	Plan         domain.DevicePlan
	Err          error
}

// Open reads the header. Errors: those of [csvfile.Open].
func Open(raw []byte) (*File, error) {
	file, err := csvfile.Open(raw, columns)
	if err != nil {
		return nil, err
	}
	return &File{file}, nil
}

// Rows calls fn with each row that is not blank, and stops at the first error of fn. Errors: also
// Malformed with ReasonQuote.
func (f *File) Rows(fn func(Row) error) error {
	return f.File.Rows(func(read csvfile.Row) error {
		row := Row{Number: read.Number, Line: read.Line, Err: read.Err}
		if row.Err == nil {
			row.Plan, row.Err = spec(read).Plan()
		}
		return fn(row)
	})
}

func spec(row csvfile.Row) domain.DeviceSpec {
	return domain.DeviceSpec{
		Hostname: row.Text("hostname"), IP: row.Text("ip"), Model: row.Text("model"), Type: row.Text("type"),
		Vendor: row.Text("vendor"), Site: row.Text("site"), Domains: row.Optional("device_domain"),
		Tags: row.Optional("device_tags"), Connectivities: row.Optional("connectivities"),
		Remote: row.Optional("session_remote_config"), Enabled: row.Optional("enabled"),
	}
}

// allColumns are the columns of a file that is written.
var allColumns = slices.Concat(columns.Required, columns.Optional)
