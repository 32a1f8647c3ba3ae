package main

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// endAll makes all certificates of clients end two years ago. The DER stays as it is: nothing that
// moves them reads it.
func endAll(t *testing.T, o apptest.Options) {
	t.Helper()
	execute(
		t, o, "UPDATE certificates SET not_after = '2024-01-31 12:00:00+00:00'",
		"UPDATE clients SET expires_at = '2024-01-31 12:00:00+00:00', expired = 1, held_name = NULL",
	)
}

// execute changes the database past the program.
func execute(t *testing.T, o apptest.Options, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(o.DataDir, "chaveiro.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range statements {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
}

// inHex makes a serial one that is in hex, also if it has digits alone.
func inHex(serial string) string { return serial[:2] + ":" + serial[2:] }

// TestCertArchive: certificates that ended move with their clients, and are found by their serial
// afterwards, in the archive alone. An export still has them.
func TestCertArchive(t *testing.T) {
	t.Parallel()
	o := pkiDir(t)
	must(t, o, "client renew site-rio --overlap 1d")
	serial := strings.TrimSpace(must(t, o, "cert list --client site-recife --csv"))
	serial = strings.Split(strings.Split(serial, "\r\n")[1], ",")[5]
	must(t, o, "cert archive --keep 30d --dry-run")
	endAll(t, o)
	want := "up to 3 certificates would move, and 2 clients with them\n"
	if got := must(t, o, "cert archive --keep 365d --dry-run"); got != want {
		t.Error(got)
	}
	wantFail(t, o, 4, "there is no terminal to ask at", "cert archive --keep 365d")
	wantFail(t, o, 2, "--keep: below 30d", "cert archive --keep 29d --yes")
	moved := apptest.Command(t, o, "cert", "archive", "--keep", "365d", "--yes")
	if moved.Code != 0 || moved.Stdout != "3 certificates moved to the archive, and 2 clients with them\n" {
		t.Fatalf("%+v", moved)
	}
	if got := must(t, o, "audit verify"); !strings.Contains(got, "3 certificates in the archive, 0 of which no event has a digest, 0 problems\n") {
		t.Error(got)
	}
	wantFail(t, o, 3, "there is no certificate", "cert show "+inHex(serial))
	shown := must(t, o, "cert archived show --json "+inHex(serial))
	for _, part := range []string{`"name":"site-recife"`, `"client":{"user":false,"name":"site-recife"`, `"email":"recife@example.com"`, "BEGIN CERTIFICATE"} {
		if !strings.Contains(shown, part) {
			t.Errorf("no %s in %s", part, shown)
		}
	}
	if rows := must(t, o, "cert archived list --csv --name SITE-RIO"); strings.Count(rows, "\r\n") < 3 {
		t.Error(rows)
	}
	wantFail(t, o, 3, "in the archive", "cert archived show "+strings.Repeat("ab", 32))
	wantFail(t, o, 4, "in the archive", "cert revoke --ca 1 --yes --serial 0x"+serial)
	if got := must(t, o, "export pki --ca 1 "+filepath.Join(t.TempDir(), "pki")); !strings.Contains(got, "3 certificates") {
		t.Error(got)
	}
	if got := must(t, o, "client list --csv"); strings.Contains(got, "site-") {
		t.Error(got)
	}
}

// TestCertArchive_Altered: the audit tells what was changed in the archive, or removed from it,
// since it was moved there.
func TestCertArchive_Altered(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ statement, words string }{
		"altered":   {"UPDATE archived_certificates SET revoked_at = NULL, reason = 0", "was altered"},
		"renamed":   {"UPDATE archived_certificates SET client = replace(client, 'rio', 'foz')", "was altered"},
		"removed":   {"DELETE FROM archived_certificates WHERE id = (SELECT min(id) FROM archived_certificates)", "certificates, and "},
		"all of it": {"DELETE FROM archived_certificates", "is gone"},
		"hidden":    {"UPDATE archived_certificates SET batch = ''", "is gone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := pkiDir(t)
			must(t, o, "client revoke --yes site-rio")
			must(t, o, "client revoke --yes site-recife")
			endAll(t, o)
			execute(t, o, "DELETE FROM revocations")
			must(t, o, "cert archive --keep 365d --yes")
			execute(t, o, test.statement)
			out := apptest.Command(t, o, "audit", "verify")
			if out.Code != 1 || !strings.Contains(out.Stdout, test.words) ||
				!strings.Contains(out.Stderr, "the archive is not as the audit says") {
				t.Errorf("%+v", out)
			}
		})
	}
}
