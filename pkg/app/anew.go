package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/chaveiro/chaveiro/pkg/store"
)

// ErrNoDatabase says that there is no database where one must be. Nothing was made.
var ErrNoDatabase = errors.New("there is no database")

// requireDatabase fails with [ErrNoDatabase] when the SQLite file is missing or empty.
func (s StorageConfig) requireDatabase() error {
	if store.EngineOf(s.Location()) != store.SQLite {
		return nil
	}
	info, err := os.Stat(s.Location())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err != nil || info.Size() == 0 {
		return s.noDatabase()
	}
	return nil
}

func (s StorageConfig) noDatabase() error {
	return fmt.Errorf(
		"%w at %s: start the server or run `chaveiro migrate up` to make one", ErrNoDatabase, s.Location(),
	)
}

// finishRestore completes a restore that was interrupted before the new file had taken the place of
// the old one.
func (s StorageConfig) finishRestore() error {
	if store.EngineOf(s.Location()) != store.SQLite {
		return nil
	}
	if err := newSwitch(s.Location()).finish(); err != nil {
		return fmt.Errorf("finish the restore of %s: %w", s.Location(), err)
	}
	return nil
}

// makeDirectory makes the directory of an SQLite file, and the file before SQLite does, readable by
// no other account. For PostgreSQL it makes nothing.
func (s StorageConfig) makeDirectory() error {
	if store.EngineOf(s.Location()) != store.SQLite {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(s.Location()), 0o700); err != nil {
		return err
	}
	return protect(s.Location())
}

// keyWithoutDatabase is the refusal to make a new database where one has been. A master key that is
// in the data directory before the database was made for a database that is lost. A key that is
// given by its path or in the environment may be new as well.
type keyWithoutDatabase struct {
	keyFile, location string
	there             bool
}

// lookForKey looks whether the master key is there. It must be called before the database is looked
// at: of two processes that start for the first time at once, one may make the schema and the key,
// in this order, while the other looks.
func (s StorageConfig) lookForKey() keyWithoutDatabase {
	k := keyWithoutDatabase{keyFile: s.masterKeyFile(), location: redactURL(s.Location())}
	if s.MasterKey == "" && s.MasterKeyFile == "" && !s.Anew {
		_, err := os.Stat(k.keyFile)
		k.there = err == nil
	}
	return k
}

// refuse returns an error if there is a key but no database, or an empty one.
func (k keyWithoutDatabase) refuse(missing bool) error {
	if !k.there || !missing {
		return nil
	}
	return fmt.Errorf("the master key %s is there, but its database %s is gone or empty: put the database back, or begin a new one with --new-database",
		k.keyFile, k.location)
}

// MakeStore opens the database, and makes an SQLite file that is missing. It makes none beside an
// existing master key, unless s.Anew is set.
func MakeStore(ctx context.Context, s StorageConfig) (*store.Store, error) {
	if err := errors.Join(s.Validate(), s.finishRestore()); err != nil {
		return nil, err
	}
	key := s.lookForKey()
	if err := key.refuse(errors.Is(s.requireDatabase(), ErrNoDatabase)); err != nil {
		return nil, err
	}
	if err := s.makeDirectory(); err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, s.Location())
	if err != nil {
		return nil, err
	}
	schema, err := db.Schema(ctx)
	if err := errors.Join(err, key.refuse(schema.Empty)); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// there checks, in this order, what must hold for a database that is opened and not made.
func (s StorageConfig) there() error {
	if err := errors.Join(s.Validate(), s.finishRestore()); err != nil {
		return err
	}
	return s.requireDatabase()
}

// OpenStore opens an existing database. Otherwise it fails with [ErrNoDatabase] and makes nothing.
func OpenStore(ctx context.Context, s StorageConfig) (*store.Store, error) {
	if err := s.there(); err != nil {
		return nil, err
	}
	db, err := store.Open(ctx, s.Location())
	if err != nil {
		return nil, err
	}
	schema, err := db.Schema(ctx)
	if err == nil && schema.Empty && db.Engine() == store.SQLite {
		err = s.noDatabase()
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// tellNew logs that a new database begins. It warns when a master key was given: there may have
// been another database for it.
func tellNew(ctx context.Context, s StorageConfig, db *store.Store, log *slog.Logger) error {
	schema, err := db.Schema(ctx)
	if err != nil || !schema.Empty {
		return err
	}
	if _, err := os.Stat(s.masterKeyFile()); err == nil || s.MasterKey != "" {
		log.WarnContext(
			ctx,
			"a new database begins for a given master key: if that key had an earlier database, it is not this one",
		)
		return nil
	}
	log.InfoContext(ctx, "a new database begins")
	return nil
}
