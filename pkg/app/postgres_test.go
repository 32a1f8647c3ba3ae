package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

func TestMigrations_OfPostgreSQLAreAStepOfTheirOwn(t *testing.T) {
	t.Parallel()
	o := onEmptyPostgres(t)
	wantRefusal(t, o, "the database lacks", "chaveiro migrate up")
	wantCommand := func(code int, words string, args ...string) {
		t.Helper()
		outcome := apptest.Command(t, o, args...)
		if (outcome.Code != 0) != (code != 0) || !strings.Contains(outcome.Stdout, words) {
			t.Errorf(
				"%q: code %d, stdout %q, stderr %q; want %q", args, outcome.Code, outcome.Stdout, outcome.Stderr, words,
			)
		}
	}
	wantCommand(1, "missing  00001_", "migrate", "status")
	wantRefusal(t, o, "the database lacks") // a look changes nothing
	wantCommand(0, "applied 00001_", "migrate", "up")
	wantCommand(0, "up to date\n", "migrate", "up")
	wantCommand(0, "applied  00001_", "migrate", "status")
	p := apptest.Start(t, o)
	wantReady(t, p.URL)
	if log := p.Log(); strings.Contains(log, "migration applied") {
		t.Errorf("it migrates again: %s", log)
	}
}

func TestMigrations_OfPostgreSQLAtStart(t *testing.T) {
	t.Parallel()
	o := onEmptyPostgres(t)
	o.Env = []string{"CHAVEIRO_AUTO_MIGRATE=true"}
	p := apptest.Start(t, o)
	wantReady(t, p.URL)
	if log := p.Log(); !strings.Contains(log, "migration applied") {
		t.Errorf("no word of the migration: %s", log)
	}
	createCA(t, login(t, p), "migrated")
}

// startReplicas starts two servers that share a database and a master key, and nothing else.
func startReplicas(t *testing.T) (a, b *apptest.Process, o apptest.Options) {
	t.Helper()
	o = onPostgres(t)
	o.Env = []string{"CHAVEIRO_MASTER_KEY=" + keyText()}
	other := o
	other.DataDir = onSQLite(t).DataDir
	return apptest.Start(t, o), apptest.Start(t, other), o
}

func TestReplicas_ServeEachOthersRevocations(t *testing.T) {
	t.Parallel()
	a, b, _ := startReplicas(t)
	one := login(t, a)
	two := &apptest.Client{URL: b.URL, Token: one.Token}
	authority := createCA(t, one, "shared")
	issuer := must(parseCertificates(get(t, two, caPath(authority.ID, "/certificate"))))[0]
	last := int64(0)
	for i := range 10 {
		site := createClient(t, two, authority.ID, "site-"+string(rune('a'+i)))
		leaf := must(parseCertificates(get(t, one, clientPath(site.ID, "/certificate"))))[0]
		revoke(t, one, site.ID)
		for _, reader := range []*apptest.Client{two, one} {
			crl, err := parseCRL(get(t, reader, caPath(authority.ID, "/crl")), issuer)
			if err != nil {
				t.Fatal(err)
			}
			if number := crl.Number.Int64(); !listedIn(crl)[leaf.SerialNumber.String()] || number < last {
				t.Fatalf("list %d after %d: %d entries, this one among them: %t", number, last,
					len(crl.RevokedCertificateEntries), listedIn(crl)[leaf.SerialNumber.String()])
			}
			last = crl.Number.Int64()
		}
		one, two = two, one
	}
}

// TestReplicas_ForgetCredentials changes access rights at one replica, or at the command line. Both
// replicas must follow, for the token of the apikey and for its access tokens.
func TestReplicas_ForgetCredentials(t *testing.T) {
	t.Parallel()
	a, b, o := startReplicas(t)
	admin := login(t, a)
	other := &apptest.Client{URL: b.URL, Token: admin.Token}
	role := createRole(t, admin, "leitura", scope("openvpn.cas", true, false))
	rolePath := fmt.Sprintf("%s/%d", roles, role)
	command := func(args ...string) func(apikey) {
		return func(key apikey) {
			apptest.MustCommand(t, o, append([]string{"apikey", args[0], fmt.Sprint(key.ID)}, args[1:]...)...)
		}
	}
	update := func(c *apptest.Client, in object) func(apikey) {
		return func(key apikey) { wantStatus(t, c, http.MethodPut, key.path(), in, http.StatusOK) }
	}
	grant := func(scopes ...object) func(apikey) {
		return func(apikey) {
			wantStatus(
				t, other, http.MethodPut, rolePath, object{"scopes": append([]object{}, scopes...)}, http.StatusOK,
			)
		}
	}
	for i, test := range []struct {
		name   string
		change func(apikey)
		status int
	}{
		{"revoked by a command", command("revoke", "--yes"), http.StatusUnauthorized},
		{"rotated by a command", command("rotate", "--overlap", "0s"), http.StatusUnauthorized},
		{
			"deleted", func(key apikey) { wantStatus(t, other, http.MethodDelete, key.path(), nil, http.StatusOK) },
			http.StatusUnauthorized,
		},
		{"disabled", update(admin, object{"enabled": false}), http.StatusUnauthorized},
		{"bound to an address", update(other, object{"allowed_ips": []string{"192.0.2.1"}}), http.StatusForbidden},
		{"without its role", update(admin, object{"roles": []int64{}}), http.StatusForbidden},
		{"with a role that grants less", grant(), http.StatusForbidden},
	} {
		t.Run(test.name, func(t *testing.T) {
			name := fmt.Sprintf("key %d", i)
			token := createKey(t, o, "--name", name, "--role", fmt.Sprint(role))
			machine, err := exchange(admin, t, token)
			if err != nil {
				t.Fatal(err)
			}
			var all []*apptest.Client
			for _, p := range []*apptest.Process{a, b} {
				all = append(
					all, &apptest.Client{URL: p.URL, Token: token}, &apptest.Client{URL: p.URL, Token: machine.Access},
				)
			}
			key := find(t, admin, name)
			wantSoon(t, cas, all, test.status, func() { test.change(key) })
			if i == 6 {
				wantSoon(t, cas, all, http.StatusOK, func() { grant(scope("openvpn.cas", true, true))(key) })
			}
		})
	}
}

func TestReplicas_ForgetSigningKeys(t *testing.T) {
	t.Parallel()
	a, b, o := startReplicas(t)
	admin := login(t, a)
	password := strings.TrimSpace(apptest.MustCommand(t, o, "user", "create", "--username", "maria", "--superuser"))
	maria, err := signIn(admin, t, "maria", password)
	if err != nil {
		t.Fatal(err)
	}
	machine, err := exchange(admin, t, admin.Token)
	if err != nil {
		t.Fatal(err)
	}
	var all []*apptest.Client
	for _, p := range []*apptest.Process{a, b} {
		all = append(
			all, &apptest.Client{URL: p.URL, Token: maria.Access}, &apptest.Client{URL: p.URL, Token: machine.Access},
		)
	}
	wantSoon(
		t, cas, all, http.StatusUnauthorized, func() { apptest.MustCommand(t, o, "signing-key", "rotate", "--revoke") },
	)
}
