package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chaveiro/chaveiro/pkg/store"
)

// Level is how bad a Finding is.
type Level string

// The levels. What fails needs somebody now; what is only warned of will fail, or loses something
// when something else does.
const (
	Good   Level = "ok"
	Warned Level = "warn"
	Failed Level = "fail"
)

// Finding is what Doctor says of one thing. Remedy is what to do; empty when it is good.
type Finding struct {
	Check  string
	Level  Level
	Text   string
	Remedy string
}

// DoctorOptions are what Doctor looks at beside the settings of the server.
type DoctorOptions struct {
	Backup    string        // file of the last backup of SQLite; empty: it is not looked at
	BackupAge time.Duration // up to which it is good
	Deep      bool          // read the whole SQLite file
}

// Doctor looks at everything that an operator has to keep in order: files, clock, database, master
// key, lists, certificates. It changes nothing, makes nothing, and needs no server that runs. What
// it can't look at is a finding too.
func Doctor(ctx context.Context, c Config, o DoctorOptions) []Finding {
	e := &examination{config: c, options: o, now: Now()}
	e.files()
	e.space()
	e.entropy()
	e.systemClock()
	e.tls()
	e.wrapping()
	e.storage(ctx)
	e.keyStores(ctx)
	e.backup(ctx)
	return e.found
}

// examination collects the findings.
type examination struct {
	config  Config
	options DoctorOptions
	now     time.Time
	clock   time.Time // of the database, by which lists begin and are due; zero: it has none
	found   []Finding
	keys    []usedKey
}

func (e *examination) good(check, format string, args ...any) {
	e.found = append(e.found, Finding{Check: check, Level: Good, Text: fmt.Sprintf(format, args...)})
}

func (e *examination) warn(check, remedy, format string, args ...any) {
	e.found = append(e.found, Finding{check, Warned, fmt.Sprintf(format, args...), remedy})
}

func (e *examination) fail(check, remedy, format string, args ...any) {
	e.found = append(e.found, Finding{check, Failed, fmt.Sprintf(format, args...), remedy})
}

// storage looks at the database and at what is in it.
func (e *examination) storage(ctx context.Context) {
	s := e.config.StorageConfig
	if err := errors.Join(s.Validate(), s.requireDatabase()); err != nil {
		e.fail("database", "start the server once, or set data-dir and database-url as it has them", "%v", err)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, doctorPatience)
	defer cancel()
	db, err := store.OpenReading(ctx, s.Location())
	if err != nil {
		e.fail("database", "start the database; check database-url, its password and the network", "%v", err)
		return
	}
	defer db.Close()
	e.database(ctx, db)
	if e.contents(ctx, db) {
		e.lists(ctx, db)
		e.storedKeys(ctx, db)
		e.tasks(ctx, db)
		e.growth(ctx, db)
	}
}

// doctorPatience bounds all questions to the database. A check of a whole file takes the longest.
const doctorPatience = 10 * time.Minute

// contents looks at the schema and the master key, and reports whether both are as they should be.
func (e *examination) contents(ctx context.Context, db *store.Reading) bool {
	schema, err := db.Schema(ctx)
	oldest, unread := db.Oldest(ctx)
	newest := store.NewestSchema()
	switch {
	case err != nil || unread != nil:
		e.fail("schema", "", "it can't be read: %v", errors.Join(err, unread))
	case schema > newest && oldest <= newest:
		e.warn("schema", "use the version of the program that made it, when all servers have it",
			"%d is newer than this program, which knows %d and may go on", schema, newest)
		return e.masterKey(ctx, db)
	case schema > newest:
		e.fail("schema", "use the version of the program that made it, or a later one",
			"%d is newer than this program, which knows %d", schema, newest)
	case schema < newest:
		e.fail("schema", "chaveiro migrate up", "%d: the migrations up to %d are missing", schema, newest)
	default:
		e.good("schema", "%d, the newest one of this program", schema)
		return e.masterKey(ctx, db)
	}
	return false
}

// backup looks at the backup that the options name.
func (e *examination) backup(ctx context.Context) {
	if e.options.Backup == "" {
		return
	}
	keys, err := e.config.existingKeyring()
	var manifest Manifest
	if err == nil {
		manifest, err = verifyBackup(ctx, e.options.Backup, keys)
	}
	age := e.now.Sub(manifest.MadeAt)
	switch {
	case err != nil:
		e.fail("backup", "chaveiro backup makes a new one", "%s: %v", e.options.Backup, err)
	case age > e.options.BackupAge:
		e.fail("backup", "see to what makes the backups", "%s is %s old", e.options.Backup, roughly(age))
	default:
		e.good("backup", "%s is whole and %s old", e.options.Backup, roughly(age))
	}
}

// roughly is a time in whole days, hours, minutes or seconds.
func roughly(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", d/time.Hour)
	case d >= 2*time.Minute:
		return fmt.Sprintf("%d minutes", d/time.Minute)
	}
	return fmt.Sprintf("%d seconds", d/time.Second)
}
