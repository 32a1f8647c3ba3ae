package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/kms"
	"github.com/chaveiro/chaveiro/pkg/masterkey"
	"github.com/chaveiro/chaveiro/pkg/seal"
	"github.com/chaveiro/chaveiro/pkg/service"
	"github.com/chaveiro/chaveiro/pkg/store"
)

const (
	maxWALBytes  = 256 << 20 // of SQLite: the log is copied into the database long before
	maxSlotBytes = 16 << 30
	maxReplayLag = time.Minute
	archiveDue   = 730 * 24 * time.Hour
	manyEnded    = 100_000 // certificates
)

// database looks at the database itself.
func (e *examination) database(ctx context.Context, db *store.Reading) {
	h, err := db.Health(ctx)
	if err != nil {
		e.fail("database", "start the database, and see its log", "it does not answer: %v", err)
		return
	}
	e.good("database", "%s %s, %d MB", h.Engine, h.Version, h.Bytes>>20)
	if h.Engine == store.SQLite {
		e.sqlite(ctx, db, h)
		return
	}
	e.postgres(h)
}

func (e *examination) sqlite(ctx context.Context, db *store.Reading, h store.DatabaseHealth) {
	if mode := h.Settings["journal_mode"]; mode != "wal" {
		e.warn("journal", "the server sets it when it starts", "the journal mode is %s, not wal", mode)
	}
	wal, err := os.Stat(e.config.Location() + "-wal")
	if err == nil && wal.Size() > maxWALBytes {
		e.warn("journal", "end programs that keep the file open, as a shell of sqlite3, or restart the server",
			"the write-ahead log has %d MB", wal.Size()>>20)
	}
	if !e.options.Deep {
		return
	}
	damage, err := db.Damage(ctx)
	switch {
	case err != nil:
		e.fail("integrity", "chaveiro restore puts a backup in its place", "the file can't be read: %v", err)
	case len(damage) > 0:
		e.fail("integrity", "chaveiro restore puts a backup in its place", "the file is damaged: %s",
			strings.Join(damage, "; "))
	default:
		e.good("integrity", "the file is whole")
	}
}

func (e *examination) postgres(h store.DatabaseHealth) {
	for _, name := range []string{"fsync", "full_page_writes"} {
		if h.Settings[name] != "on" {
			e.fail("durability", "set it to on in postgresql.conf",
				"%s is %s: a crash of the machine can damage the database", name, h.Settings[name])
		}
	}
	if h.Settings["synchronous_commit"] == "off" {
		e.fail("durability", "set it to on", "synchronous_commit is off: a crash loses revocations that were answered")
	}
	if h.ReadOnly {
		e.fail("database", "name the primary in database-url, or all hosts with target_session_attrs=read-write",
			"it takes no writes: it is a standby, or was made read-only")
	}
	if h.ArchiveFails {
		e.fail("archive", "see archive_command and the log of PostgreSQL", "the WAL can't be archived")
	}
	if h.Connections*10 >= h.MaxConnections*9 {
		e.warn("connections", "raise max_connections, or lower pool_max_conns in database-url",
			"%d of %d are in use", h.Connections, h.MaxConnections)
	}
	e.databaseClock(h.Clock)
	e.replication(h)
}

func (e *examination) databaseClock(clock time.Time) {
	if ahead := Now().Sub(clock); ahead.Abs() > maxClockError {
		e.fail("clock", "set both clocks by NTP", "it is %s off the database's", roughly(ahead.Abs()))
	}
	e.clock = clock
}

func (e *examination) replication(h store.DatabaseHealth) {
	for _, one := range h.Standbys {
		switch {
		case one.Lag > maxReplayLag:
			e.warn("replication", "see the standby and its network",
				"the standby %s is %s behind", one.Name, roughly(one.Lag))
		case one.Lag >= 0:
			e.good("replication", "the standby %s follows (%s)", one.Name, one.Sync)
		}
	}
	for _, one := range h.Slots {
		if !one.Active && one.Retained > maxSlotBytes {
			e.warn("replication", "bring its standby back, or drop the slot: the disk runs full",
				"the slot %s keeps %d MB of WAL for nobody", one.Name, one.Retained>>20)
		}
	}
}

// masterKey reports whether the master key opens the secrets of the database.
func (e *examination) masterKey(ctx context.Context, db *store.Reading) bool {
	keys, err := e.config.existingKeyring()
	if kms.IsFault(err) {
		e.fail("master key", storeRemedy(err)+"; without it no server starts", "it can't be unwrapped: %v", err)
		return false
	}
	if err != nil {
		e.fail("master key", "put it back; without it no key in the database can be opened", "%v", err)
		return false
	}
	known, err := db.MasterKeys(ctx)
	if err != nil {
		e.fail("master key", "", "which one seals can't be read: %v", err)
		return false
	}
	if missing, ok := errors.AsType[*masterkey.MissingError](masterkey.Check(keys, known)); ok {
		e.fail("master key", "take over the key file of a server that has it",
			"the key %d is missing here, and it seals this database", missing.Version)
		return false
	}
	secrets, err := db.Secrets(ctx)
	if err == nil {
		err = errors.Join(masterkey.Check(keys, known), service.CheckMasterKey(keys, secrets))
	}
	if err != nil {
		e.fail("master key", "put back the master key of this database", "%v", err)
		return false
	}
	e.rotation(keys, known)
	return true
}

// remaining is how many values a rotation has left, in words.
func remaining(values int64) string {
	if values < 0 {
		return "not counted yet"
	}
	return fmt.Sprintf("%d values remain", values)
}

// growth looks at what grows until somebody decides what is kept.
func (e *examination) growth(ctx context.Context, db *store.Reading) {
	ended, err := db.EndedBefore(ctx, e.now.Add(-archiveDue), manyEnded)
	switch {
	case err != nil:
		e.fail("size", "", "the certificates can't be counted: %v", err)
	case ended >= manyEnded:
		e.warn("size", "chaveiro cert archive --keep 730d, from cron once a month",
			"%d certificates or more ended over two years ago, and are in all lists", ended)
	default:
		e.good("size", "%d certificates ended over two years ago", ended)
	}
}

// rotation looks whether the last rotation of the master key has ended, and whether one is due.
func (e *examination) rotation(keys *seal.Keyring, known []domain.MasterKey) {
	var newest domain.MasterKey
	if len(known) > 0 {
		newest = known[len(known)-1]
	}
	switch {
	case newest.Version > 0 && newest.EndedAt.IsZero():
		e.warn("master key", "chaveiro master-key rotate goes on with it, and says what keeps it from its end",
			"the rotation to the key %d has not ended since %s (%s): earlier keys must stay", newest.Version,
			newest.Since.UTC().Format(time.RFC3339), remaining(newest.Remaining))
	case newest.Version > 0 && keys.Newest() > newest.Version:
		e.warn("master key", "chaveiro master-key rotate, when all servers have it",
			"the key %d is here and does not seal yet", keys.Newest())
	default:
		e.good("master key", "%s opens the database", fingerprints(keys))
	}
}
