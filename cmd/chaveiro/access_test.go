package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// record reads what --json prints of one record.
func record(t *testing.T, o apptest.Options, line string) map[string]any {
	t.Helper()
	var read map[string]any
	if err := json.Unmarshal([]byte(must(t, o, line+" --json")), &read); err != nil {
		t.Fatal(err)
	}
	return read
}

func TestRole(t *testing.T) {
	t.Parallel()
	o := dataDir(t)
	must(t, o, "role create --name Leitura --scope openvpn.cas:r --scope openvpn.clients:rw")
	must(t, o, "role create --name empty")
	if got, want := must(t, o, "role list"), ""+
		"ID  NAME     SCOPES\n"+
		"1   Leitura  openvpn.cas:r, openvpn.clients:rw\n"+
		"2   empty    -\n"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	wantWords(t, must(t, o, "role show LEITURA"), "id          1\n", "scopes      openvpn.cas:r, openvpn.clients:rw\n")
	wantFail(t, o, 2, `there is no scope "all": the scopes are auth.users, `, "role create --name x --scope all:r")
	wantFail(t, o, 2, "r, w or rw", "role create --name x --scope audit")
	wantFail(t, o, 4, "duplicated", "role create --name leitura")
	wantFail(t, o, 3, `there is no role named "none"`, "role show none")
	must(t, o, "apikey create --name reader --role leitura")
	wantFail(t, o, 4, `"Delete the role \"empty\" (id 2)?"`, "role delete empty")
	wantFail(t, o, 4, "role is in use", "role delete 1 --yes")
	must(t, o, "role delete empty --yes")
	wantFail(t, o, 3, "there is no role with the id 2", "role show 2")
}

func TestUser(t *testing.T) {
	t.Parallel()
	o := dataDir(t)
	must(t, o, "role create --name leitura")
	must(t, o, "user create --username Maria --email maria@example.com --role leitura")
	if got, want := must(t, o, "user list"), ""+
		"ID  USERNAME  EMAIL              FULL NAME  SUPERUSER  ROLES    ENABLED\n"+
		"1   Maria     maria@example.com  -          false      leitura  true\n"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	wantFail(t, o, 3, `there is no role named "escrita"`, "user create --username joao --role escrita")
	must(t, o, "user disable maria")
	if record(t, o, "user show MARIA")["enabled"] != false {
		t.Error("it is enabled")
	}
	must(t, o, "user enable 1")
	if record(t, o, "user show 1")["enabled"] != true {
		t.Error("it is disabled")
	}
	must(t, o, "user unlock 1")
	must(t, o, "user unlock maria --address 192.0.2.7")
	wantFail(t, o, 2, "a username or --address is missing", "user unlock")
	wantFail(t, o, 3, `there is no user named "joao"`, "user unlock joao")
	wantFail(t, o, 4, `"Delete the user \"Maria\" (id 1)?"`, "user delete maria")
	must(t, o, "user delete maria --yes")
	wantFail(t, o, 3, `there is no user named "maria"`, "user show maria")
}

// TestUser_Password: a user signs in with a password that a command has set, and no longer with the
// one before.
func TestUser_Password(t *testing.T) {
	t.Parallel()
	o := dataDir(t)
	first := strings.TrimSpace(must(t, o, "user create --username maria --superuser"))
	server := apptest.Start(t, o)
	wantSignIn(t, server, first, true)
	o.Stdin = longPassword + "\n"
	if got := must(t, o, "user password maria --password-stdin"); got != "" {
		t.Errorf("it prints %q", got)
	}
	wantSignIn(t, server, longPassword, true)
	wantSignIn(t, server, first, false)
	third := strings.TrimSpace(must(t, o, "user password 1 --generate"))
	wantSignIn(t, server, third, true)
	wantSignIn(t, server, longPassword, false)
	o.Stdin = "short\n"
	wantFail(t, o, 2, "password: too short, it needs 12 characters", "user password maria --password-stdin")
	wantFail(t, o, 2, "no terminal", "user password maria")
	wantFail(t, o, 2, "--generate", "user password maria --generate --password-stdin")
	wantFail(t, o, 2, "unexpected argument", "user password maria secret")
	wantSignIn(t, server, third, true)
}

func wantSignIn(t *testing.T, server *apptest.Process, password string, want bool) {
	t.Helper()
	c := &apptest.Client{URL: server.URL}
	err := c.Do(t.Context(), "POST", "/api/oauth2/token", map[string]any{
		"grant_type": "password", "username": "maria", "password": password,
	}, nil)
	if (err == nil) != want {
		t.Errorf("signing in: %v, want %t", err, want)
	}
}

func TestAPIKey(t *testing.T) {
	t.Parallel()
	o := dataDir(t)
	must(t, o, "role create --name leitura")
	must(t, o, "apikey create --name root --superuser")
	before := time.Now()
	token := must(t, o, "apikey create --name CI --role LEITURA --expires 90d --rate-limit 60 --allowed-ip 192.0.2.0/24")
	key := record(t, o, "apikey show ci")
	expires, err := time.Parse(dialectDate, key["expires_at"].(string))
	if err != nil || expires.Sub(before) < 90*day || expires.Sub(before) > 90*day+time.Minute {
		t.Errorf("it ends at %s (%v)", expires, err)
	}
	if role := key["roles"].([]any)[0].(map[string]any); role["name"] != "leitura" || key["rate_limit"] != 60.0 ||
		key["allowed_ips"].([]any)[0] != "192.0.2.0/24" {
		t.Errorf("%v", key)
	}
	wantWords(t, must(t, o, "apikey list"), "2   CI    false      leitura  true     "+expires.Format(time.RFC3339)+"  -          -\n")
	must(t, o, "apikey create --name dated --expires 2099-12-31")
	if at := record(t, o, "apikey show dated")["expires_at"]; at != "2099-12-31T00:00:00.000000+00:00" {
		t.Errorf("it ends at %s", at)
	}
	wantFail(t, o, 2, "years and months have no fixed length", "apikey create --name x --expires P1Y")
	wantFail(t, o, 3, `there is no role named "none"`, "apikey create --name x --role none")
	if again := must(t, o, "apikey rotate ci --overlap P1D"); again == token {
		t.Error("the token stays the same")
	}
	wantFail(t, o, 2, "--overlap: below 0s", "apikey rotate ci --overlap=-1s")
	must(t, o, "apikey disable ci")
	if record(t, o, "apikey show 2")["enabled"] != false {
		t.Error("it is enabled")
	}
	must(t, o, "apikey enable CI")
	wantFail(t, o, 4, "at least one superuser must remain", "apikey disable root")
	wantFail(t, o, 4, `"Delete the apikey \"CI\" (id 2)? Its tokens stop working."`, "apikey revoke ci")
	must(t, o, "apikey delete ci --yes")
	wantFail(t, o, 3, `there is no apikey named "ci"`, "apikey show ci")
	wantFail(t, o, 4, "Remove all events from before", "audit prune --keep 365d")
	apptest.MustCommand(t, o, "audit", "prune", "--keep", "365d", "--yes")
}

// TestAPIKey_First: the first apikey makes the database, and says so; a faulty one does not.
func TestAPIKey_First(t *testing.T) {
	t.Parallel()
	o := apptest.Options{DataDir: filepath.Join(t.TempDir(), "data")}
	for _, fault := range []string{"--name=", "--name a --rate-limit=-1", "--name a --allowed-ip here", "--name a --expires 1"} {
		wantFail(t, o, 2, "", "apikey create "+fault)
		wantFail(t, o, 1, "there is no database at ", "apikey list")
	}
	wantFail(t, o, 1, "there is no database at ", "apikey create --name a --role leitura")
	outcome := apptest.Command(t, o, "apikey", "create", "--name", "root", "--superuser")
	if outcome.Code != 0 || len(strings.Split(outcome.Stdout, ".")) != 3 ||
		!strings.Contains(outcome.Stderr, `"a new database was made","database":"`+filepath.Join(o.DataDir, "chaveiro.db")) {
		t.Fatalf("%+v", outcome)
	}
	c := &apptest.Client{URL: apptest.Start(t, o).URL, Token: strings.TrimSpace(outcome.Stdout)}
	if _, err := c.Bytes(t.Context(), "/api/3rdparty/apikeys"); err != nil {
		t.Error(err)
	}
	must(t, o, "apikey create --name second")
	lost := apptest.Options{DataDir: o.DataDir, DatabaseURL: filepath.Join(t.TempDir(), "other.db")}
	wantFail(t, lost, 1, "is gone or empty", "apikey create --name third")
}
