package vault

import (
	"context"
	"io"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/vault/devicefile"
)

// Export writes the devices of a filter as a file that Import reads.
func (s *Devices) Export(ctx context.Context, filter domain.DeviceFilter, file io.Writer) error {
	writer, err := devicefile.NewWriter(file)
	if err != nil {
		return err
	}
	// The rows that are still buffered are dropped: a caller that has received nothing yet can be
	// sent the error.
	if err := s.each(ctx, filter, writer.Write); err != nil {
		return err
	}
	return writer.Flush()
}
