package transit_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/kms"
	"github.com/chaveiro/chaveiro/pkg/kms/kmstest"
	"github.com/chaveiro/chaveiro/pkg/kms/transit"
)

// overTLS serves over TLS, and returns the address with the file of the CA.
func overTLS(t *testing.T, handler http.Handler) (url, authority string) {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that fail
	server.StartTLS()
	t.Cleanup(server.Close)
	authority = filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(authority, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return server.URL, authority
}

// secretToken is a token that must be in no error.
const secretToken = "hvs.secret-token-of-the-tests"

// tokenFile writes a file with a token.
func tokenFile(t *testing.T, token string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func openAt(t *testing.T, address string, bounds kms.Bounds) *kms.Stores {
	t.Helper()
	stores, err := kms.Open([]string{"bao=" + address}, map[string]kms.Opener{"transit": transit.Open}, bounds)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stores.Close() })
	return stores
}

// TestTransit_TLS: the suite passes over TLS, with a CA of its own, in a namespace.
func TestTransit_TLS(t *testing.T) {
	t.Parallel()
	stub := kmstest.NewTransitStub(t)
	var elsewhere atomic.Int64
	url, authority := overTLS(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Vault-Namespace") != "keys/chaveiro" {
			elsewhere.Add(1)
		}
		stub.ServeHTTP(w, r)
	}))
	store := mustURI(t, fmt.Sprintf(
		"transit:mount=transit?address=%s&token-source=file:%s&ca-file=file:%s&namespace=keys/chaveiro", url, stub.Token, authority,
	))
	provider, err := transit.Open(store)
	if err != nil {
		t.Fatal(err)
	}
	kmstest.Suite{
		Provider: provider, Store: store, Absent: store.Key("name", "nobody"), Algorithms: []string{"ecdsa-p256"},
		Refused: []string{"dsa"},
		Wrapping: func(t *testing.T) kms.URI {
			stub.Ask(t, http.MethodPost, "transit/keys/master", map[string]any{"type": "aes256-gcm96"})
			return store.Key("name", "master")
		},
	}.Run(t)
	if n := elsewhere.Load(); n > 0 {
		t.Errorf("%d requests were in another namespace", n)
	}
}

// TestTransit_Untrusted: a server whose certificate is not of the CA is asked for nothing.
func TestTransit_Untrusted(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	count := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	url, _ := overTLS(t, count)
	for name, query := range map[string]string{"of the system": "", "of another": "&ca-file=file:" + otherCA(t)} {
		address := fmt.Sprintf("transit:mount=transit?address=%s&token-source=file:%s%s", url, tokenFile(t, secretToken), query)
		_, err := openAt(t, address, kms.Bounds{}).Find(t.Context(), "transit:mount=transit;name=ca")
		if !errors.Is(err, kms.ErrAway) || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("CAs %s: %v", name, err)
		}
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("it was asked %d times", n)
	}
	for _, text := range []string{"no PEM", ""} {
		path := tokenFile(t, text)
		store := mustURI(t, "transit:?address=https://localhost&token-source=file:/t&ca-file=file:"+path)
		if _, err := transit.Open(store); !errors.Is(err, kms.ErrURI) || !strings.Contains(err.Error(), "ca-file") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// otherCA is a file with another certificate: httptest has one for all servers.
func otherCA(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "other.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// answering is what a server says to a request below /v1/.
type answering func(w http.ResponseWriter, r *http.Request)

func status(code int, body string) answering {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

// untilGone waits until the client has gone, which a server sees when it has read the body.
func untilGone(r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

const lookedUp = `{"data": {"ttl": 3600, "creation_ttl": 3600, "renewable": true}}`

// TestTransit_Answers: what a server may say to the question for a key, and whether the store is
// away then. The error has no token.
func TestTransit_Answers(t *testing.T) {
	t.Parallel()
	var elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	t.Cleanup(other.Close)
	for name, test := range map[string]struct {
		key, lookup answering
		want        error
		words       string
	}{
		"denied": {status(403, `{"errors":["permission denied"]}`), status(200, lookedUp), kms.ErrDenied, "GET transit/keys/ca"},
		"refused": {
			status(403, `{"errors":["permission denied"]}`), status(403, `{"errors":["bad token"]}`), kms.ErrAway, "the token is refused",
		},
		"no key":        {status(404, `{"errors":[]}`), nil, kms.ErrNoKey, ""},
		"no mount":      {status(404, `{"errors":["no handler for route"]}`), nil, kms.ErrNoKey, "no handler for route"},
		"bad":           {status(400, `{"errors":["invalid request"]}`), nil, kms.ErrUnsupported, "invalid request"},
		"much":          {status(429, `{"errors":["rate limit"]}`), nil, kms.ErrAway, "rate limit"},
		"broken":        {status(500, `{"errors":["internal"]}`), nil, kms.ErrAway, "500"},
		"a proxy":       {status(502, "<html>bad gateway</html>"), nil, kms.ErrAway, "502"},
		"sealed":        {status(503, `{"errors":["Vault is sealed"]}`), nil, kms.ErrAway, "sealed"},
		"another thing": {status(200, "<html>welcome</html>"), nil, kms.ErrAway, "no JSON"},
		"nothing":       {status(200, ""), nil, kms.ErrNoKey, ""},
		"cut off":       {status(200, `{"data": {`), nil, kms.ErrAway, ""},
		"too long":      {status(200, `{"data": "`+strings.Repeat("x", 2<<20)), nil, kms.ErrAway, ""},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
		}, nil, kms.ErrAway, "redirects"},
		"slow": {func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"data":`)
			_ = http.NewResponseController(w).Flush()
			untilGone(r)
		}, nil, kms.ErrAway, "no answer in time"},
		"closed": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, nil, kms.ErrAway, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, authority := overTLS(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "lookup-self") && test.lookup != nil {
					test.lookup(w, r)
					return
				}
				test.key(w, r)
			}))
			stores := openAt(t, fmt.Sprintf(
				"transit:mount=transit?address=%s&token-source=file:%s&ca-file=file:%s", url, tokenFile(t, secretToken), authority,
			), kms.Bounds{Time: time.Second, Healing: time.Hour})
			_, err := stores.Find(t.Context(), "transit:mount=transit;name=ca")
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.words) {
				t.Errorf("%v", err)
			}
			if strings.Contains(err.Error(), secretToken) {
				t.Errorf("the error has the token: %v", err)
			}
			if away := stores.All()[0].Away() != nil; away != (test.want == kms.ErrAway) {
				t.Errorf("away: %v", away)
			}
		})
	}
	t.Cleanup(func() {
		if n := elsewhere.Load(); n > 0 {
			t.Errorf("the server that was redirected to got %d requests", n)
		}
	})
}
