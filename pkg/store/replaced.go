package store

import (
	"errors"
	"fmt"
	"os"

	"gorm.io/gorm"
)

// ErrReplaced says that another file stands in the place of the SQLite file that is open, or none:
// what is written would be lost.
var ErrReplaced = errors.New("store: the SQLite file was replaced while it was open")

// Replaced returns ErrReplaced when the path no longer leads to the file that is open. It costs a
// system call, of SQLite alone.
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

// refuseReplaced keeps statements from a file that is no longer in its place.
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
