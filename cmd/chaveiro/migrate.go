package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/store"
)

type migrate struct {
	Up     migrateUp     `cmd:"" help:"Apply the missing migrations; makes the database when there is none."`
	Status migrateStatus `cmd:"" help:"List the migrations; fails when one is missing."`
}

type migrateUp struct {
	app.StorageConfig
	NewDatabase bool `name:"new-database" help:"Make a new database although the master key is there from an earlier one."`
}

// Run applies the missing migrations.
func (c *migrateUp) Run(ctx context.Context) error {
	c.Anew, c.MasterKey = c.NewDatabase, masterKey()
	return withStore(ctx, c.StorageConfig, app.MakeStore, func(db *store.Store) error {
		applied, err := db.MigrateUpTelling(ctx, tellProgress)
		if err == nil && len(applied) == 0 {
			fmt.Println("up to date")
		}
		return err
	})
}

// tellProgress prints a line for each migration, and for each time that one waits.
func tellProgress(p store.Progress) {
	if p.Name == "" {
		fmt.Printf("waiting for a lock, try %d: a transaction of somebody else is in the way of migration %d of %d\n",
			p.Try, p.Done+1, p.Total)
		return
	}
	fmt.Printf("applied %s (%d of %d, %s)\n", p.Name, p.Done, p.Total, p.Took.Round(time.Millisecond))
}

type migrateStatus struct {
	app.StorageConfig
	form
}

type migration struct {
	Version int64  `json:"version" table:"VERSION"`
	State   string `json:"state" table:"STATE"`
	Name    string `json:"name" table:"NAME"`
}

var errMissing = errors.New("migrations are missing")

// Run lists the migrations.
func (c *migrateStatus) Run(ctx context.Context) error {
	return withStore(ctx, c.StorageConfig, app.OpenStore, func(db *store.Store) error {
		list, err := db.MigrateStatus(ctx)
		if err != nil {
			return err
		}
		schema, err := db.Schema(ctx)
		if err != nil {
			return err
		}
		outcome := schema.Fault()
		if schema.Missing > 0 && !errors.Is(outcome, store.ErrNewerSchema) {
			outcome = errMissing
		}
		for i, m := range list {
			if m.Name == "" {
				list[i].Name = "by a newer version of the program"
			}
		}
		return errors.Join(printAll(c.form, list, migrationOf), outcome)
	})
}

func migrationOf(m store.Migration) migration {
	state := "applied"
	if !m.Applied {
		state = "missing"
	}
	return migration{m.Version, state, m.Name}
}

func withStore(
	ctx context.Context, storage app.StorageConfig, open func(context.Context, app.StorageConfig) (*store.Store, error),
	do func(*store.Store) error,
) error {
	db, err := open(ctx, storage)
	if err != nil {
		return err
	}
	return errors.Join(do(db), db.Close())
}
