package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type clientImport struct {
	issuingFlags
	form
	CA      string `name:"ca" placeholder:"CA" help:"CA of all rows, whatever they say: its name or id."`
	DryRun  bool   `help:"Print what would become of each row, and change nothing."`
	Partial bool   `help:"Store the good rows when others are at fault; without this flag all rows are stored or none."`
	File    string `arg:"" help:"The CSV file, with the names of the columns in its first row, as of an export; - is the standard input."`
}

// Run imports the file.
func (c *clientImport) Run(ctx context.Context) error {
	text, err := c.read()
	if err != nil {
		return err
	}
	return issuing(ctx, c.issuingFlags, "client import", func(ctx context.Context, s *service.Services) error {
		ca, err := optionalCA(ctx, s, c.CA)
		if err != nil {
			return err
		}
		return c.store(ctx, s, ca, text)
	})
}

func (c *clientImport) read() ([]byte, error) {
	if c.File == "-" {
		return readAll(os.Stdin, "the standard input")
	}
	return readInput(c.File)
}

// store imports the rows, and prints what became of each. When faults keep all from being stored,
// it prints the rows at fault.
func (c *clientImport) store(ctx context.Context, s *service.Services, ca int64, text []byte) error {
	read := func(ctx context.Context, each bool) (domain.ImportedClients, error) {
		return s.Clients.ImportFile(ctx, bytes.NewReader(text), domain.ClientFile{CAID: ca, Each: each}, nil)
	}
	origin := domain.OriginOf(ctx)
	origin.DryRun = true
	dry := domain.WithOrigin(ctx, origin)
	if c.DryRun {
		rows, err := read(dry, true)
		if err != nil {
			return err
		}
		return c.tell(rows, "would be created", errNotImported)
	}
	rows, err := read(ctx, c.Partial)
	if err == nil {
		return c.tell(rows, "created", errNotAllStored)
	}
	if c.Partial || len(domain.Faults(err)) == 0 {
		return err
	}
	all, failed := read(dry, true)
	if failed != nil || all.Count(domain.RowFailed) == 0 { // it is a fault of the file as a whole
		return err
	}
	var bad domain.ImportedClients
	for _, row := range all {
		if row.Outcome == domain.RowFailed {
			bad = append(bad, row)
		}
	}
	return c.tell(bad, "created", errNotImported)
}

// importedRecord is a row of the report.
type importedRecord struct {
	Row        int    `json:"row" table:"ROW"`
	Line       int    `json:"line" table:"LINE"`
	Outcome    string `json:"outcome" table:"OUTCOME"`
	Name       string `json:"name" table:"NAME"`
	ID         int64  `json:"id"`
	Serial     string `json:"serial" table:"SERIAL"`
	ExpiryDate stamp  `json:"expiry_date" table:"EXPIRES"`
	Why        string `json:"why" table:"WHY"`
}

func importedRecordOf(row domain.ImportedRow) importedRecord {
	record := importedRecord{
		Row: row.Row, Line: row.Line, Outcome: string(row.Outcome), Name: row.Name, ID: row.Client.ID,
		Serial: row.Client.Serial, ExpiryDate: stamp(row.Client.ExpiresAt),
	}
	if row.Err != nil {
		record.Why = strings.ReplaceAll(plain(domain.AtLine(0, row.Err)).Error(), "\n", ", ")
	}
	return record
}

// tell prints the report. It returns atFault if rows are at fault.
func (c *clientImport) tell(rows domain.ImportedClients, done string, atFault error) error {
	if err := printAll(c.form, rows, importedRecordOf); err != nil {
		return err
	}
	failed := rows.Count(domain.RowFailed)
	if !c.JSON && !c.CSV {
		fmt.Printf(
			"%d %s, %d unchanged, %d skipped, %d at fault\n", rows.Count(domain.RowCreated), done,
			rows.Count(domain.RowUnchanged), rows.Count(domain.RowSkipped), failed,
		)
	}
	switch {
	case failed == 0:
		return nil
	case c.Partial:
		return errNotAllStored
	}
	return atFault
}
