package main

import (
	"cmp"
	"context"
	"slices"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/store"
)

type databaseCommands struct {
	Sizes databaseSizes `cmd:"" help:"Print how many rows and octets the tables have, the largest first."`
}

type databaseSizes struct {
	app.StorageConfig
	form
	Exact bool `help:"Count all rows, and with SQLite read the whole file; without, rows are an estimate."`
}

// tableRecord is a table as it is printed. The whole database is in the last row.
type tableRecord struct {
	Table string `json:"table" table:"TABLE"`
	Rows  *int64 `json:"rows" table:"ROWS"`
	Bytes *int64 `json:"bytes" table:"BYTES"`
}

// wholeDatabase and freeSpace name the rows that are of no table.
const (
	wholeDatabase = "(database)"
	freeSpace     = "(free)"
)

// Run prints the sizes. Nothing is changed.
func (c *databaseSizes) Run(ctx context.Context) error {
	return withStore(ctx, c.StorageConfig, app.OpenStore, func(db *store.Store) error {
		size, err := db.Censuses().Size(ctx, c.Exact)
		if err != nil {
			return err
		}
		slices.SortStableFunc(size.Tables, func(a, b domain.TableSize) int {
			return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(b.Rows, a.Rows))
		})
		all := append(size.Tables, domain.TableSize{Name: wholeDatabase, Rows: -1, Bytes: size.Bytes})
		if size.Free >= 0 {
			all = append(all, domain.TableSize{Name: freeSpace, Rows: -1, Bytes: size.Free})
		}
		return printAll(c.form, all, tableRecordOf)
	})
}

func tableRecordOf(t domain.TableSize) tableRecord {
	return tableRecord{t.Name, knownSize(t.Rows), knownSize(t.Bytes)}
}

// knownSize is nil for what is not known.
func knownSize(n int64) *int64 {
	if n < 0 {
		return nil
	}
	return &n
}
