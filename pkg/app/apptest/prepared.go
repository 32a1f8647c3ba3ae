package apptest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// prepared is a data directory in which `migrate up` has made an SQLite database.
var prepared struct {
	once sync.Once
	dir  string
	err  error
}

// Prepared returns a data directory with an empty database and its master key, as `migrate up` has
// made them. The program runs once in a test binary; every call copies its files, so all copies
// have the same key.
func Prepared(t testing.TB) Options {
	t.Helper()
	binary := Binary(t)
	prepared.once.Do(func() {
		prepared.dir = filepath.Join(built.dir, "prepared")
		prepared.err = Migrate(binary, Options{DataDir: prepared.dir})
	})
	if prepared.err != nil {
		t.Fatal(prepared.err)
	}
	o := Options{DataDir: filepath.Join(t.TempDir(), "data")}
	if err := copyFiles(o.DataDir, prepared.dir); err != nil {
		t.Fatal(err)
	}
	return o
}

// copyFiles makes a directory with the files of another. They are for their owner alone, for the
// program refuses a master key that others may read.
func copyFiles(to, from string) error {
	files, err := os.ReadDir(from)
	if err == nil {
		err = os.Mkdir(to, 0o700)
	}
	for _, file := range files {
		content, failed := os.ReadFile(filepath.Join(from, file.Name()))
		err = errors.Join(err, failed, os.WriteFile(filepath.Join(to, file.Name()), content, 0o600))
	}
	return err
}

// Migrate runs `migrate up` of the program.
func Migrate(binary string, o Options) error {
	ctx, cancel := context.WithTimeout(context.Background(), commandTimeout)
	defer cancel()
	outcome, err := Execute(ctx, binary, o, "migrate", "up")
	if err == nil && outcome.Code != 0 {
		err = fmt.Errorf("apptest: migrate up: code %d: %s", outcome.Code, outcome.Stderr)
	}
	return err
}
