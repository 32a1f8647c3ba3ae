package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/chaveiro/chaveiro/pkg/seal"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// Backup writes a backup of the SQLite database to a file, also while a server runs. The file
// appears complete and checked, or not at all. Backup makes no files in the data directory, and
// does not migrate. Without force it leaves an existing file alone.
func Backup(ctx context.Context, s StorageConfig, file string, force bool) (Manifest, error) {
	keys, err := existing(s)
	if err != nil {
		return Manifest{}, err
	}
	if store.EngineOf(s.Location()) == store.Postgres {
		return Manifest{},
			fmt.Errorf(
				"backups of PostgreSQL are made by its own programs, while the servers run: %s",
				dumpCommand(s.Location(), file),
			)
	}
	if _, err := os.Lstat(file); err == nil && !force {
		return Manifest{}, fmt.Errorf("%s exists: remove it, or say --force", file)
	}
	temporary, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".*.partial")
	if err != nil {
		return Manifest{}, err
	}
	defer os.Remove(temporary.Name())
	if err := temporary.Close(); err != nil {
		return Manifest{}, err
	}
	manifest, err := writeBackup(ctx, s.Location(), temporary.Name(), keys)
	if err != nil {
		return manifest, err
	}
	return manifest, publish(temporary.Name(), file, force)
}

// existing checks that there is a database, and reads its master key. It makes neither.
func existing(s StorageConfig) (*seal.Keyring, error) {
	if err := s.there(); err != nil {
		return nil, err
	}
	return s.existingKeyring()
}

// existingKeyring reads the master key, and makes none.
func (s StorageConfig) existingKeyring() (*seal.Keyring, error) {
	if s.MasterKey != "" {
		return s.keyringOfEnvironment()
	}
	text, err := os.ReadFile(s.masterKeyFile())
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	return s.protectedKeyring(s.masterKeyFile(), text)
}

func writeBackup(ctx context.Context, source, target string, keys *seal.Keyring) (Manifest, error) {
	if err := store.SnapshotSQLite(ctx, source, target); err != nil {
		return Manifest{}, fmt.Errorf("copy the database: %w", err)
	}
	manifest, err := stateOfFile(ctx, target, keys)
	if err != nil {
		return manifest, err
	}
	text, err := json.Marshal(manifest)
	if err == nil {
		err = store.WriteManifest(ctx, target, string(text))
	}
	if err == nil {
		err = store.CheckSQLite(ctx, target)
	}
	if err != nil {
		return manifest, err
	}
	return manifest, syncFile(target)
}

func stateOfFile(ctx context.Context, path string, keys *seal.Keyring) (Manifest, error) {
	db, err := store.OpenStill(ctx, path)
	if err != nil {
		return Manifest{}, err
	}
	state, err := readState(ctx, db, keys)
	prints, keyErr := neededPrints(ctx, db, keys)
	return Manifest{MadeAt: Now(), MasterKey: prints, State: state}, errors.Join(err, keyErr, db.Close())
}

// publish gives a file that is written and synced its name. Without force it replaces no other
// file.
func publish(temporary, file string, force bool) error {
	if force {
		if err := os.Rename(temporary, file); err != nil {
			return err
		}
		return syncDir(filepath.Dir(file))
	}
	if err := os.Link(temporary, file); err != nil && !errors.Is(err, fs.ErrExist) { // the file system has no links
		if _, exists := os.Lstat(file); exists == nil {
			return err
		}
		return errors.Join(os.Rename(temporary, file), syncDir(filepath.Dir(file)))
	} else if err != nil {
		return err
	}
	return syncDir(filepath.Dir(file))
}

func syncFile(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// libpqParameters are the parameters of a URL that the programs of PostgreSQL know, and that say
// where the server is and how to connect. The other parameters are for pools, and the programs
// refuse them.
var libpqParameters = []string{
	"host", "port", "dbname", "user", "sslmode", "sslrootcert", "sslcert", "sslkey", "target_session_attrs", "passfile",
	"service",
}

// dumpCommand is the command that makes a backup of a PostgreSQL database, without its password.
func dumpCommand(location, file string) string {
	return "pg_dump --format=custom --file=" + shellQuote(file) + " --dbname=" + shellQuote(plainURL(location))
}

func plainURL(location string) string {
	u, err := url.Parse(location)
	if err != nil {
		return "postgres://…"
	}
	query := url.Values{}
	for _, name := range libpqParameters {
		if u.Query().Has(name) {
			query.Set(name, u.Query().Get(name))
		}
	}
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	u.RawQuery, u.Fragment = query.Encode(), ""
	return u.String()
}
