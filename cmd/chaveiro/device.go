package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
	"github.com/chaveiro/chaveiro/pkg/vault"
)

type device struct {
	Import deviceImport `cmd:"" help:"Create and update devices from a CSV file."`
	Export deviceExport `cmd:"" help:"Print all devices as a CSV file that can be imported again."`
}

type deviceImport struct {
	app.StorageConfig
	File    string `arg:"" help:"The file, with the names of the columns in its first row; - is the standard input."`
	Partial bool   `help:"Store the valid rows when others have faults; without this flag all rows are stored or none."`
}

var errRows = errors.New("not all rows were stored")

// Run imports the file.
func (c *deviceImport) Run(ctx context.Context) error {
	file := os.Stdin
	if c.File != "-" {
		var err error
		if file, err = os.Open(c.File); err != nil {
			return err
		}
		defer file.Close()
	}
	return command(ctx, c.StorageConfig, "device import", func(ctx context.Context, s *service.Services) error {
		return importDevices(ctx, s.Devices, file, !c.Partial)
	})
}

func importDevices(ctx context.Context, devices *vault.Devices, file io.Reader, atomic bool) error {
	result, err := devices.Import(ctx, file, atomic)
	if err != nil && result.Created+result.Updated+result.Unchanged == 0 {
		return err
	}
	for _, row := range result.Faults {
		fmt.Fprintln(os.Stderr, plain(row.Err))
	}
	fmt.Printf(
		"%d created, %d updated, %d unchanged, %d at fault\n", result.Created, result.Updated, result.Unchanged,
		result.Failed,
	)
	if err == nil && result.Failed > 0 {
		err = errRows
	}
	return err
}

type deviceExport struct{ app.StorageConfig }

// Run prints the devices.
func (c *deviceExport) Run(ctx context.Context) error {
	return command(ctx, c.StorageConfig, "device export", func(ctx context.Context, s *service.Services) error {
		return s.Devices.Export(ctx, domain.DeviceFilter{}, os.Stdout)
	})
}
