package app_test

import (
	"fmt"
	"net/http"
	"os/user"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// The routes of access rights.
const (
	apikeys  = "/api/3rdparty/apikeys"
	roles    = "/api/roles"
	tokens   = "/api/oauth2/token"
	userInfo = "/api/user/info"
	events   = "/api/audit/events"
)

// apikey is what the tests read of an apikey.
type apikey struct {
	ID          int64    `json:"id"`
	Name        string   `json:"name"`
	Token       string   `json:"token"`
	Description string   `json:"description"`
	Superuser   bool     `json:"superuser"`
	Roles       []record `json:"roles"`
	AllowedIPs  []string `json:"allowed_ips"`
	LastUsedAt  *string  `json:"last_used_at"`
	LastUsedIP  *string  `json:"last_used_ip"`
}

func (k apikey) path() string { return fmt.Sprintf("%s/%d", apikeys, k.ID) }

// find returns the apikey of a name.
func find(t *testing.T, c *apptest.Client, name string) apikey {
	t.Helper()
	var page struct{ Apikeys []apikey }
	if err := c.Do(t.Context(), http.MethodGet, apikeys+"?size=100", nil, &page); err != nil {
		t.Fatal(err)
	}
	for _, key := range page.Apikeys {
		if key.Name == name {
			return key
		}
	}
	t.Fatalf("there is no apikey %s", name)
	return apikey{}
}

// scope is a line of a role.
func scope(name string, read, write bool) object {
	return object{"name": name, "read": read, "write": write}
}

func createRole(t *testing.T, c *apptest.Client, name string, scopes ...object) int64 {
	t.Helper()
	return create(t, c, roles, object{"name": name, "scopes": scopes}).ID
}

// createKey makes an apikey at the command line and returns its token, which must be the only
// output of the command.
func createKey(t *testing.T, o apptest.Options, args ...string) string {
	t.Helper()
	return printedToken(t, o, append([]string{"apikey", "create"}, args...)...)
}

func printedToken(t *testing.T, o apptest.Options, args ...string) string {
	t.Helper()
	outcome := apptest.Command(t, o, args...)
	if outcome.Code != 0 || !tokenLine.MatchString(outcome.Stdout) || outcome.Stderr != "" {
		t.Fatalf("%q: code %d, stdout %q, stderr %q", args, outcome.Code, outcome.Stdout, outcome.Stderr)
	}
	return strings.TrimSpace(outcome.Stdout)
}

// session is the answer to a sign-in or an exchange.
type session struct {
	Refresh string `json:"refresh_token"`
	Access  string `json:"access_token"`
}

// exchange gets an access token for the token of an apikey or of a session.
func exchange(c *apptest.Client, t *testing.T, refresh string) (s session, err error) {
	t.Helper()
	err = c.Do(
		t.Context(), http.MethodPost, tokens, object{"grant_type": "refresh_token", "refresh_token": refresh}, &s,
	)
	return s, err
}

// signIn begins a session.
func signIn(c *apptest.Client, t *testing.T, username, password string) (s session, err error) {
	t.Helper()
	err = c.Do(
		t.Context(), http.MethodPost, tokens, object{
			"grant_type": "password", "username": username, "password": password,
		}, &s,
	)
	return s, err
}

// promised is the longest time until a change of access rights is in force on every server.
const promised = time.Second

// wantSoon makes a change, after which the GET of every client must be answered with the status,
// within the promised time: a request with another answer must have been sent before that. Before
// the change no client is answered with the status.
func wantSoon(t *testing.T, path string, clients []*apptest.Client, status int, change func()) {
	t.Helper()
	ask := func(c *apptest.Client) int { return statusOf(c.Do(t.Context(), http.MethodGet, path, nil, nil)) }
	for i, c := range clients {
		if got := ask(c); got == status {
			t.Fatalf("client %d is answered with %d before the change", i, got)
		}
	}
	last := make([]time.Time, len(clients)) // when the last request with another answer was sent
	var watchers sync.WaitGroup
	for i, c := range clients {
		watchers.Go(func() {
			got := 0
			for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
				sent := time.Now()
				if got = ask(c); got == status {
					return
				}
				last[i] = sent
			}
			t.Errorf("client %d is still answered with %d", i, got)
		})
	}
	change()
	changed := time.Now()
	watchers.Wait()
	latest := time.Duration(0)
	for _, at := range last {
		latest = max(latest, at.Sub(changed))
	}
	t.Logf("%d for %d clients from %d ms on", status, len(clients), latest.Milliseconds())
	if latest >= promised {
		t.Errorf("it held after %s, not within %s", latest, promised)
	}
}

func wantStatus(t *testing.T, c *apptest.Client, method, path string, in any, want int) {
	t.Helper()
	if err := c.Do(t.Context(), method, path, in, nil); statusOf(err) != want {
		t.Errorf("%s %s: got %v, want %d", method, path, err, want)
	}
}

// event is what the tests read of the audit.
type event struct {
	Actor        struct{ Type, Name string }
	Address      string
	Operation    string
	Action       string
	Outcome      string
	ResourceID   int64  `json:"resource_id"`
	ResourceName string `json:"resource_name"`
}

// wantCommands checks that the audit of a resource, or with id 0 of all resources of that kind, has
// exactly these commands in this order, made by the user who runs the test.
func wantCommands(t *testing.T, c *apptest.Client, resource string, id int64, want ...string) {
	t.Helper()
	account, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	var page struct{ Events []event }
	path := fmt.Sprintf("%s?resource=%s", events, resource)
	if id != 0 {
		path += fmt.Sprintf("&resource_id=%d", id)
	}
	if err := c.Do(t.Context(), http.MethodGet, path, nil, &page); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range page.Events {
		got = append(got, e.Operation)
		if e.Actor.Type != "command" || e.Actor.Name != account.Username || e.Address != "" || e.Outcome != "done" {
			t.Errorf("%+v; want %s at the command line", e, account.Username)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestAPIKeyCommands takes an apikey through its life at the command line, beside a server that
// accepts it.
func TestAPIKeyCommands(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o apptest.Options) {
		p := apptest.Start(t, o)
		admin := login(t, p)
		with := func(token string) *apptest.Client { return &apptest.Client{URL: p.URL, Token: token} }
		role := createRole(t, admin, "leitura", scope("openvpn.cas", true, false))
		first := createKey(t, o, "--name", "leitor", "--description", "lê CAs", "--role", strconv.FormatInt(role, 10),
			"--allowed-ip", "127.0.0.1", "--allowed-ip", "2001:db8::1/32")
		get(t, with(first), cas)
		wantStatus(t, with(first), http.MethodPost, cas, object{"name": "x"}, http.StatusForbidden)
		wantStatus(
			t, with(createKey(t, o, "--name", "longe", "--superuser", "--allowed-ip", "192.0.2.0/24")), http.MethodGet,
			cas, nil, http.StatusForbidden,
		)

		key := find(t, admin, "leitor")
		want := apikey{ID: key.ID, Name: "leitor", Token: first, Description: "lê CAs",
			Roles:      []record{{ID: role, Name: "leitura"}},
			AllowedIPs: []string{"127.0.0.1/32", "2001:db8::/32"}, LastUsedAt: key.LastUsedAt,
			LastUsedIP: key.LastUsedIP}
		if diff := cmp.Diff(want, key); diff != "" {
			t.Error(diff)
		}
		list := apptest.MustCommand(t, o, "apikey", "list")
		for _, name := range []string{"leitor", "longe", t.Name()} {
			if !strings.Contains(list, " "+name+" ") {
				t.Errorf("no %s in the list:\n%s", name, list)
			}
		}
		if strings.Contains(list, "eyJ") || strings.Contains(list, first[len(first)-20:]) {
			t.Errorf("a token is in the list:\n%s", list)
		}

		id := strconv.FormatInt(key.ID, 10)
		var second string
		wantSoon(t, cas, []*apptest.Client{with(first)}, http.StatusUnauthorized, func() {
			second = printedToken(t, o, "apikey", "rotate", id, "--overlap", "0s")
		})
		get(t, with(second), cas)
		third := printedToken(t, o, "apikey", "rotate", id)
		time.Sleep(promised)
		get(t, with(second), cas) // the overlap is an hour
		get(t, with(third), cas)
		wantSoon(t, cas, []*apptest.Client{with(second), with(third)}, http.StatusUnauthorized, func() {
			if outcome := apptest.Command(t, o, "apikey", "revoke", id, "--yes"); outcome != (apptest.Outcome{}) {
				t.Errorf("revoke: %+v", outcome)
			}
		})
		wantCommands(t, admin, "auth.apikeys", key.ID,
			"chaveiro apikey create", "chaveiro apikey rotate", "chaveiro apikey rotate", "chaveiro apikey revoke")
	})
}

// TestLastSuperuser: the last superuser can't be removed before there is another one.
func TestLastSuperuser(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	apptest.MustCommand(t, o, "migrate", "up")
	createKey(t, o, "--name", "first", "--superuser")
	createKey(t, o, "--name", "nobody")
	outcome := apptest.Command(t, o, "apikey", "revoke", "1", "--yes")
	if outcome.Code != 4 || outcome.Stdout != "" ||
		outcome.Stderr != "chaveiro: error: superuser: at least one superuser must remain: make another one first\n" {
		t.Errorf("%+v", outcome)
	}
	if got := apptest.MustCommand(t, o, "audit", "verify"); !strings.HasPrefix(got, "2 events, ") {
		t.Errorf("after two apikeys and a refusal: %s", got)
	}
	apptest.MustCommand(t, o, "user", "create", "--username", "maria", "--superuser")
	apptest.MustCommand(t, o, "apikey", "revoke", "1", "--yes")
}

func TestUserCommands(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o apptest.Options) {
		p := apptest.Start(t, o)
		admin := login(t, p)
		role := createRole(t, admin, "leitura", scope("openvpn.cas", true, false))
		password := apptest.MustCommand(t, o, "user", "create", "--username", "maria", "--superuser")
		wantUser(t, p, "maria", strings.TrimSuffix(password, "\n"), object{
			"username": "maria", "email": "", "fullname": "", "superuser": true, "owner_type": "user", "roles": []any{},
		})
		o.Stdin = "uma senha longa\r\nmais\n"
		if got := apptest.MustCommand(t, o, "user", "create", "--username", "João", "--email", "joao@example.com",
			"--fullname", "João Silva",
			"--role", strconv.FormatInt(role, 10), "--password-stdin"); got != "" {
			t.Errorf("it prints %q", got)
		}
		joao := wantUser(t, p, "joão", "uma senha longa", object{
			"username": "João", "email": "joao@example.com", "fullname": "João Silva", "superuser": false,
			"owner_type": "user",
			"roles":      []any{object{"id": float64(role), "name": "leitura"}},
		})
		get(t, joao, cas)
		wantStatus(t, joao, http.MethodPost, cas, object{"name": "x"}, http.StatusForbidden)
		for words, stdin := range map[string]string{
			"username: duplicated": "uma senha longa", "password: too short, it needs 12": "curta",
			"password: too common": "Senha@123456", "password: it has the user name": "a maria da padaria",
		} {
			o.Stdin = stdin
			outcome := apptest.Command(t, o, "user", "create", "--username", "MARIA", "--password-stdin")
			if outcome.Code < 2 || outcome.Stdout != "" || !strings.Contains(outcome.Stderr, words) ||
				strings.Contains(outcome.Stderr, stdin) {
				t.Errorf("%+v; want %s", outcome, words)
			}
		}
		if _, err := signIn(&apptest.Client{URL: p.URL}, t, "maria", "uma senha longa"); statusOf(
			err,
		) != http.StatusUnauthorized {
			t.Errorf("another's password: %v", err)
		}
		wantCommands(t, admin, "auth.users", 1, "chaveiro user create")
		wantCommands(t, admin, "auth.users", 2, "chaveiro user create")
	})
}

// wantUser signs a user in and checks how the server describes that user.
func wantUser(t *testing.T, p *apptest.Process, username, password string, want object) *apptest.Client {
	t.Helper()
	c := &apptest.Client{URL: p.URL}
	s, err := signIn(c, t, username, password)
	if err != nil {
		t.Fatal(err)
	}
	c.Token = s.Access
	var got object
	if err := c.Do(t.Context(), http.MethodGet, userInfo, nil, &got); err != nil {
		t.Fatal(err)
	}
	delete(got, "id")
	delete(got, "scopes")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	return c
}

func TestSigningKeyCommands(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, o apptest.Options) {
		p := apptest.Start(t, o)
		admin := login(t, p)
		password := strings.TrimSpace(apptest.MustCommand(t, o, "user", "create", "--username", "maria", "--superuser"))
		maria, err := signIn(admin, t, "maria", password)
		if err != nil {
			t.Fatal(err)
		}
		machine, err := exchange(admin, t, admin.Token)
		if err != nil {
			t.Fatal(err)
		}
		sessions := []*apptest.Client{{URL: p.URL, Token: maria.Access}, {URL: p.URL, Token: machine.Access}}
		apptest.MustCommand(t, o, "signing-key", "rotate")
		time.Sleep(promised)
		for _, c := range sessions {
			get(t, c, cas)
		}
		wantSoon(
			t, cas, sessions, http.StatusUnauthorized,
			func() { apptest.MustCommand(t, o, "signing-key", "rotate", "--revoke") },
		)
		if _, err := exchange(admin, t, maria.Refresh); statusOf(err) != http.StatusUnauthorized {
			t.Errorf("the session goes on: %v", err)
		}
		if machine, err = exchange(admin, t, admin.Token); err != nil {
			t.Fatal(err)
		}
		get(t, &apptest.Client{URL: p.URL, Token: machine.Access}, cas)
		if maria, err = signIn(admin, t, "maria", password); err != nil {
			t.Fatal(err)
		}
		get(t, &apptest.Client{URL: p.URL, Token: maria.Access}, cas)
	})
}
