package domain

import (
	"context"
	"time"
)

// DeviceImport is an import of many devices that is not finished. Its file is kept first. Once it is decided all its rows will be stored, in parts, by
// this process or another; nobody sees what they change before it is finished.
type DeviceImport struct {
	ID      int64
	Author  string // who asked for it, as the service writes it
	Domains string // the registered domains by what the file calls them, as the service writes it
	Decided bool
	Done    int64     // rows that are stored
	AliveAt time.Time // when somebody last worked at it
}

// ImportPart is a part of the file of an import, in UTF-8.
type ImportPart struct {
	Place int64 // in the file, ascending
	Text  string
}

// DeviceImports keeps the imports that are not finished.
type DeviceImports interface {
	// Begin makes an import that is not decided, and sets its id.
	Begin(ctx context.Context, i *DeviceImport) error
	// Stage keeps a part of the file.
	Stage(ctx context.Context, id int64, part ImportPart) error
	// Parts returns the file.
	Parts(ctx context.Context, id int64) ([]ImportPart, error)
	// Decide makes it sure that all rows will be stored. It is false while another import is decided: those are stored one after the other. Errors:
	// Missing when the import is gone.
	Decide(ctx context.Context, id int64, now time.Time) (bool, error)
	// Touch says that somebody works at the import. It is false when the import is finished or was abandoned.
	Touch(ctx context.Context, id int64, now time.Time) (bool, error)
	// Advance says that n more rows are stored by this transaction than the number that was done, and keeps all others from the import until it ends.
	// It is false when somebody else has stored them, or has finished the import.
	Advance(ctx context.Context, id, done, n int64, now time.Time) (bool, error)
	// Abandon removes an import that is not decided; its file stays. It is false when there is none.
	Abandon(ctx context.Context, id int64) (bool, error)
	// Finish removes the import: everybody sees from now on what it has changed. Its file stays.
	Finish(ctx context.Context, id int64) error
	// Left lists the imports that are removed and have left something.
	Left(ctx context.Context) ([]int64, error)
	// Clear removes some of what a removed import has left, and is false when there is nothing more.
	Clear(ctx context.Context, id int64) (bool, error)
	// Unfinished lists the imports by ascending id.
	Unfinished(ctx context.Context) ([]DeviceImport, error)
}
