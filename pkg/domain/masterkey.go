package domain

import (
	"context"
	"time"
)

// MasterKey is a version of the master key that has sealed values of the database. The key itself
// is nowhere in the database.
type MasterKey struct {
	Version     uint32
	Fingerprint string
	Since       time.Time // when it began to seal
	// Remaining is how many values were under earlier versions when they were counted last;
	// negative: not counted.
	Remaining int64
	EndedAt   time.Time // when no value was under an earlier version; zero: the rotation has not ended
}

// KeyHolder is a server process, and the master keys that it has.
type KeyHolder struct {
	ID      string            // of the process
	Name    string            // for the operator: the host and the process
	Keys    map[uint32]string // fingerprints by version
	Sealing uint32            // the version that it seals with
	SeenAt  time.Time
}

// MasterKeys keeps which versions of the master key the database was sealed with, and which process
// has which. The highest version seals.
//
// The group MasterKeys of the suite tests it.
type MasterKeys interface {
	// All returns the versions in ascending order. There is none in a database that an earlier
	// program has made, until a server has started on it.
	All(ctx context.Context) ([]MasterKey, error)
	// Begin stores that a version seals from now on, and reports whether it did. It is false when
	// that version or a higher one has begun before. Of concurrent calls with one version one
	// succeeds.
	Begin(ctx context.Context, k MasterKey) (bool, error)
	// Note sets Remaining and EndedAt of a version. Nothing changes when there is none of it.
	Note(ctx context.Context, version uint32, remaining int64, endedAt time.Time) error
	// Hold stores a holder in place of what is stored under its ID, and removes those that were not
	// seen since a time.
	Hold(ctx context.Context, h KeyHolder, since time.Time) error
	// Holders returns those that were seen since a time, by ascending name, and then id.
	Holders(ctx context.Context, since time.Time) ([]KeyHolder, error)
	// Release removes a holder, if it is there.
	Release(ctx context.Context, id string) error
	// ReleaseAll removes all holders: those of a copy or of an earlier time hold nothing.
	ReleaseAll(ctx context.Context) error
}
