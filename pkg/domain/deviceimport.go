package domain

import (
	"context"
	"time"
)

// DeviceImport is an import of many devices that is not finished. Its rows are staged first. Once it is decided all of them will be stored, in parts, by
// this process or another. Before that none is.
type DeviceImport struct {
	ID      int64
	Author  string // who asked for it, as the service writes it
	Decided bool
	AliveAt time.Time // when somebody last worked at it
}

// StagedRow is a row of an import, as the service writes it.
type StagedRow struct {
	Place int64 // in the import, ascending
	Spec  string
}

// DeviceImports keeps the imports that are not finished.
type DeviceImports interface {
	// Begin makes an import that is not decided, and sets its id.
	Begin(ctx context.Context, i *DeviceImport) error
	// Stage adds rows.
	Stage(ctx context.Context, id int64, rows []StagedRow) error
	// Decide makes it sure that all rows will be stored. Errors: Missing when the import is gone.
	Decide(ctx context.Context, id int64, now time.Time) error
	// Touch says that somebody works at the import, and keeps all others from it until the transaction ends. It is false when the import is finished.
	Touch(ctx context.Context, id int64, now time.Time) (bool, error)
	// Rows returns the first n rows that are left.
	Rows(ctx context.Context, id int64, n int) ([]StagedRow, error)
	// Remove removes the rows up to a place.
	Remove(ctx context.Context, id, place int64) error
	// Abandon removes an import that is not decided; its rows stay. It is false when there is none.
	Abandon(ctx context.Context, id int64) (bool, error)
	// Abandoned lists the imports that are removed and have rows.
	Abandoned(ctx context.Context) ([]int64, error)
	// Finish removes the import: the lists have its devices from now on.
	Finish(ctx context.Context, id int64) error
	// Unfinished lists the imports by ascending id.
	Unfinished(ctx context.Context) ([]DeviceImport, error)
}
