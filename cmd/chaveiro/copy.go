package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/store"
)

type copyDatabase struct {
	app.StorageConfig
	From   string `required:"" placeholder:"DATABASE" help:"The database to copy: postgres://… or the path of an SQLite file."`
	To     string `required:"" placeholder:"DATABASE" help:"A new database: an SQLite file that does not exist, or a PostgreSQL database after migrate up."`
	Online bool   `help:"Copy although servers use the source: the changes that they make meanwhile are not in the copy."`
}

type copiedTable struct {
	Table  string `json:"table" table:"TABLE"`
	Rows   int64  `json:"rows" table:"ROWS"`
	Digest string `json:"digest" table:"DIGEST"`
}

func copiedTableOf(t store.CopiedTable) copiedTable { return copiedTable{t.Name, t.Rows, t.Digest} }

// Run copies the database.
func (c *copyDatabase) Run(ctx context.Context) error {
	c.MasterKey = masterKey()
	line := newRateLine(os.Stderr)
	options := app.CopyOptions{
		From: c.From, To: c.To, Online: c.Online,
		Show: func(p store.CopyProgress) { line.show(p.Step+" "+p.Table, p.Done, p.Total) },
	}
	result, err := app.Copy(ctx, c.StorageConfig, options, logger(slog.LevelWarn))
	line.end()
	if err != nil {
		return err
	}
	if err := printAll(form{}, result.Tables, copiedTableOf); err != nil {
		return err
	}
	for _, problem := range result.Audit.Problems {
		fmt.Println(problem)
	}
	fmt.Printf(
		"the copy is the same as the source; its audit has %d events, %d problems\n", result.Audit.Events,
		len(result.Audit.Problems),
	)
	if len(result.Audit.Problems) > 0 {
		return errAudit
	}
	return nil
}
