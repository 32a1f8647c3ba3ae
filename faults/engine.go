package main

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"
)

// engine is what the servers of a campaign keep their rows in.
type engine string

const (
	postgres engine = "postgres"
	sqlite   engine = "sqlite"
)

// engines are both, in the order in which they have their campaigns.
var engines = []engine{postgres, sqlite}

// home is the directory of the only server that an SQLite file can have, on a disk of its own.
type home struct {
	root   string
	disk   *disk // nil: its root is a directory like any other
	noDisk error // why there is no small disk
}

func newHome(dir string) *home {
	h := &home{root: filepath.Join(dir, "home")}
	if h.disk, h.noDisk = newDisk(h.root); h.noDisk != nil {
		h.disk = nil
	}
	return h
}

func (h *home) data() string { return filepath.Join(h.root, "data") }

func (h *home) close() error {
	if h.disk == nil {
		return nil
	}
	return h.disk.remove()
}

// noDisk says why there are no disks to fill; nil: there are.
func (c *campaign) noDisk() error {
	if c.home != nil {
		return c.home.noDisk
	}
	return c.database.noDisk
}

// openStored opens the database beside the servers, to read what is stored.
func (c *campaign) openStored(ctx context.Context) (*sql.DB, error) {
	driver, location := "sqlite", ""
	if c.home != nil {
		location = "file:" + filepath.Join(c.home.data(), "chaveiro.db") + "?_pragma=busy_timeout(10000)"
	} else {
		driver, location = "pgx", c.database.direct()
	}
	db, err := sql.Open(driver, location)
	if err != nil {
		return nil, err
	}
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// column reads a statement of one column.
func column[T any](ctx context.Context, db *sql.DB, statement string) (list []T, err error) {
	rows, err := db.QueryContext(ctx, statement)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var one T
		if err := rows.Scan(&one); err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, rows.Err()
}
