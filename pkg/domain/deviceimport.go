package domain

import (
	"context"
	"time"
)

// DeviceImport is an unfinished import of many devices. Its file is stored first. Once it is
// decided, all its rows will be stored, in parts, by this process or another. These changes
// are hidden until the import is finished; see Devices.
type DeviceImport struct {
	ID      int64
	Author  string // who requested it, in the service's encoding
	Domains string // the registered domains by the names that the file uses, in the service's encoding
	Decided bool
	Done    int64     // rows that are stored
	AliveAt time.Time // when a process last worked on it
}

// ImportPart is a part of the file of an import, in UTF-8.
type ImportPart struct {
	Place int64 // in the file, ascending
	Text  string
}

// DeviceImports keeps the unfinished imports. An import begins, its file is staged, it is decided,
// its rows are stored in parts, and it is finished; or it is abandoned before it is decided. Its
// file, and the earlier states of devices, are cleared after that.
//
// The groups DeviceImports and DeviceImports_Sight of the suite test it.
type DeviceImports interface {
	// Begin stores an import with its Author, Domains and AliveAt, and sets i.ID. Decided must be
	// false; Done is ignored, and begins at 0.
	Begin(ctx context.Context, i *DeviceImport) error
	// Stage stores a part of the file. It does not check that the import exists: the caller calls
	// Touch first, in the same transaction. A place that was staged already is an error that is no
	// *Error.
	Stage(ctx context.Context, id int64, part ImportPart) error
	// Parts returns the whole file, by ascending place. It exists until Clear has removed it; an
	// import without a file has no parts.
	Parts(ctx context.Context, id int64) ([]ImportPart, error)
	// Decide commits to storing all rows, and sets AliveAt to now. It is false while an import is
	// decided, this one or another: imports are stored one after the other. It has to be called
	// inside a transaction that has called Audit.Reserve: on PostgreSQL two concurrent calls would
	// not see each other. Before it, in the same transaction, the caller finds the domains of the
	// rows. Errors: Missing when the import is gone.
	Decide(ctx context.Context, id int64, now time.Time) (bool, error)
	// Touch records that a process works on the import: it sets AliveAt to now. It is false when
	// the import was finished or abandoned. It locks the import: no other transaction can abandon
	// or finish it until this one ends.
	Touch(ctx context.Context, id int64, now time.Time) (bool, error)
	// Advance records that this transaction stores n more rows after the first done rows, and sets
	// AliveAt to now. It is false when Done is not done any more, or the import is gone: another
	// process has stored the rows. It has to be called in the transaction that stores the rows,
	// before it does; it locks the import, so no other transaction stores these rows until this one
	// ends.
	Advance(ctx context.Context, id, done, n int64, now time.Time) (bool, error)
	// Abandon removes an import that is not decided; its file stays until Clear. It is false when
	// there is no such import, or when it is decided.
	Abandon(ctx context.Context, id int64) (bool, error)
	// Finish removes the import: from then on all readers see its changes. It does not check that
	// all rows are stored. Its file stays until Clear. If the import is gone, Finish is a no-op.
	Finish(ctx context.Context, id int64) error
	// Left lists the removed imports that still have something to clear, by ascending id.
	Left(ctx context.Context) ([]int64, error)
	// Clear removes a part of what an import has left, by one statement that blocks others for a
	// short time: up to 4 parts of the file, or else the earlier states of up to 2000 devices. It
	// is false when nothing is left. It does not check that the import is removed: it must be. It
	// may be called inside a transaction, but is meant to be called outside, repeatedly, until it
	// is false.
	Clear(ctx context.Context, id int64) (bool, error)
	// Unfinished lists the imports that are not removed, decided or not, by ascending id.
	Unfinished(ctx context.Context) ([]DeviceImport, error)
}
