package golang_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/cmd/sdkgen/proxytest"
	"github.com/chaveiro/chaveiro/gen/sdk/go"
	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// freeAddress returns an address of the loopback interface where nothing listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// TestOutage: the server is killed in the middle of an iteration and comes back, and the iteration
// meets every item once.
func TestOutage(t *testing.T) {
	t.Parallel()
	const count = 60
	p, o := start(t, "--listen", freeAddress(t))
	sdk := connect(t, chaveiro.Config{URL: p.URL, Auth: token(t, p), Retries: 20})
	ca := newCA(t, sdk, "outage")
	fill(t, sdk, ca.ID, count)
	returned := make(chan error, 1)
	met := map[int64]bool{}
	pages := sdk.OpenVPN.GetClientsSite2SitePages(chaveiro.GetClientsSite2SitePagesParams{Size: 10})
	for client, err := range pages.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if met[client.ID] {
			t.Errorf("%d is met twice", client.ID)
		}
		if met[client.ID] = true; len(met) == count/2 {
			p.Kill()
			go func() {
				_, err := apptest.Launch(t.Context(), apptest.Binary(t), o)
				returned <- err
			}()
		}
	}
	if err := <-returned; err != nil {
		t.Fatal(err)
	}
	if len(met) != count {
		t.Errorf("%d of %d clients", len(met), count)
	}
}

// TestProxy: what a proxy does to requests is mended by trying again, and told apart where not.
func TestProxy(t *testing.T) {
	t.Parallel()
	p, _ := start(t)
	address := proxytest.Start(t, p.URL)
	next := func(mood string, n int) { proxytest.Next(t, address, mood, n) }
	key := token(t, p)
	sdk := connect(t, chaveiro.Config{URL: address, Auth: key})
	once := connect(t, chaveiro.Config{URL: address, Auth: key, Retries: chaveiro.NoRetries})
	id := newCA(t, once, "first").ID
	for _, mood := range []string{proxytest.Cut, proxytest.Lost, proxytest.HTML} {
		next(mood, 2)
		if _, err := sdk.OpenVPN.GetCA(t.Context(), id); err != nil {
			t.Errorf("%s: %v", mood, err)
		}
	}
	next(proxytest.Lost, 2)
	if made, err := sdk.OpenVPN.CreateCA(t.Context(), chaveiro.CACreate{Name: "once", Email: "ca@example.com"}); err != nil ||
		made.ID != id+1 {
		t.Errorf("CA %d, %v", made.ID, err)
	}
	next(proxytest.HTML, 1)
	_, err := sdk.OpenVPN.CreateClientSite2SitePKCS12(t.Context(), 1, chaveiro.PKCS12Request{})
	fails[*chaveiro.ServerError](t, err) // it takes no key: it is not sent again
	next(proxytest.Cut, 5)
	_, err = once.Auth.GetScopes(t.Context())
	fails[*chaveiro.NetworkError](t, err)
	next(proxytest.Cut, 0)
	next(proxytest.HTML, 1)
	_, err = once.Auth.GetScopes(t.Context())
	if e := fails[*chaveiro.ServerError](t, err); e.Status != http.StatusBadGateway || e.Decode == nil {
		t.Errorf("%+v", e)
	}
	next(proxytest.Delayed, 1)
	_, err = sdk.Auth.GetScopes(t.Context(), chaveiro.WithTimeout(100*time.Millisecond))
	if e := fails[*chaveiro.TimeoutError](t, err); e.Connecting || strings.Contains(err.Error(), address) {
		t.Errorf("%+v", e)
	}
	if _, err := sdk.Auth.GetScopes(t.Context()); err != nil {
		t.Error(err)
	}
	checkPortal(t, key)
}

// checkPortal: a page that answers 200 to everything is no server.
func checkPortal(t *testing.T, key chaveiro.Authenticator) {
	t.Helper()
	portal := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<html>Sign in to the network</html>")
	}))
	t.Cleanup(portal.Close)
	_, err := connect(t, chaveiro.Config{URL: portal.URL, Auth: key}).Auth.GetScopes(t.Context())
	if e := fails[*chaveiro.DecodeError](t, err); e.Status != http.StatusOK || !strings.HasPrefix(e.MediaType, "text/html") {
		t.Errorf("%+v", e)
	}
}
