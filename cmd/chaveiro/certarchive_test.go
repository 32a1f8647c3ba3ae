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
	db, err := sql.Open("sqlite", filepath.Join(o.DataDir, "chaveiro.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{
		"UPDATE certificates SET not_after = '2024-01-31 12:00:00+00:00'",
		"UPDATE clients SET expires_at = '2024-01-31 12:00:00+00:00', expired = 1, held_name = NULL",
	} {
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
	wantFail(t, o, 2, "less than 30d", "cert archive --keep 29d --yes")
	moved := apptest.Command(t, o, "cert", "archive", "--keep", "365d", "--yes")
	if moved.Code != 0 || moved.Stdout != "3 certificates moved to the archive, and 2 clients with them\n" {
		t.Fatalf("%+v", moved)
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
