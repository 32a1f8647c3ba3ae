package store

import (
	"errors"
	"fmt"
	"os"

	"gorm.io/gorm"
)

// ErrReplaced says that the path of the open SQLite file leads to another file or to none: what is
// written would be lost.
var ErrReplaced = errors.New("store: the SQLite file was replaced while it was open")

// Replaced returns ErrReplaced when the path of the SQLite file no longer leads to the open file.
// It costs one system call; on PostgreSQL it is a no-op.
func (s *Store) Replaced() error { return replaced(s.path, s.file) }

func replaced(path string, open os.FileInfo) error {
	if open == nil {
		return nil
	}
	there, err := os.Stat(path)
	if err == nil && os.SameFile(there, open) {
		return nil
	}
	return fmt.Errorf("%w: %s", ErrReplaced, path)
}

// refuseReplaced makes statements fail when the file is no longer in its place.
func refuseReplaced(db *gorm.DB, path string, open os.FileInfo) error {
	check := func(db *gorm.DB) {
		if err := replaced(path, open); err != nil {
			_ = db.AddError(err)
		}
	}
	on, name := db.Callback(), "chaveiro:replaced"
	return errors.Join(
		on.Create().Before("gorm:create").Register(name, check),
		on.Row().Before("gorm:row").Register(name, check),
		on.Raw().Before("gorm:raw").Register(name, check),
		on.Update().Before("gorm:update").Register(name, check),
		on.Delete().Before("gorm:delete").Register(name, check),
	)
}
