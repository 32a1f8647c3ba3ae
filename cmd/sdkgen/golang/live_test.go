package golang_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/chaveiro/chaveiro/gen/sdk/go"
	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

func TestMain(m *testing.M) { apptest.Main(m) }

// start starts a server on an empty SQLite database.
func start(t *testing.T, args ...string) (*apptest.Process, apptest.Options) {
	t.Helper()
	o := apptest.Options{DataDir: filepath.Join(t.TempDir(), "data"), Args: args}
	return apptest.Start(t, o), o
}

// token makes an apikey that may do everything.
func token(t *testing.T, p *apptest.Process) chaveiro.APIKey {
	t.Helper()
	token, err := p.Token(t.Context(), t.Name())
	if err != nil {
		t.Fatal(err)
	}
	return chaveiro.APIKey(token)
}

func connect(t *testing.T, config chaveiro.Config) *chaveiro.SDK {
	t.Helper()
	sdk, err := chaveiro.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return sdk
}

// live is a server, and an SDK that may do everything.
type live struct {
	*chaveiro.SDK
	process *apptest.Process
}

// as returns an SDK with other credentials.
func (l live) as(t *testing.T, auth, vault chaveiro.Authenticator) *chaveiro.SDK {
	t.Helper()
	return connect(t, chaveiro.Config{URL: l.process.URL, Auth: auth, VaultAuth: vault})
}

// must returns a value of a call that must succeed.
func must[T any](value T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// content reads a file that a call must give.
func content(file *chaveiro.File, err error) func(t *testing.T) ([]byte, *chaveiro.File) {
	return func(t *testing.T) ([]byte, *chaveiro.File) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		data, err := file.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return data, file
	}
}

// fails returns the error of a call, which must be of the type E.
func fails[E error](t *testing.T, err error) E {
	t.Helper()
	e, ok := errors.AsType[E](err)
	if !ok {
		t.Fatalf("error %v, want %T", err, e)
	}
	return e
}

// fill makes n clients of a CA, a few at a time.
func fill(t *testing.T, sdk *chaveiro.SDK, ca int64, n int) {
	t.Helper()
	var made atomic.Int64
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for i := made.Add(1); i <= int64(n); i = made.Add(1) {
				in := chaveiro.ClientSite2SiteCreate{CAID: ca, Name: fmt.Sprintf("site-%04d", i), Email: "site@example.com"}
				if _, err := sdk.OpenVPN.CreateClientSite2Site(t.Context(), in); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
}

// newCA makes a CA.
func newCA(t *testing.T, sdk *chaveiro.SDK, name string) *chaveiro.CA {
	t.Helper()
	return must(sdk.OpenVPN.CreateCA(t.Context(), chaveiro.CACreate{Name: name, Email: "ca@example.com"}))(t)
}

// TestLive has the flows of a program that uses the SDK, against the server itself.
func TestLive(t *testing.T) {
	t.Parallel()
	p, o := start(t)
	key := token(t, p)
	sdk := live{connect(t, chaveiro.Config{URL: p.URL, Auth: key, Language: "en"}), p}
	for name, flow := range map[string]func(*testing.T, live){
		"a client": flowClient, "pages": flowPages, "apikeys": flowApikeys, "users": flowUsers, "devices": flowDevices,
		"the vault": flowVault, "pages that move": flowMoved, "three states": flowStates,
		"the example of the README": func(t *testing.T, l live) {
			site := chaveiro.ClientSite2SiteCreate{
				CAID: newCA(t, sdk.SDK, "ca of the example").ID, Name: "site-of-the-example", Email: "site@example.com",
			}
			must(sdk.OpenVPN.CreateClientSite2Site(t.Context(), site))(t)
			runExample(t, l.process.URL, string(key))
		},
		"a user": func(t *testing.T, l live) {
			o := o
			o.Stdin = "uma senha bem longa\n"
			apptest.MustCommand(t, o, "user", "create", "--username", "maria", "--superuser", "--password-stdin")
			checkPassword(t, l)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			flow(t, sdk)
		})
	}
}

// checkPassword signs in as the user maria, and with a wrong password.
func checkPassword(t *testing.T, l live) {
	t.Helper()
	sdk := l.as(t, chaveiro.Password{Username: "maria", Password: "uma senha bem longa"}, nil)
	if info := must(sdk.Auth.GetUserInfo(t.Context()))(t); info.Username != "maria" || !info.Superuser {
		t.Errorf("signed in as %+v", info)
	}
	sdk = l.as(t, chaveiro.Password{Username: "maria", Password: "outra"}, nil)
	_, err := sdk.Auth.GetUserInfo(t.Context())
	if e := fails[*chaveiro.UnauthorizedError](t, err); e.RequestID == "" || e.Operation != "createToken" {
		t.Errorf("%+v", e)
	}
}
