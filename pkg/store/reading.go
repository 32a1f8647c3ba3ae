package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Reading is a database that is only read, whatever its schema. It is not migrated, and not created
// when it does not exist.
type Reading struct {
	db     *sql.DB
	engine Engine
}

// OpenReading opens a database to read from it. Its errors do not quote the location.
func OpenReading(ctx context.Context, location string) (*Reading, error) {
	if EngineOf(location) == Postgres {
		config, err := pgxpool.ParseConfig(location)
		if err != nil {
			return nil, errURL
		}
		config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe // there may be a pooler in between
		return openReading(ctx, stdlib.OpenDB(*config.ConnConfig), Postgres)
	}
	return openSQLiteReading(ctx, location, "?mode=ro&_pragma=busy_timeout(10000)&_time_format=sqlite")
}

// OpenStill opens an SQLite file that nobody writes to and that has no WAL. SQLite creates no files
// beside it.
func OpenStill(ctx context.Context, path string) (*Reading, error) {
	return openSQLiteReading(ctx, path, stillOptions+"&_time_format=sqlite")
}

func openSQLiteReading(ctx context.Context, path, options string) (*Reading, error) {
	db, err := sql.Open("sqlite", sqliteURL(path)+options)
	if err != nil {
		return nil, err
	}
	return openReading(ctx, db, SQLite)
}

func openReading(ctx context.Context, db *sql.DB, engine Engine) (*Reading, error) {
	r := &Reading{db: db, engine: engine}
	if _, err := r.Schema(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("this is no database of chaveiro: %w", err), db.Close())
	}
	return r, nil
}

// Close closes the database.
func (r *Reading) Close() error { return r.db.Close() }

// Schema returns the number of the newest migration that is applied, or 0.
func (r *Reading) Schema(ctx context.Context) (int64, error) {
	var version int64
	err := r.db.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version WHERE is_applied").
		Scan(&version)
	return version, err
}

// Oldest returns which schema a program must know at least, of what this program does not know; 0:
// it knows everything. Where nothing says so it is the schema itself.
func (r *Reading) Oldest(ctx context.Context) (oldest int64, err error) {
	schema, err := r.Schema(ctx)
	if err != nil || schema <= NewestSchema() {
		return 0, err
	}
	query := fmt.Sprintf(`SELECT COALESCE(MAX(COALESCE(n.oldest, g.version_id)), 0) FROM goose_db_version g
		LEFT JOIN schema_needs n ON n.version = g.version_id WHERE g.version_id > %d`, NewestSchema())
	err = r.each(ctx, query, nil, func(scan func(...any) error) error { return scan(&oldest) })
	return oldest, err
}

// NewestSchema returns the number of the newest migration that the program knows.
func NewestSchema() int64 {
	list, err := (&Store{engine: SQLite}).knownMigrations()
	if err != nil || len(list) == 0 {
		return 0 // without its embedded files the program knows none
	}
	return list[len(list)-1].Version
}

// Manifest returns the manifest of a backup. It is empty for an SQLite file that is not a backup.
func (r *Reading) Manifest(ctx context.Context) (string, error) {
	found, err := firstTexts(
		ctx, r.db, "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'backup_manifest'",
	)
	if err != nil || len(found) == 0 {
		return "", err
	}
	found, err = firstTexts(ctx, r.db, "SELECT manifest FROM backup_manifest")
	if err != nil || len(found) != 1 {
		return "", err
	}
	return found[0], nil
}

// Users returns how many connections servers have open to a PostgreSQL database. It is 0 for an
// SQLite file, of which that is not known.
func (r *Reading) Users(ctx context.Context) (n int, err error) {
	if r.engine == Postgres {
		err = r.db.QueryRowContext(ctx,
			"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1",
			poolLimits["application_name"]).Scan(&n)
	}
	return n, err
}

// incarnationSchema is the first schema that has an incarnation.
const incarnationSchema = 11

// Incarnation returns the value of the incarnation. It is empty when the schema has none yet.
func (r *Reading) Incarnation(ctx context.Context) (value string, err error) {
	schema, err := r.Schema(ctx)
	if err == nil && schema >= incarnationSchema {
		err = r.db.QueryRowContext(ctx, "SELECT value FROM incarnation").Scan(&value)
	}
	return value, err
}

// Secrets returns the secrets of the service by name. They are sealed.
func (r *Reading) Secrets(ctx context.Context) (map[string][]byte, error) {
	list := map[string][]byte{}
	err := r.each(ctx, "SELECT name, sealed FROM secrets", nil, func(scan func(...any) error) error {
		var name string
		var sealed []byte
		err := scan(&name, &sealed)
		list[name] = sealed
		return err
	})
	return list, err
}

// AuditEnds returns the ends of the audit's chains by ascending chain. It fails when the last event
// of a chain has another hash than its end.
func (r *Reading) AuditEnds(ctx context.Context) ([]domain.Link, error) {
	var ends []domain.Link
	err := r.each(ctx, `SELECT c.chain, c.position, c.hash, e.hash FROM audit_chains c
		LEFT JOIN audit_events e ON e.chain = c.chain AND e.position = c.position ORDER BY c.chain`, nil, func(scan func(...any) error) error {
		var link domain.Link
		var end, last []byte
		if err := scan(&link.Chain, &link.Position, &end, &last); err != nil {
			return err
		}
		if last != nil && string(last) != string(end) || len(end) != len(link.Hash) {
			return fmt.Errorf("the audit's chain %d does not end with its last event", link.Chain)
		}
		copy(link.Hash[:], end)
		ends = append(ends, link)
		return nil
	})
	return ends, err
}

// CAs returns the CAs by ascending id.
func (r *Reading) CAs(ctx context.Context) ([]domain.KnownCA, error) {
	var list []domain.KnownCA
	err := r.each(ctx,
		`SELECT id, name, certificate, COALESCE(key_fingerprint, ''), crl_number, (SELECT count(*) FROM revocations WHERE ca_id = cas.id) FROM cas ORDER BY id`,
		nil, func(scan func(...any) error) error {
			var one domain.KnownCA
			err := scan(&one.ID, &one.Name, &one.Certificate, &one.Key, &one.CRLNumber, &one.Revocations)
			list = append(list, one)
			return err
		})
	for i := range list {
		if err == nil {
			list[i].LastCRL, err = r.lastCRL(ctx, list[i].ID)
		}
	}
	return list, err
}

func (r *Reading) lastCRL(ctx context.Context, caID int64) (*domain.CRL, error) {
	var found *domain.CRL
	err := r.each(ctx,
		"SELECT number, this_update, next_update, signed_at, der FROM crls WHERE ca_id = $1 ORDER BY number DESC LIMIT 1",
		[]any{caID}, func(scan func(...any) error) error {
			found = &domain.CRL{CAID: caID}
			return scan(&found.Number, &found.ThisUpdate, &found.NextUpdate, &found.SignedAt, &found.DER)
		})
	return found, err
}

// lifeSchema is the first schema in which a revocation may have an invalidity date, and a
// certificate an end of its overlap.
const lifeSchema = 16

// Revocations returns the revocations of a CA by ascending epoch, and then by serial, without those
// that are lifted.
func (r *Reading) Revocations(ctx context.Context, caID int64) ([]domain.Revocation, error) {
	schema, err := r.Schema(ctx)
	if err != nil {
		return nil, err
	}
	since := "invalid_since"
	if schema < lifeSchema {
		since = "NULL"
	}
	var list []domain.Revocation
	err = r.each(ctx,
		"SELECT serial, epoch, revoked_at, reason, not_after, "+since+" FROM revocations WHERE ca_id = $1 AND reason <> 8 ORDER BY epoch, serial",
		[]any{caID}, func(scan func(...any) error) error {
			one := domain.Revocation{CAID: caID}
			var ends, invalid *time.Time
			err := scan(&one.Serial, &one.Epoch, &one.RevokedAt, &one.Reason, &ends, &invalid)
			one.RevokedAt, one.NotAfter, one.InvalidSince = one.RevokedAt.UTC(), orZero(ends), orZero(invalid)
			list = append(list, one)
			return err
		})
	return list, err
}

// issuedBatch is the maximum number of certificates of a batch.
const issuedBatch = 500

// Issued calls each with the certificates that a CA has issued, in batches, by ascending id. An
// error of each ends it, and is returned.
func (r *Reading) Issued(ctx context.Context, caID int64, each func([]domain.Issued) error) error {
	schema, err := r.Schema(ctx)
	if err != nil {
		return err
	}
	superseded := "t.superseded_at"
	if schema < lifeSchema {
		superseded = "NULL"
	}
	var batch []domain.Issued
	err = r.each(ctx, `SELECT t.serial, COALESCE(c.name, ''), t.not_after, EXISTS (SELECT 1 FROM revocations r WHERE r.ca_id = t.ca_id AND r.serial = t.serial AND r.reason <> 8), `+
		superseded+` FROM certificates t LEFT JOIN clients c ON c.id = t.client_id WHERE t.ca_id = $1 ORDER BY t.id`, []any{caID}, func(scan func(...any) error) error {
		var one domain.Issued
		var ends *time.Time
		if err := scan(&one.Serial, &one.Client, &one.NotAfter, &one.Revoked, &ends); err != nil {
			return err
		}
		one.SupersededAt = orZero(ends)
		if batch = append(batch, one); len(batch) < issuedBatch {
			return nil
		}
		full := batch
		batch = nil
		return each(full)
	})
	if err != nil || len(batch) == 0 {
		return err
	}
	return each(batch)
}

// maxAccessChanges bounds the result of AccessChanges.
const maxAccessChanges = 1000

// accessChanges selects the oldest changes of who may do what above a position of a chain.
const accessChanges = `SELECT at, action, resource, resource_id, resource_name, actor_name FROM audit_events
	WHERE chain = $1 AND position > $2 AND NOT refused AND action <> 'login' AND (resource LIKE 'auth.%' OR resource IN
	('pam.applications', 'pam.authorizations')) ORDER BY at, position LIMIT $3`

// AccessChanges returns the events above these ends of the chains that have changed who may do
// what: the 1000 oldest ones, by ascending time.
func (r *Reading) AccessChanges(ctx context.Context, ends []domain.Link) ([]domain.Event, error) {
	var list []domain.Event
	for _, end := range ends {
		args := []any{end.Chain, end.Position, maxAccessChanges}
		err := r.each(ctx, accessChanges, args, func(scan func(...any) error) error {
			var e domain.Event
			err := scan(&e.At, &e.Action, &e.Resource, &e.ResourceID, &e.ResourceName, &e.ActorName)
			list = append(list, e)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(list, func(a, b domain.Event) int { return a.At.Compare(b.At) })
	return list[:min(len(list), maxAccessChanges)], nil
}

// each calls read for each row of a query. Parameters are written as for PostgreSQL: $1.
func (r *Reading) each(ctx context.Context, query string, args []any, read func(scan func(...any) error) error) error {
	if r.engine == SQLite {
		query = strings.ReplaceAll(query, "$", "?")
	}
	rows, err := r.db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	return readAll(rows, read)
}
