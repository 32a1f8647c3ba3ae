package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app"
)

// A large database takes long to seed, and is best measured on an idle machine. One that is kept is
// seeded by one run and measured by others. What they add stays: clients are issued behind those
// that were seeded, and revoked from where the run before has ended.

// seeded is the file that says that a kept database is whole. It is written last.
type seeded struct {
	Rows int
	At   time.Time
}

// keptLife is how old a kept database may be. In an older one some of the clients have expired that
// were seeded as valid: their ends begin thirty days later.
const keptLife = 20 * 24 * time.Hour

func keptName(rows int) string { return fmt.Sprintf("large_%d", rows) }

// keptFleet is a product with a large database that stays, without a server. It seeds the database
// unless that is there.
func (b *bench) keptFleet(ctx context.Context, e engine, rows int) (*product, error) {
	name := keptName(rows)
	mark := filepath.Join(e.kept, name+".json")
	p := &product{storage: app.StorageConfig{DataDir: filepath.Join(e.kept, name)}, cas: 4}
	if wholeSince(mark, rows) {
		p.storage.DatabaseURL = app.URL(e.keptLocation(name))
		if err := p.prepare(ctx); err != nil {
			return nil, err
		}
		return p, e.forget(ctx, p.storage.Location())
	}
	err := errors.Join(os.RemoveAll(mark), os.RemoveAll(p.storage.DataDir))
	if err != nil {
		return nil, err
	}
	if err := b.makeKept(ctx, e, p, name, rows); err != nil {
		return nil, err
	}
	text, err := json.Marshal(seeded{rows, time.Now()})
	if err != nil {
		return nil, err
	}
	return p, os.WriteFile(mark, text, 0o600)
}

func wholeSince(mark string, rows int) bool {
	text, err := os.ReadFile(mark)
	var found seeded
	return err == nil && json.Unmarshal(text, &found) == nil && found.Rows == rows && time.Since(found.At) < keptLife
}

// keptLocation is where a kept database is.
func (e engine) keptLocation(name string) string {
	if e.cluster == nil {
		return filepath.Join(e.kept, name+".db")
	}
	return e.cluster.URL(name)
}

// makeKept makes the database, with CAs by a server, and fills it.
func (b *bench) makeKept(ctx context.Context, e engine, p *product, name string, rows int) error {
	if e.cluster == nil {
		for _, end := range []string{"", "-wal", "-shm"} {
			if err := os.RemoveAll(e.keptLocation(name) + end); err != nil {
				return err
			}
		}
	} else if _, err := e.database(ctx, name); err != nil {
		return err
	}
	p.storage.DatabaseURL = app.URL(e.keptLocation(name))
	if err := b.startNew(ctx, e, p, name, childConfig{}); err != nil {
		return err
	}
	if err := p.stop(); err != nil {
		return err
	}
	return b.seedLarge(ctx, e, p, name, rows)
}

// forget lets a server count the certificates again.
func (e engine) forget(ctx context.Context, location string) error {
	db, err := e.connect(location)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "DELETE FROM census")
	return errors.Join(err, db.Close())
}

// lastInForce is the last of the clients after the id from, up to the id to, that no run has
// revoked. Those that were seeded as revoked are left out: see fleet.
func (e engine) lastInForce(ctx context.Context, location string, from, to int) (last int, err error) {
	db, err := e.connect(location)
	if err != nil {
		return 0, err
	}
	err = db.QueryRowContext(ctx, fmt.Sprintf(`SELECT COALESCE(min(id) - 1, %d) FROM clients WHERE NOT of_user AND id > 0
		AND revoked_at IS NOT NULL AND id > %d AND id <= %d AND id %% 20 <> 7`, to, from, to)).Scan(&last)
	return last, errors.Join(err, db.Close())
}

// absolute is the absolute form of a path; an empty one stays.
func absolute(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	return filepath.Abs(path)
}
