package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// population describes the clients that a database is filled with. The texts are SQL over i, the
// id, which runs from 1 to rows; they are the same for both engines.
type population struct {
	rows    int
	ca      string // id of the CA
	expired string // condition
	revoked string // condition
	// der is the size of a certificate in octets, twice that of its key; 0: without certificates
	// and without the revocations of those revoked.
	der int
}

// fleet is 5 % revoked, 10 % expired, over four CAs that were used one after the other: the fourth
// has the upper half of the ids. A database that walks the ids in search of the clients of that CA
// pays for it. Their certificates are small, because pages do not read them.
func fleet(rows int) population {
	ca := fmt.Sprintf(
		"CASE WHEN i <= %d THEN 1 WHEN i <= %d THEN 2 WHEN i <= %d THEN 3 ELSE 4 END", rows/6, rows/3, rows/2,
	)
	return population{rows: rows, ca: ca, expired: "i % 10 = 0", revoked: "i % 20 = 7", der: 64}
}

// seedSQL are the statements, in order; {words} are replaced by what differs between engines and
// populations.
var seedSQL = []string{`
INSERT INTO clients (id, ca_id, name, name_key, description, country, province, city, organization, sector, email,
    serial, fingerprint, key_algorithm, not_before, expires_at, expired, revoked_at, held_name, created_at, updated_at)
{numbers}
SELECT i, {ca}, 'site-' || i, 'site-' || i, 'Empresa XYZ', 'BR', 'Rio de Janeiro', 'Rio de Janeiro', 'Empresa XYZ', 'Suporte', 'site@example.com',
    '5a5b5c5d5e5f5a5b5c5d5e5f5a5b5c5d', '5a5b5c5d5e5f5a5b5c5d5e5f5a5b5c5d5a5b5c5d5e5f5a5b5c5d5e5f5a5b5c5d', 'ecdsa-p256', {begun},
    CASE WHEN {expired} THEN {ended} ELSE {ending} END, {expired}, CASE WHEN {revoked} THEN {begun} END,
    CASE WHEN {expired} OR {revoked} THEN NULL ELSE 'site-' || i END, {begun}, {begun}
FROM numbers`,
}

// certificateSQL are the further statements of a population with certificates. The id of a
// certificate is that of its client.
var certificateSQL = []string{`
INSERT INTO certificates (ca_id, client_id, kind, name, name_key, serial, fingerprint, key_algorithm, not_before, not_after, der, sealed_key,
    key_protected, revoked_at, created_at)
SELECT ca_id, id, 'client', name, name_key, {serial}, fingerprint || id, key_algorithm, created_at, expires_at, {der}, {key}, {false}, revoked_at,
    created_at FROM clients ORDER BY id`, `
INSERT INTO revocations (ca_id, serial, epoch, revoked_at, reason, not_after)
SELECT t.ca_id, t.serial, row_number() OVER (PARTITION BY t.ca_id ORDER BY t.id), c.revoked_at, 0, t.not_after
FROM certificates t JOIN clients c ON c.id = t.client_id WHERE c.revoked_at IS NOT NULL`, `
UPDATE cas SET revocation_epoch = (SELECT count(*) FROM revocations WHERE ca_id = cas.id)`,
}

// seed writes the rows to a database directly.
func (e engine) seed(ctx context.Context, location string, p population) error {
	db, err := e.connect(location)
	if err != nil {
		return err
	}
	statements := seedSQL
	if p.der > 0 {
		statements = append(seedSQL, certificateSQL...)
	}
	words := e.words(p)
	for _, statement := range statements {
		if _, err := db.ExecContext(ctx, words.Replace(statement)); err != nil {
			return errors.Join(fmt.Errorf("seed: %w", err), db.Close())
		}
	}
	return errors.Join(e.settle(ctx, db), db.Close())
}

func (e engine) words(p population) *strings.Replacer {
	octets := func(n int) string { return fmt.Sprintf("decode(repeat('5a', %d), 'hex')", n) }
	blob := func(n int) string { return fmt.Sprintf("randomblob(%d)", n) }
	now := time.Now().Unix()
	ended, ending, begun := fmt.Sprintf("%d - i", now-86400), fmt.Sprintf("%d + i", now+30*86400),
		fmt.Sprintf("%d + i", now-60*86400)
	if e.cluster != nil {
		return strings.NewReplacer(
			"{numbers}", fmt.Sprintf("WITH numbers AS (SELECT generate_series(1, %d) AS i)", p.rows),
			"{ca}", p.ca, "{expired}", p.expired, "{revoked}", p.revoked,
			"{ended}", "to_timestamp("+ended+")", "{ending}", "to_timestamp("+ending+")", "{begun}",
			"to_timestamp("+begun+")",
			"{serial}", "'5' || substr(md5(id::text), 2)", "{der}", octets(p.der), "{key}", octets(p.der/2),
			"{false}", "false")
	}
	// The times are the text that the product's connections write.
	at := func(seconds string) string {
		return "strftime('%Y-%m-%d %H:%M:%S', " + seconds + ", 'unixepoch') || '+00:00'"
	}
	return strings.NewReplacer(
		"{numbers}",
		fmt.Sprintf(
			"WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < %d)", p.rows,
		),
		"{ca}", p.ca, "{expired}", p.expired, "{revoked}", p.revoked, "{ended}", at(ended), "{ending}", at(ending),
		"{begun}", at(begun),
		"{serial}", "'5' || substr(lower(hex(randomblob(16))), 2)", "{der}", blob(p.der), "{key}", blob(p.der/2),
		"{false}", "0")
}

// nextClient lets PostgreSQL continue after the ids that were seeded; SQLite does so by itself.
const nextClient = "SELECT setval(pg_get_serial_sequence('clients', 'id'), (SELECT max(id) FROM clients))"

// settle lets the database finish its deferred work, so that it does not do it while it is
// measured.
func (e engine) settle(ctx context.Context, db *sql.DB) error {
	statements := []string{nextClient, "VACUUM (ANALYZE)", "CHECKPOINT"}
	if e.cluster == nil {
		statements = []string{"PRAGMA wal_checkpoint(TRUNCATE)"}
	}
	for _, statement := range statements {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}
