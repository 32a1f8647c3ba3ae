package service

import (
	"context"
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Export writes the devices of a filter as a file that Import reads, and that a spreadsheet opens without taking a value for a formula.
func (s *Devices) Export(ctx context.Context, filter domain.DeviceFilter, file io.Writer) error {
	writer := csv.NewWriter(file)
	if err := writer.Write(allColumns); err != nil {
		return err
	}
	err := s.each(ctx, filter, func(d domain.Device) error {
		cells := []string{
			d.Hostname, d.IP, d.Model, d.Type, d.Vendor, d.Site, strings.Join(d.Domains, ","), strings.Join(d.Tags, ","),
			domain.FormatConnectivities(d.Connectivities), domain.FormatRemote(d.Remote), strconv.FormatBool(d.Enabled),
		}
		for i := range cells {
			cells[i] = shieldCell(cells[i])
		}
		return writer.Write(cells)
	})
	if err != nil { // what is not written yet stays unwritten: who has got nothing can be told
		return err
	}
	writer.Flush()
	return writer.Error()
}
