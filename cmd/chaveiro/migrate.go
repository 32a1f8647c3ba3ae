package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/store"
)

type migrate struct {
	Up     migrateUp     `cmd:"" help:"Apply the migrations that are missing."`
	Status migrateStatus `cmd:"" help:"List the migrations; fails when one is missing."`
}

type migrateUp struct{ app.Storage }

// Run applies what is missing.
func (c *migrateUp) Run(ctx context.Context) error {
	return withStore(ctx, c.Storage, func(db *store.Store) error {
		applied, err := db.MigrateUp(ctx)
		for _, name := range applied {
			fmt.Println("applied", name)
		}
		if err == nil && len(applied) == 0 {
			fmt.Println("up to date")
		}
		return err
	})
}

type migrateStatus struct{ app.Storage }

var errMissing = errors.New("migrations are missing")

// Run lists the migrations.
func (c *migrateStatus) Run(ctx context.Context) error {
	return withStore(ctx, c.Storage, func(db *store.Store) error {
		list, err := db.MigrateStatus(ctx)
		if err != nil {
			return err
		}
		var outcome error
		for _, m := range list {
			state := "applied"
			switch {
			case !m.Applied:
				state, outcome = "missing", errMissing
			case m.Name == "":
				m.Name, outcome = "by a newer version of the program", store.ErrNewerSchema
			}
			fmt.Printf("%05d %s %s\n", m.Version, state, m.Name)
		}
		return outcome
	})
}

func withStore(ctx context.Context, storage app.Storage, do func(*store.Store) error) error {
	db, err := app.OpenStore(ctx, storage)
	if err != nil {
		return err
	}
	return errors.Join(do(db), db.Close())
}
