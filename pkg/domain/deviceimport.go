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

// DeviceImports keeps the imports that are not finished. An import begins, its file is staged, it
// is decided, its rows are stored in parts, and it is finished; or it is abandoned before it is
// decided. Its file, and what devices were like before, are cleared after that.
//
// The groups DeviceImports and DeviceImportSight of the suite hold it.
type DeviceImports interface {
	// Begin stores an import with its Author, Domains and AliveAt, and sets i.ID. Decided must be
	// false; Done is not looked at, and is 0.
	Begin(ctx context.Context, i *DeviceImport) error
	// Stage keeps a part of the file. It does not check that the import exists: the caller calls
	// Touch first, in the same transaction. A place that was staged already is an error that is no
	// *Error.
	Stage(ctx context.Context, id int64, part ImportPart) error
	// Parts returns the file, all of it, by ascending place. It is there until Clear has removed
	// it; of an import without a file there is none.
	Parts(ctx context.Context, id int64) ([]ImportPart, error)
	// Decide makes it sure that all rows will be stored, and sets AliveAt to now. It is false while
	// an import is decided, this one or another: they are stored one after the other. It has to be
	// called inside a transaction that has called Audit.Reserve: on PostgreSQL two at once would
	// not see each other. In that transaction the caller finds the domains of the rows before.
	// Errors: Missing when the import is gone.
	Decide(ctx context.Context, id int64, now time.Time) (bool, error)
	// Touch says that somebody works at the import: it sets AliveAt to now. It is false when the
	// import was finished or abandoned. It locks the import: in a transaction nobody can abandon or
	// finish it until the end.
	Touch(ctx context.Context, id int64, now time.Time) (bool, error)
	// Advance says that this transaction stores n more rows than the number done, and sets AliveAt
	// to now. It is false when Done is not done any more, or the import is gone: somebody else has
	// stored the rows. It has to be called in the transaction that stores the rows, before it does;
	// it locks the import, which keeps all others from the rows until the end.
	Advance(ctx context.Context, id, done, n int64, now time.Time) (bool, error)
	// Abandon removes an import that is not decided; its file stays until Clear. It is false when
	// there is no such import, or it is decided.
	Abandon(ctx context.Context, id int64) (bool, error)
	// Finish removes the import: from then on everybody sees what it has changed. It does not check
	// that all rows are stored. Its file stays until Clear. An import that is gone is nothing.
	Finish(ctx context.Context, id int64) error
	// Left lists the imports that are removed and have left something to clear, by ascending id.
	Left(ctx context.Context) ([]int64, error)
	// Clear removes some of what an import has left, by one statement that holds up others for a
	// short time: up to 4 parts of the file, or else what up to 2000 devices were like. It is false
	// when there is nothing more. It does not check that the import is removed: it must be. It may
	// be called inside a transaction, and is meant for outside; it is called again until it is
	// false.
	Clear(ctx context.Context, id int64) (bool, error)
	// Unfinished lists the imports that are not removed, decided or not, by ascending id.
	Unfinished(ctx context.Context) ([]DeviceImport, error)
}
