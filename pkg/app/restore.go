package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/chaveiro/chaveiro/pkg/pki"
	"github.com/chaveiro/chaveiro/pkg/seal"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// RestoreOptions say what is known of the time between the backup and now.
type RestoreOptions struct {
	SinceFrom    string   // the database of that time, a path or a URL; empty: the replaced database, if it can be read
	CRLs         []string // files of the last published CRLs
	RevokeIssued bool
	AcceptLoss   bool
}

// RestoreResult is the outcome of a restore.
type RestoreResult struct {
	Manifest Manifest // of the backup, when there was one
	Aside    string   // path of the replaced database; empty: there was none
	Damaged  error    // why the replaced database could not be read
	pki.Restored
}

// RestoreFile puts a backup in the place of the SQLite database, together with what was published
// since. On any failure the present database stays in place. It refuses while a server runs.
func RestoreFile(
	ctx context.Context, s StorageConfig, file string, o RestoreOptions, log *slog.Logger,
) (result RestoreResult, err error) {
	if store.EngineOf(s.Location()) == store.Postgres {
		return result,
			errors.New(
				"backups of PostgreSQL are restored by pg_restore, with the servers stopped; then run `chaveiro restore --accept`",
			)
	}
	if err := s.Validate(); err != nil {
		return result, err
	}
	keys, err := s.existingKeyring()
	if err != nil {
		return result, err
	}
	if result.Manifest, err = verifyBackup(ctx, file, keys); err != nil {
		return result, fmt.Errorf("%s can't be restored: %w", file, err)
	}
	move := newSwitch(s.Location())
	s.DatabaseURL = URL(move.location)
	if err := os.MkdirAll(filepath.Dir(s.Location()), 0o700); err != nil {
		return result, err
	}
	err = whileStopped([]StorageConfig{s}, func() error {
		if err := move.finish(); err != nil {
			return err
		}
		if result.Damaged, err = settlePresent(ctx, s.Location()); err != nil {
			return err
		}
		return replace(ctx, s, move, file, keys, o, log, &result)
	})
	return result, err
}

// whileStopped runs do while no server runs on these databases, and none can start. For PostgreSQL
// it does not know of servers.
func whileStopped(list []StorageConfig, do func() error) error {
	if len(list) == 0 {
		return do()
	}
	release, err := LockServer(list[0])
	if err != nil {
		return fmt.Errorf("stop the server first: %w", err)
	}
	return errors.Join(whileStopped(list[1:], do), release())
}

// settlePresent makes the present database one file, which also shows whether another process has
// it open. Any other failure is perhaps the reason for the restore, and is returned as damaged.
func settlePresent(ctx context.Context, location string) (damaged, err error) {
	if !exists(location) {
		return nil, nil
	}
	err = store.SettleSQLite(ctx, location)
	if errors.Is(err, store.ErrInUse) {
		return nil, fmt.Errorf("%s: %w: stop the server first", location, err)
	}
	if err == nil {
		err = store.CheckSQLite(ctx, location)
	}
	return err, nil
}

// verifyBackup checks that a file is a backup that this program can use with this master key.
func verifyBackup(ctx context.Context, file string, keys *seal.Keyring) (Manifest, error) {
	if _, err := os.Stat(file); err != nil {
		return Manifest{}, err
	}
	if info, err := os.Stat(file + "-wal"); err == nil && info.Size() > 0 {
		return Manifest{},
			fmt.Errorf("it is a database that somebody has open, or had: there is %s-wal beside it", file)
	}
	db, err := store.OpenStill(ctx, file)
	if err != nil {
		return Manifest{}, err
	}
	manifest, err := readManifest(ctx, db, keys)
	if err := errors.Join(err, db.Close()); err != nil {
		return manifest, err
	}
	return manifest, store.CheckSQLite(ctx, file)
}

func replace(
	ctx context.Context, s StorageConfig, move fileSwitch, file string, keys *seal.Keyring, o RestoreOptions,
	log *slog.Logger, result *RestoreResult,
) error {
	prepared := move.prepared()
	removePrepared(prepared)
	defer removePrepared(prepared)
	if err := copyFile(file, prepared); err != nil {
		return err
	}
	if err := store.RemoveManifest(ctx, prepared); err != nil {
		return err
	}
	lost := o.SinceFrom
	if lost == "" && exists(s.Location()) && result.Damaged == nil {
		if result.Damaged = readable(ctx, s.Location(), keys); result.Damaged == nil {
			lost = s.Location()
		}
	}
	origin := "backup of " + result.Manifest.MadeAt.Format(time.RFC3339)
	s.DatabaseURL = URL(prepared)
	restored, err := completeAt(ctx, s, keys, lost, origin, o, log)
	s.DatabaseURL = URL(move.location)
	if err != nil {
		return err
	}
	result.Restored = restored
	if err := finishPrepared(ctx, prepared); err != nil {
		return err
	}
	if exists(s.Location()) {
		result.Aside = s.Location() + ".before-restore-" + Now().Format("20060102T150405Z")
	}
	return move.begin(result.Aside)
}

func removePrepared(prepared string) {
	for _, part := range []string{"", "-wal", "-shm", "-journal", "-migrate"} {
		_ = os.Remove(prepared + part) // a file that stays is in nobody's way
	}
}

func finishPrepared(ctx context.Context, prepared string) error {
	if err := store.SettleSQLite(ctx, prepared); err != nil {
		return err
	}
	if err := store.CheckSQLite(ctx, prepared); err != nil {
		return err
	}
	return syncFile(prepared)
}

// completeAt migrates a database and completes it with what is known of the time since the backup.
func completeAt(
	ctx context.Context, s StorageConfig, keys *seal.Keyring, lost, origin string, o RestoreOptions, log *slog.Logger,
) (pki.Restored, error) {
	db, err := store.Open(ctx, s.Location())
	if err != nil {
		return pki.Restored{}, err
	}
	restored, err := complete(ctx, s, &Storage{Store: db, Keys: keys}, lost, origin, o, log)
	return restored, errors.Join(err, db.Close())
}

func complete(
	ctx context.Context, s StorageConfig, storage *Storage, lost, origin string, o RestoreOptions, log *slog.Logger,
) (pki.Restored, error) {
	if err := prepareSchema(ctx, storage.Store, false, log); err != nil {
		return pki.Restored{}, err
	}
	if _, err := adoptCopy(ctx, storage.Store, storage.Keys); err != nil {
		return pki.Restored{}, err
	}
	services, err := storage.Services(ctx, Config{}, log)
	if err != nil {
		return pki.Restored{}, err
	}
	since := pki.Since{Origin: origin, RevokeIssued: o.RevokeIssued, AcceptLoss: o.AcceptLoss}
	for _, path := range o.CRLs {
		list, err := os.ReadFile(path)
		if err != nil {
			return pki.Restored{}, err
		}
		since.CRLs = append(since.CRLs, list)
	}
	if err := addFloor(ctx, s, storage.Keys, o.AcceptLoss, &since); err != nil {
		return pki.Restored{}, err
	}
	if lost != "" {
		before, err := openLost(ctx, lost, storage.Keys)
		if err != nil {
			return pki.Restored{}, err
		}
		defer before.Close()
		since.Lost = before
	}
	return services.Restore.Complete(asCommand(ctx, "chaveiro restore"), since)
}

// addFloor adds the numbers of published CRLs that the floor knows. With this restore the
// incarnation of the floor ends.
func addFloor(ctx context.Context, s StorageConfig, keys *seal.Keyring, acceptLoss bool, since *pki.Since) error {
	floor, found, err := readFloor(s.floorFile(), keys)
	if err != nil && acceptLoss {
		return os.Remove(s.floorFile())
	}
	if err != nil || !found {
		return err
	}
	state, err := stateNow(ctx, s, keys)
	since.Ended, since.Numbers = []string{floor.Incarnation}, map[int64]int64{}
	for _, one := range state.CAs {
		for _, known := range floor.CAs {
			if known.is(one) {
				since.Numbers[one.ID] = known.CRLNumber
			}
		}
	}
	return err
}

// readable returns the reason why a database can't be read for what happened since the backup; nil
// means that it can.
func readable(ctx context.Context, location string, keys *seal.Keyring) error {
	db, err := openLost(ctx, location, keys)
	if err != nil {
		return err
	}
	return db.Close()
}

// openLost opens the database of the time since the backup. It must have this master key: a
// database of another key would tell nothing.
func openLost(ctx context.Context, location string, keys *seal.Keyring) (*store.Reading, error) {
	db, err := store.OpenReading(ctx, location)
	if err != nil {
		return nil, err
	}
	if _, err := readState(ctx, db, keys); err != nil {
		return nil, errors.Join(fmt.Errorf("the database before: %w", err), db.Close())
	}
	return db, nil
}

// copyFile copies to a new file that no other account can read.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
