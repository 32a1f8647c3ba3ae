package store_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// filling puts rows into a table that a schema has, beginning with a number. `{text}` is octets,
// and `@` a time.
type filling struct {
	since     int64
	statement string
}

// fillings have rows for the tables of all schemas before 16. The clients 1 to 7 are valid,
// revoked, ended, marked as ended, suspended by the list of an imported CA, renewed, and of another
// CA.
var fillings = []filling{
	{1, `INSERT INTO cas (id, name, name_key, description, country, province, city, organization, sector, email, key_algorithm, key_fingerprint, certificate,
		sealed_key, revocation_epoch, crl_number, expires_at, created_at, updated_at) VALUES
		(1, 'Ação', 'ação', 'd', 'BR', 'SP', 'c', 'o', 's', 'a@example.com', 'ed25519', 'f1', {ca 1}, {key 1}, 3, 7, @, @, @),
		(2, 'two', 'two', '', '', '', '', '', '', '', 'rsa-2048', NULL, {ca 2}, {key 2}, 0, 0, @, @, @)`},
	{1, `INSERT INTO clients (id, ca_id, name, name_key, description, country, province, city, organization, sector, email, expires_at, expired, revoked_at, created_at,
		updated_at) VALUES (1, 1, 'Um', 'um', 'd', 'BR', 'SP', 'c', 'o', 's', 'a@example.com', '2036-03-04 12:00:00+00:00', false, NULL, @, @),
		(2, 1, 'dois', 'dois', '', '', '', '', '', '', '', '2036-03-04 12:00:00+00:00', false, @, @, @),
		(3, 1, 'três', 'três', '', '', '', '', '', '', '', '2026-03-01 00:00:00+00:00', false, NULL, @, @),
		(4, 1, 'quatro', 'quatro', '', '', '', '', '', '', '', '2026-03-01 00:00:00+00:00', true, NULL, @, @),
		(5, 1, 'cinco', 'cinco', '', '', '', '', '', '', '', '2036-03-04 12:00:00+00:00', false, @, @, @),
		(6, 1, 'seis', 'seis', '', '', '', '', '', '', '', '2036-03-04 12:00:00+00:00', false, NULL, @, @),
		(7, 2, 'sete', 'sete', '', '', '', '', '', '', '', '2036-03-04 12:00:00+00:00', false, NULL, @, @)`},
	{1, `INSERT INTO certificates (id, ca_id, client_id, serial, not_before, not_after, der, sealed_key, key_protected, created_at) VALUES
		(1, 1, 1, '0a', @, '2036-03-04 12:00:00+00:00', {der 1}, {sealed 1}, true, @), (2, 1, 2, '0b', @, '2036-03-04 12:00:00+00:00', {der 2}, {sealed 2}, false, @),
		(3, 1, 3, '0c', @, '2026-03-01 00:00:00+00:00', {der 3}, {sealed 3}, false, @), (4, 1, 4, '0d', @, '2026-03-01 00:00:00+00:00', {der 4}, {sealed 4}, false, @),
		(5, 1, 5, '0e', @, '2036-03-04 12:00:00+00:00', {der 5}, {sealed 5}, false, @), (6, 1, 6, '0f', @, '2030-03-04 12:00:00+00:00', {der 6}, {sealed 6}, true, @),
		(9, 1, 6, '10', @, '2036-03-04 12:00:00+00:00', {der 9}, {sealed 9}, false, @), (11, 2, 7, '0b', @, '2036-03-04 12:00:00+00:00', {der 11}, {sealed 11}, false, @)`},
	{1, `INSERT INTO revocations (ca_id, serial, epoch, revoked_at, reason, not_after) VALUES (1, '0b', 1, @, 0, @), (1, '0e', 2, @, 6, NULL),
		(1, 'ffff', 2, @, 4, NULL), (1, '0f', 3, @, 1, @)`},
	{1, `INSERT INTO crls (ca_id, number, epoch, this_update, next_update, signed_at, der) VALUES (1, 7, 3, @, @, @, {crl})`},
	{1, `INSERT INTO apikeys (id, name, name_key, superuser, generation, created_at, updated_at) VALUES (1, 'Integração', 'integração', true, 7, @, @)`},
	{1, `INSERT INTO secrets (name, sealed) VALUES ('one', {secret})`},
	{2, `INSERT INTO users (id, username, username_key, email, fullname, superuser, enabled, password_hash, generation, created_at, updated_at)
		VALUES (1, 'Ana', 'ana', 'a@example.com', 'Ana', false, true, 'hash', 2, @, @)`},
	{2, `INSERT INTO roles (id, name, name_key, scopes, created_at, updated_at) VALUES (1, 'role', 'role', '[]', @, @)`},
	{2, `INSERT INTO apikey_roles (apikey_id, role_id) VALUES (1, 1)`},
	{2, `INSERT INTO user_roles (user_id, role_id) VALUES (1, 1)`},
	{2, `INSERT INTO signing_keys (id, sealed, created_at) VALUES ('kid', {signing}, @)`},
	{2, `INSERT INTO throttles (bucket, empty_at) VALUES ('bucket', 77)`},
	{2, `INSERT INTO audit_events (chain, position, hash, at, actor_kind, actor_id, actor_name, address, request_id, operation, action, refused, resource, resource_id,
		resource_name, before, after) VALUES (3, 1, {hash}, @, 'apikey', 1, 'a', '::1', 'r', 'op', 'create', false, 'openvpn.cas', 1, 'Ação', '', '{}')`},
	{2, `INSERT INTO audit_checkpoints (at, base, links, signature) VALUES (@, true, '[]', {signature})`},
	{3, `INSERT INTO device_names (ref, kind, label, label_key) VALUES (1, 'model', 'M', 'm')`},
	{3, `INSERT INTO devices (id, hostname, hostname_key, ip, model_ref, type_ref, vendor_ref, site_ref, domains, connectivities, remote, tags, enabled, created_at,
		updated_at) VALUES (1, 'Host', 'host', '192.0.2.1', 1, 1, 1, 1, '[]', '[]', '[]', '["t"]', true, @, @)`},
	{3, `INSERT INTO device_terms (term, device_id) VALUES ('t:t', 1)`},
	{3, `INSERT INTO device_domains (id, name, name_key, short_name, short_key, created_at, updated_at) VALUES (1, 'corp.example', 'corp.example', 'Corp', 'corp', @, @)`},
	{3, `INSERT INTO pam_applications (id, name, name_key, description, method, enabled, created_at, updated_at) VALUES (1, 'app', 'app', '', 'oauth1', true, @, @)`},
	{3, `INSERT INTO pam_authorizations (id, application_id, name, name_key, enabled, may_write, resources, allowed_ips, referrers, public_key, token, sealed, sealed_before,
		generation, created_at, updated_at) VALUES (1, 1, 'one', 'one', true, true, '["PAM Core"]', '', '[]', 'key', 'token', {sealed}, {}, 1, @, @)`},
	{3, `INSERT INTO nonces (public_key, token, at, nonce) VALUES ('key', 'token', @, 'nonce')`},
	{7, `INSERT INTO device_imports (author, decided, alive_at) VALUES ('author', true, @)`},
	{7, `INSERT INTO device_import_rows (import_id, place, spec) VALUES (1, 1, '{}')`},
	{9, `INSERT INTO replica_clocks (id, ahead, seen_at) VALUES ('replica', 5, @)`},
	{15, `INSERT INTO request_keys (caller_kind, caller_id, value, at, result) VALUES ('apikey', 1, 'value', @, {result})`},
}

// filledAt returns a database at an earlier schema, with rows in all its tables.
func filledAt(t *testing.T, engine string, schema int64) *store.Store {
	t.Helper()
	s := open(t, emptyLocation(t, engine))
	migrate(t, s, min(schema, 15)) // for which the fillings are written
	for _, one := range fillings {
		if one.since <= schema {
			fillIn(t, s, one.statement)
		}
	}
	migrate(t, s, schema)
	return s
}

// migrate brings a database up to a schema.
func migrate(t *testing.T, s *store.Store, schema int64) {
	t.Helper()
	provider, err := s.Migrations()
	if err == nil {
		_, err = provider.UpTo(t.Context(), schema)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func fillIn(t *testing.T, s *store.Store, statement string) {
	t.Helper()
	octets := "CAST('%s' AS blob)"
	if s.Engine() == store.Postgres {
		octets = "'%s'::bytea"
	}
	statement = strings.ReplaceAll(statement, "'{}'", "'braces'") // text, no octets
	before, after := strings.Split(octets, "%s")[0], strings.Split(octets, "%s")[1]
	statement = strings.NewReplacer("{", before, "}", after, "@", "'2026-03-04 12:00:00.5+00:00'").Replace(statement)
	execute(t, writer(t, s), strings.ReplaceAll(statement, "a'2026-03-04 12:00:00.5+00:00'example", "a@example"))
}

// contents are the rows of all tables, as `column=value`, without what goose stores.
func contents(t *testing.T, s *store.Store) map[string][]map[string]string {
	t.Helper()
	tables := map[store.Engine]string{
		store.SQLite:   "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose_%'",
		store.Postgres: "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public' AND table_name NOT LIKE 'goose_%'",
	}[s.Engine()]
	all := map[string][]map[string]string{}
	for _, table := range cells(t, writer(t, s), 0, tables) {
		all[table] = rowsOf(t, s, table)
	}
	return all
}

func rowsOf(t *testing.T, s *store.Store, table string) (all []map[string]string) {
	t.Helper()
	// Another text each time: PostgreSQL runs no prepared statement whose columns have changed.
	query := fmt.Sprintf("SELECT * FROM %s -- %d", table, time.Now().UnixNano())
	rows, err := writer(t, s).QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	for err == nil && rows.Next() {
		values, row := make([]any, len(names)), map[string]string{}
		for i := range values {
			values[i] = new(any)
		}
		err = rows.Scan(values...)
		for i, name := range names {
			row[name] = fmt.Sprint(*values[i].(*any))
		}
		all = append(all, row)
	}
	if err = cmp.Or(err, rows.Err()); err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(all, func(a, b map[string]string) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return all
}

// TestStore_MigrateUp_KeepsAll: every value of every schema is there after the migration.
func TestStore_MigrateUp_KeepsAll(t *testing.T) {
	t.Parallel()
	for _, engine := range []string{"sqlite", "postgres"} {
		for _, schema := range []int64{1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16} {
			t.Run(fmt.Sprintf("%s from schema %d", engine, schema), func(t *testing.T) {
				t.Parallel()
				s := filledAt(t, engine, schema)
				before := contents(t, s)
				for table, rows := range before {
					if len(rows) == 0 && table != "device_befores" { // which is of imports that go on
						t.Errorf("%s is empty", table)
					}
				}
				if _, err := s.MigrateUp(t.Context()); err != nil {
					t.Fatal(err)
				}
				wantKept(t, before, contents(t, s))
			})
		}
	}
}

// wantKept checks that after has the rows of before, and maybe more columns.
func wantKept(t *testing.T, before, after map[string][]map[string]string) {
	t.Helper()
	for table, rows := range before {
		got := []map[string]string{}
		for _, row := range after[table] {
			same := map[string]string{}
			for name, value := range row {
				if _, there := rows[0][name]; there {
					same[name] = value
				}
			}
			got = append(got, same)
		}
		slices.SortFunc(got, func(a, b map[string]string) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		if diff := gocmp.Diff(rows, got); diff != "" && len(rows) > 0 {
			t.Errorf("%s (-before +after):\n%s", table, diff)
		}
	}
}

// TestStore_MigrateUp_Certificates: clients of schema 15 and their certificates say after the
// migration what they are.
func TestStore_MigrateUp_Certificates(t *testing.T) {
	t.Parallel()
	for engine := range locations {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := filledAt(t, engine, 15)
			if s.Engine() == store.Postgres {
				execute(t, writer(t, s), "SELECT setval(pg_get_serial_sequence('certificates', 'id'), 11)")
			}
			if _, err := s.MigrateUp(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, want := range []struct {
				client  int64
				serial  string
				reason  domain.RevocationReason
				revoked bool
				taken   bool // the name
				locked  bool // the key is encrypted
			}{
				{1, "0a", 0, false, true, true}, {2, "0b", 0, true, false, false}, {3, "0c", 0, false, false, false},
				{4, "0d", 0, false, false, false}, {5, "0e", 6, true, true, false}, {6, "10", 0, false, true, false},
				{7, "0b", 0, false, true, false},
			} {
				c, cert := migratedClient(t, s, want.client)
				held, err := s.Clients().NameTaken(t.Context(), c.Name, storeNoon)
				if err != nil || c.Serial != want.serial || c.Reason != want.reason || c.Revoked() != want.revoked ||
					c.KeyProtected != want.locked || held != want.taken || !c.NotBefore.Equal(storeNoon) ||
					c.Fingerprint != "" {
					t.Errorf("%+v, its name is taken: %t (%v)", c, held, err)
				}
				again := c
				again.Take(cert)
				if diff := gocmp.Diff(c, again); diff != "" || cert.Kind != domain.CertificateOfClient ||
					cert.Name != c.Name || !cert.KeyKept || !cert.SupersededAt.IsZero() {
					t.Errorf("%+v (-client +certificate):\n%s", cert, diff)
				}
			}
			wantEarlier(t, s)
		})
	}
}

var storeNoon = time.Date(2026, time.March, 4, 12, 0, 0, 500_000_000, time.UTC)

func migratedClient(t *testing.T, s *store.Store, id int64) (domain.Client, domain.Certificate) {
	t.Helper()
	c, err := s.Clients().Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := s.Certificates().OfClient(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return c, cert
}

// wantEarlier checks the certificate before the newest one of a client, the ids of new ones, and
// that what has ended gives its name.
func wantEarlier(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	cert, err := s.Certificates().OfSerial(ctx, 1, "0f")
	if err != nil || cert.ClientID != 6 || !cert.Revoked() || cert.Reason != domain.KeyCompromise {
		t.Errorf("%+v (%v)", cert, err)
	}
	cert.Serial = "next"
	if err := s.Certificates().Create(ctx, &cert); err != nil || cert.ID != 12 {
		t.Errorf("the next id is %d (%v)", cert.ID, err)
	}
	for name, want := range map[string]bool{"TRÊS": true, "quatro": true, "cinco": false, "um": false, "dois": false} {
		if freed, err := s.Clients().FreeName(ctx, name, storeNoon); err != nil || freed != want {
			t.Errorf("%s comes free: %t (%v)", name, freed, err)
		}
	}
	undescribed, err := s.Certificates().Undescribed(ctx, 100)
	if err != nil || len(undescribed) != 9 {
		t.Errorf("%d are not described (%v)", len(undescribed), err)
	}
}

// TestStore_MigrateDown_Certificates: the schema before comes back with all it can say. While there
// is more to say, it does not come back, and nothing has changed.
func TestStore_MigrateDown_Certificates(t *testing.T) {
	t.Parallel()
	for engine := range locations {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := filledAt(t, engine, 15)
			before := contents(t, s)
			migrate(t, s, 16)
			for _, more := range []struct{ sentence, change, undo string }{
				{"two clients of a name", "clients SET name_key = 'um' WHERE id = 2", "clients SET name_key = 'dois' WHERE id = 2"},
				{"a certificate of no client", "certificates SET client_id = NULL WHERE id = 1",
					"certificates SET client_id = 1 WHERE id = 1"},
				{"a certificate without a key", "certificates SET sealed_key = NULL WHERE id = 1",
					"certificates SET sealed_key = {sealed 1} WHERE id = 1"},
				{"one that was resumed", "revocations SET changed = true, reason = 8 WHERE serial = '0e'",
					"revocations SET changed = false, reason = 6 WHERE serial = '0e'"},
				{"one that is to be revoked", "certificates SET superseded_at = @ WHERE id = 1",
					"certificates SET superseded_at = NULL WHERE id = 1"},
				{"one that is suspended till then", "certificates SET superseded_at = @ WHERE id = 5",
					"certificates SET superseded_at = NULL WHERE id = 5"},
				{"an invalidity date", "revocations SET invalid_since = @ WHERE serial = '0f'",
					"revocations SET invalid_since = NULL WHERE serial = '0f'"},
			} {
				t.Run(more.sentence, func(t *testing.T) {
					fillIn(t, s, "UPDATE "+more.change)
					wantDown(t, s, false, contents(t, s))
					fillIn(t, s, "UPDATE "+more.undo)
				})
			}
			fillIn(t, s, "UPDATE certificates SET superseded_at = @, revoked_at = @, reason = 4 WHERE id = 6")
			wantDown(t, s, true, before)
		})
	}
}

func wantDown(t *testing.T, s *store.Store, can bool, want map[string][]map[string]string) {
	t.Helper()
	wantDownTo(t, s, 15, can, want)
}

func wantDownTo(t *testing.T, s *store.Store, schema int64, can bool, want map[string][]map[string]string) {
	t.Helper()
	provider, err := s.Migrations()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.DownTo(t.Context(), schema); (err == nil) != can {
		t.Errorf("it goes down: %v", err)
	}
	if diff := gocmp.Diff(want, contents(t, s)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
