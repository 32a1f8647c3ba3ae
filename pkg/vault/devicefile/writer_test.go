package devicefile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// TestWriter: what is written is read back unchanged, including values that a spreadsheet would
// execute.
func TestWriter(t *testing.T) {
	t.Parallel()
	device := domain.Device{
		Hostname: "=cmd", IP: "10.0.0.1", Model: "-1", Type: "'+x", Vendor: `a "b", c`, Site: "@São Paulo",
		Domains: []string{"corp.example.com"},
		Tags:    []string{"=one", "two"}, Connectivities: []domain.Connectivity{{Type: "SSH", Port: 22}},
		Enabled: false,
	}
	var text strings.Builder
	writer, err := NewWriter(&text)
	if err == nil {
		err = writer.Write(device)
	}
	if err == nil {
		err = writer.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	file, err := Open([]byte(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	var got []domain.Device
	err = file.Rows(func(row Row) error {
		read := domain.Device{Domains: row.Plan.Domains, Enabled: true}
		row.Plan.Apply(&read)
		got = append(got, read)
		return row.Err
	})
	device.Remote = []domain.RemoteExpression{} // an empty column clears the field
	if diff := cmp.Diff([]domain.Device{device}, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
}
