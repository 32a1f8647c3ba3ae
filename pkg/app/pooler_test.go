package app_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/store/pgtest"
)

// TestPooler serves through PgBouncer in transaction mode, after a start was refused with the
// settings that are needed.
func TestPooler(t *testing.T) {
	t.Parallel()
	direct := onPostgres(t)
	pooled := direct
	pooled.DatabaseURL = pgtest.PgBouncer(t, direct.DatabaseURL)
	wantRefusal(t, pooled, "PgBouncer", `ALTER ROLE "postgres" SET statement_timeout = '30s'`)
	db := openDatabase(t, direct)
	for _, name := range []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"} {
		if _, err := db.ExecContext(t.Context(),
			"DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET "+name+
				" = ''20s''', current_database()); END $$"); err != nil {
			t.Fatal(err)
		}
	}
	pooled.DatabaseURL = pgtest.PgBouncer(t, direct.DatabaseURL)
	one, two := apptest.Start(t, pooled), apptest.Start(t, pooled)
	c := login(t, one)
	for i, name := range []string{"a", "b", "c"} {
		authority := createCA(t, c, "ca-"+name)
		site := createClient(t, c, authority.ID, "site-"+name)
		get(t, c, clientPath(site.ID, "/key"))
		revoke(t, c, site.ID)
		issuer := must(parseCertificates(get(t, c, caPath(authority.ID, "/certificate"))))[0]
		if list := must(parseCRL(get(t, c, caPath(authority.ID, "/crl")), issuer)); len(
			list.RevokedCertificateEntries,
		) != 1 {
			t.Errorf("the list of %s has %d entries", name, len(list.RevokedCertificateEntries))
		}
		createRole(t, c, "role-"+name, scope("openvpn.cas", true, false))
		c.URL = []string{one.URL, two.URL}[(i+1)%2]
	}
	devices := pooled
	devices.Stdin = "hostname,ip,type,model,vendor,site\nsrv-1,192.0.2.1,Server,M,V,S\nsrv-2,192.0.2.2,Server,M,V,S\n"
	if said := apptest.MustCommand(t, devices, "device", "import", "-"); !strings.Contains(said, "2 created") {
		t.Error(said)
	}
	wantStatus(t, c, http.MethodGet, "/api/pam/devices?hostname=srv-*", nil, http.StatusOK)
	wantWhole(t, pooled, 1+3*5+2)
	wantReady(t, one.URL)
	if said := apptest.MustCommand(t, pooled, "migrate", "up"); said != "up to date\n" {
		t.Error(said)
	}
}
