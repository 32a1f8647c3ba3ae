package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
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

// clientSQL makes a part of the clients; {words} are replaced by what differs between engines,
// populations and parts.
const clientSQL = `
INSERT INTO clients (id, ca_id, name, name_key, description, country, province, city, organization, sector, email,
    serial, fingerprint, key_algorithm, not_before, expires_at, expired, revoked_at, held_name, created_at, updated_at)
WITH RECURSIVE numbers (i) AS ({numbers})
SELECT i, {ca}, 'site-' || i, 'site-' || i, 'Empresa XYZ', 'BR', 'Rio de Janeiro', 'Rio de Janeiro', 'Empresa XYZ', 'Suporte', 'site@example.com',
    '5a5b5c5d5e5f5a5b5c5d5e5f5a5b5c5d', '5a5b5c5d5e5f5a5b5c5d5e5f5a5b5c5d5a5b5c5d5e5f5a5b5c5d5e5f5a5b5c5d', 'ecdsa-p256', {begun},
    CASE WHEN {expired} THEN {ended} ELSE {ending} END, {expired}, CASE WHEN {revoked} THEN {begun} END,
    CASE WHEN {expired} OR {revoked} THEN NULL ELSE 'site-' || i END, {begun}, {begun}
FROM numbers`

// certificateSQL makes their certificates. The id of a certificate is that of its client.
const certificateSQL = `
INSERT INTO certificates (ca_id, client_id, kind, name, name_key, serial, fingerprint, key_algorithm, not_before, not_after, der, sealed_key,
    key_protected, revoked_at, created_at)
SELECT ca_id, id, 'client', name, name_key, {serial}, fingerprint || id, key_algorithm, created_at, expires_at, {der}, {key}, {false}, revoked_at,
    created_at FROM clients WHERE id BETWEEN {first} AND {last} ORDER BY id`

// revocationSQL make the revocations of all certificates.
var revocationSQL = []string{`
INSERT INTO revocations (ca_id, serial, epoch, revoked_at, reason, not_after)
SELECT t.ca_id, t.serial, row_number() OVER (PARTITION BY t.ca_id ORDER BY t.id), c.revoked_at, 0, t.not_after
FROM certificates t JOIN clients c ON c.id = t.client_id WHERE c.revoked_at IS NOT NULL`, `
UPDATE cas SET revocation_epoch = (SELECT count(*) FROM revocations WHERE ca_id = cas.id)`,
}

// seededPart is how many clients one transaction makes: the journals stay small.
const seededPart = 500_000

// forgetSQL let the servers look at what has come without an event: they know what there was.
var forgetSQL = []string{"DELETE FROM census", "DELETE FROM ending_looks"}

// seed writes the rows to a database directly, and builds the indexes after them.
func (e engine) seed(ctx context.Context, location string, p population) error {
	db, err := e.connect(location)
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1) // what is set for a connection holds for all that follows
	err = e.withoutIndexes(ctx, db, func() error { return e.seedRows(ctx, db, p) })
	if err == nil {
		err = execAll(ctx, db, forgetSQL)
	}
	if err == nil {
		err = e.settle(ctx, db)
	}
	return errors.Join(err, db.Close())
}

func (e engine) seedRows(ctx context.Context, db *sql.DB, p population) error {
	parts := []string{clientSQL}
	if p.der > 0 {
		parts = append(parts, certificateSQL)
	}
	for _, text := range parts {
		for first := 1; first <= p.rows; first += seededPart {
			words := e.words(p, first, min(first+seededPart-1, p.rows))
			if err := execAll(ctx, db, []string{words.Replace(text)}); err != nil {
				return err
			}
		}
	}
	if p.der == 0 {
		return nil
	}
	return execAll(ctx, db, revocationSQL)
}

// words are the replacements for the clients from first to last.
func (e engine) words(p population, first, last int) *strings.Replacer {
	octets := func(n int) string { return fmt.Sprintf("decode(repeat('5a', %d), 'hex')", n) }
	blob := func(n int) string { return fmt.Sprintf("randomblob(%d)", n) }
	now := time.Now().Unix()
	ended, ending, begun := fmt.Sprintf("%d - i", now-86400), fmt.Sprintf("%d + i", now+30*86400),
		fmt.Sprintf("%d + i", now-60*86400)
	if e.cluster != nil {
		return strings.NewReplacer(
			"{numbers}", fmt.Sprintf("SELECT generate_series(%d, %d)", first, last),
			"{first}", strconv.Itoa(first), "{last}", strconv.Itoa(last),
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
		"{numbers}", fmt.Sprintf("SELECT %d UNION ALL SELECT i + 1 FROM numbers WHERE i < %d", first, last),
		"{first}", strconv.Itoa(first), "{last}", strconv.Itoa(last),
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
	return execAll(ctx, db, statements)
}

func execAll(ctx context.Context, db *sql.DB, statements []string) error {
	for _, text := range statements {
		if _, err := db.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
	}
	return nil
}
