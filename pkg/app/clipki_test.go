package app_test

import (
	"crypto/x509"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// TestPKICommands: commands manage CAs and clients beside a running server. What they revoke is on
// its next list, and they hand out the very list that it serves.
func TestPKICommands(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o apptest.Options) {
		c := login(t, apptest.Start(t, o))
		apptest.MustCommand(t, o, "ca", "create", "--name", "ca-matriz", "--email", "ca@example.com")
		apptest.MustCommand(
			t, o, "client", "create", "--ca", "CA-MATRIZ", "--name", "site-rio", "--email", "a@example.com",
		)
		createClient(t, c, 1, "site-recife")
		issuer := must(decodePEM("CERTIFICATE", []byte(apptest.MustCommand(t, o, "ca", "certificate", "ca-matriz"))))
		listed := func(text []byte) int {
			return len(listedIn(must(parseCRL(text, must(x509.ParseCertificate(issuer[0]))))))
		}
		if n := listed(get(t, c, caPath(1, "/crl"))); n > 0 {
			t.Errorf("%d revocations before any", n)
		}
		apptest.MustCommand(t, o, "client", "revoke", "site-rio", "--yes")
		served := get(t, c, caPath(1, "/crl"))
		printed := apptest.MustCommand(t, o, "crl", "get", "ca-matriz")
		if n := listed(served); n != 1 || printed != string(served) {
			t.Errorf("%d revocations; the server has\n%s\nand the command\n%s", n, served, printed)
		}
		revoke(t, c, 2)
		first := apptest.MustCommand(t, o, "crl", "get", "1")
		if n := listed([]byte(first)); n != 2 || string(get(t, c, caPath(1, "/crl"))) != first {
			t.Errorf("%d revocations, or the server has another list", n)
		}
		list := apptest.MustCommand(t, o, "client", "list", "--status", "revoked", "--csv")
		if strings.Count(list, "\r\n") != 3 {
			t.Errorf("revoked: %s", list)
		}
		wantCommands(t, c, "openvpn.clients", 1, "chaveiro client create", "chaveiro client revoke")
	})
}

// TestAPIKeyCreate_OnEmptyPostgres: a database of PostgreSQL is prepared by migrate up, and by
// nothing else.
func TestAPIKeyCreate_OnEmptyPostgres(t *testing.T) {
	t.Parallel()
	o := onEmptyPostgres(t)
	for range 2 {
		outcome := apptest.Command(t, o, "apikey", "create", "--name", "first", "--superuser")
		if outcome.Code != 1 || outcome.Stdout != "" || !strings.Contains(outcome.Stderr, "chaveiro migrate up") {
			t.Errorf("%+v", outcome)
		}
	}
	apptest.MustCommand(t, o, "migrate", "up")
	apptest.MustCommand(t, o, "apikey", "create", "--name", "first", "--superuser")
}
