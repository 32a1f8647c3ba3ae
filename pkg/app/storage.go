package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
	"unicode"

	"github.com/chaveiro/chaveiro/pkg/kms"
	"github.com/chaveiro/chaveiro/pkg/masterkey"
	"github.com/chaveiro/chaveiro/pkg/seal"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// Storage is the opened storage: the database and the master key.
type Storage struct {
	Store *store.Store
	Keys  *seal.Keyring
	// KeyStores are the tokens and vaults in which keys of CAs may be.
	KeyStores *kms.Stores
}

// Close closes the database, and leaves the key stores.
func (v *Storage) Close() error { return errors.Join(v.KeyStores.Close(), v.Store.Close()) }

// adoptCopy is adopted for a database that is a copy or of an earlier time: the servers that ran on
// the other one do not run on it.
func adoptCopy(ctx context.Context, db *store.Store, keys *seal.Keyring) (*Storage, error) {
	storage, err := adopted(ctx, db, keys)
	if err != nil {
		return nil, err
	}
	return storage, db.MasterKeys().ReleaseAll(ctx)
}

// Now is the clock: UTC with the precision that both databases keep.
func Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// protect makes the SQLite file before SQLite does, readable by no other account.
func protect(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("SQLite file: %w", err)
	}
	return file.Close()
}

// OpenStorage opens the database, migrates it, and reads the master key. It makes an SQLite file
// that is missing. It always migrates SQLite, and PostgreSQL only if migrate is set. The caller
// closes Store.
func OpenStorage(ctx context.Context, s StorageConfig, migrate bool, log *slog.Logger) (*Storage, error) {
	return openStorageBy(ctx, MakeStore, s, migrate, log)
}

func openStorageBy(
	ctx context.Context, open func(context.Context, StorageConfig) (*store.Store, error), s StorageConfig, migrate bool,
	log *slog.Logger,
) (*Storage, error) {
	db, err := open(ctx, s)
	if err != nil {
		return nil, err
	}
	storage, err := openStorage(ctx, s, db, migrate, log)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return storage, nil
}

func openStorage(
	ctx context.Context, s StorageConfig, db *store.Store, migrate bool, log *slog.Logger,
) (*Storage, error) {
	if err := tellNew(ctx, s, db, log); err != nil {
		return nil, err
	}
	if err := prepareSchema(ctx, db, migrate, log); err != nil {
		return nil, err
	}
	keys, err := openKeyring(ctx, s, db)
	if err != nil {
		return nil, err
	}
	storage, err := adopted(ctx, db, keys)
	if err == nil {
		storage.KeyStores, err = s.openKeyStores()
	}
	return storage, err
}

// adopted is the storage of a database and its master key, of which the version seals that the
// database says.
func adopted(ctx context.Context, db *store.Store, keys *seal.Keyring) (*Storage, error) {
	if err := masterkey.Adopt(ctx, db, keys, Now()); err != nil {
		return nil, err
	}
	return &Storage{Store: db, Keys: keys}, nil
}

func prepareSchema(ctx context.Context, db *store.Store, migrate bool, log *slog.Logger) error {
	if migrate || db.Engine() == store.SQLite {
		applied, err := db.MigrateUp(ctx)
		for _, name := range applied {
			log.InfoContext(ctx, "migration applied", "name", name)
		}
		return err
	}
	schema, err := db.Schema(ctx)
	return errors.Join(err, schema.Fault())
}

// openKeyring reads the master key from the environment or its file. The file is made only for a
// database that holds nothing sealed: a new key could not open what an earlier one has sealed. The
// database is asked first, because another process may be making both at this moment, the key file
// before what the key seals.
func openKeyring(ctx context.Context, s StorageConfig, db *store.Store) (*seal.Keyring, error) {
	if s.MasterKey != "" {
		return s.keyringOfEnvironment()
	}
	used, err := db.Secrets().Any(ctx)
	if err != nil {
		return nil, err
	}
	path := s.masterKeyFile()
	text, err := os.ReadFile(path)
	switch {
	case err == nil:
		return s.protectedKeyring(path, text)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("master key: %w", err)
	case used:
		return nil, fmt.Errorf("the master key %s is missing, and the database was sealed with it", path)
	}
	return s.makeKeyring(path)
}

// protectedKeyring refuses a key that other accounts on the machine can read.
func (s StorageConfig) protectedKeyring(path string, text []byte) (*seal.Keyring, error) {
	if err := checkProtected(path); err != nil {
		return nil, err
	}
	return s.parseKeyring(path, text)
}

func checkProtected(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("master key: %w", err)
	}
	if mode := info.Mode().Perm(); mode&^0o600 != 0 && runtime.GOOS != "windows" {
		return fmt.Errorf(
			"the master key has the mode %04o, so that others may read it: chmod 600 %s", mode, shellQuote(path),
		)
	}
	return nil
}

// shellQuote writes a path so that a shell reads it as it is.
func shellQuote(path string) string {
	if !strings.ContainsFunc(path, func(r rune) bool {
		return !strings.ContainsRune("/._-", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}) {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

// keyringOfEnvironment reads the master key of the environment.
func (s StorageConfig) keyringOfEnvironment() (*seal.Keyring, error) {
	return s.parseKeyring("CHAVEIRO_MASTER_KEY", s.environmentKey())
}

// environmentKey is the text of the master key of the environment. Where that can hold no line
// breaks, a comma is between two keys; in a wrapped one it may be part of a URI.
func (s StorageConfig) environmentKey() []byte {
	if kms.IsWrapped([]byte(s.MasterKey)) {
		return []byte(s.MasterKey)
	}
	return []byte(strings.ReplaceAll(s.MasterKey, ",", "\n"))
}

func (s StorageConfig) parseKeyring(origin string, text []byte) (*seal.Keyring, error) {
	plain, err := s.plainKey(text)
	if err != nil {
		return nil, fmt.Errorf("master key %s: %w", origin, err)
	}
	keys, err := seal.ParseKeyring(plain)
	if err != nil {
		return nil, fmt.Errorf("master key %s: %w", origin, err)
	}
	return keys, nil
}

// makeKeyring makes the master key file. The file appears complete or not at all. Of two processes
// one makes it, and both read it.
func (s StorageConfig) makeKeyring(path string) (*seal.Keyring, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	_, text := seal.GenerateKeyring()
	if err := writeOnce(path, text); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("write the master key: %w", err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	return s.parseKeyring(path, text)
}

// writeOnce writes a file of mode 0600 and syncs it to disk; it fails with fs.ErrExist when the
// file is there.
func writeOnce(path string, text []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), ".master-*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	_, writeErr := temporary.Write(text)
	if err := errors.Join(writeErr, temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	if err := os.Link(temporary.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
