package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/seal"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// CopyOptions say what is copied, and where to. Both databases have the master key of
// StorageConfig.
type CopyOptions struct {
	From, To string // postgres://… or the path of an SQLite file
	Online   bool   // also while servers use the source
	Show     func(store.CopyProgress)
}

// CopyResult is what a copy contains.
type CopyResult struct {
	Tables []store.CopiedTable
	Audit  audit.Report
}

// Copy copies a database to a new one, between any two engines, and checks the copy: each table
// against the source, the audit, and that the master key opens what is sealed. It makes a target
// that is a new SQLite file.
func Copy(ctx context.Context, s StorageConfig, o CopyOptions, log *slog.Logger) (result CopyResult, err error) {
	from, to := s, s
	from.DatabaseURL, to.DatabaseURL = URL(o.From), URL(o.To)
	if o.From == o.To {
		return result, errors.New("source and target are the same database")
	}
	keys, err := existing(from)
	if err != nil {
		return result, fmt.Errorf("the source: %w", err)
	}
	if err := checkSource(ctx, from, keys, o.Online); err != nil {
		return result, fmt.Errorf("the source: %w", err)
	}
	if err := to.makeDirectory(); err != nil {
		return result, fmt.Errorf("the target: %w", err)
	}
	stopped := []StorageConfig{to}
	if !o.Online {
		stopped = append(stopped, from)
	}
	err = whileStopped(stopped, func() error { return result.make(ctx, from, to, keys, o.Show, log) })
	return result, err
}

// make makes the copy and checks it.
func (result *CopyResult) make(
	ctx context.Context, from, to StorageConfig, keys *seal.Keyring, show func(store.CopyProgress), log *slog.Logger,
) (err error) {
	if err := prepareTarget(ctx, to, log); err != nil {
		return fmt.Errorf("the target: %w", err)
	}
	if result.Tables, err = store.Copy(ctx, from.Location(), to.Location(), Now(), show); err != nil {
		return err
	}
	result.Audit, err = checkCopy(ctx, to, keys, string(store.EngineOf(from.Location())), log)
	return err
}

// checkSource checks the schema and the master key, and that no server uses the source: changes
// made meanwhile would not be in the copy.
func checkSource(ctx context.Context, from StorageConfig, keys *seal.Keyring, online bool) error {
	db, err := store.OpenReading(ctx, from.Location())
	if err != nil {
		return err
	}
	state, err := readState(ctx, db, keys)
	if err == nil && state.Schema != store.NewestSchema() {
		err = fmt.Errorf(
			"its schema is %d, and this program's is %d: run `chaveiro migrate up` on it first", state.Schema,
			store.NewestSchema(),
		)
	}
	users := 0
	if err == nil && !online {
		users, err = db.Users(ctx)
	}
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	if users > 0 {
		return fmt.Errorf(
			"servers are connected to it (%d connections): stop them, or pass --online; then the changes that they make meanwhile are not in the copy", users,
		)
	}
	return nil
}

// prepareTarget migrates an SQLite file, and checks that a PostgreSQL database is migrated.
func prepareTarget(ctx context.Context, to StorageConfig, log *slog.Logger) error {
	to.Anew = true // the master key is the source's
	db, err := MakeStore(ctx, to)
	if err != nil {
		return err
	}
	return errors.Join(prepareSchema(ctx, db, false, log), db.Close())
}

// checkCopy checks the copy as a server would use it, and records the copy in its audit.
func checkCopy(
	ctx context.Context, to StorageConfig, keys *seal.Keyring, origin string, log *slog.Logger,
) (report audit.Report, err error) {
	db, err := OpenStore(ctx, to)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	storage, err := adoptCopy(ctx, db, keys)
	if err != nil {
		return report, err
	}
	services, err := storage.Services(ctx, Config{}, log)
	if err != nil {
		return report, err
	}
	if err := services.Restore.OpenAll(ctx); err != nil {
		return report, fmt.Errorf("the copy: %w", err)
	}
	if report, err = services.Audit.Verify(ctx); err != nil {
		return report, err
	}
	return report, services.Restore.Copied(asCommand(ctx, "chaveiro copy"), origin)
}
