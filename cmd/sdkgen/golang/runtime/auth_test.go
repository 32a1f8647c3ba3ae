package chaveiro

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// issuer is a server that exchanges credentials for tokens and accepts the latest one.
type issuer struct {
	mu      sync.Mutex
	grants  []map[string]string
	paths   []string
	revoked bool   // the latest token was taken back
	refuse  string // a grant type that is refused
	slow    time.Duration
}

func (i *issuer) serve(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/oauth2/token") {
		i.exchange(w, r)
		return
	}
	i.mu.Lock()
	good := r.Header.Get("Authorization") == fmt.Sprintf("Bearer access-%d", len(i.grants)) && !i.revoked
	i.mu.Unlock()
	if !good {
		answer(w, http.StatusUnauthorized, `{"errors":[{"field":"","type":"invalid","msg":"expired"}]}`)
		return
	}
	answer(w, http.StatusOK, `{"id":7}`)
}

func (i *issuer) exchange(w http.ResponseWriter, r *http.Request) {
	time.Sleep(i.slow)
	grant := map[string]string{}
	err := json.NewDecoder(r.Body).Decode(&grant)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.grants, i.paths, i.revoked = append(i.grants, grant), append(i.paths, r.URL.Path), false
	if err != nil || grant["grant_type"] == i.refuse || r.Header.Get("Authorization") != "" {
		answer(w, http.StatusUnauthorized, `{"errors":[]}`)
		return
	}
	answer(w, http.StatusOK, fmt.Sprintf(`{"access_token":"access-%d","refresh_token":"refresh-%d","expires_in":900}`,
		len(i.grants), len(i.grants)))
}

// types are the grants that were made.
func (i *issuer) types() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	var all []string
	for _, grant := range i.grants {
		all = append(all, grant["grant_type"])
	}
	return all
}

func closed() *request {
	r := get()
	r.open = false
	return r
}

func TestAPIKey_IsRenewedBeforeItsEndAndOnceAfter401(t *testing.T) {
	t.Parallel()
	i := &issuer{}
	c := serve(t, Config{Auth: APIKey("key")}, i.serve)
	now := time.Now()
	c.now = func() time.Time { return now }
	want := func(exchanges int) {
		t.Helper()
		if _, err := call[item](t.Context(), c.client, closed(), nil); err != nil {
			t.Fatal(err)
		}
		if len(i.types()) != exchanges {
			t.Fatalf("%d exchanges, want %d", len(i.types()), exchanges)
		}
	}
	want(1)
	want(1)
	now = now.Add(900*time.Second - renewalMargin - time.Second)
	want(1)
	now = now.Add(time.Second)
	want(2)
	i.revoked = true
	want(3)
	for _, grant := range i.grants {
		if grant["grant_type"] != "refresh_token" || grant["refresh_token"] != "key" {
			t.Errorf("the grant %v", grant)
		}
	}
	if !slices.Equal(slices.Compact(i.paths), []string{"/api/oauth2/token"}) {
		t.Errorf("paths %q", i.paths)
	}
}

// TestAPIKey_401Again: a token that is refused although it is new is the end of the call.
func TestAPIKey_401Again(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	c := serve(t, Config{Auth: APIKey("key")}, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/token") {
			answer(w, http.StatusOK, `{"access_token":"a","expires_in":900}`)
			return
		}
		calls.Add(1)
		answer(w, http.StatusUnauthorized, `{"errors":[]}`)
	})
	_, err := call[item](t.Context(), c.client, closed(), nil)
	if refused, ok := errors.AsType[*UnauthorizedError](err); !ok || refused.Operation != "getItem" || calls.Load() != 2 {
		t.Errorf("error %v after %d calls", err, calls.Load())
	}
}

// TestAPIKey_RenewedAndRetried: a new token after a 401 is not counted as a retry.
func TestAPIKey_RenewedAndRetried(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	c := serve(t, Config{Auth: APIKey("key")}, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/token"):
			answer(w, http.StatusOK, `{"access_token":"a","expires_in":900}`)
		case calls.Add(1) <= 3:
			answer(w, map[int64]int{1: 401, 2: 503, 3: 503}[calls.Load()], `{"errors":[]}`)
		default:
			answer(w, http.StatusOK, `{"id":7}`)
		}
	})
	if _, err := call[item](t.Context(), c.client, closed(), nil); err != nil || calls.Load() != 4 {
		t.Errorf("error %v after %d calls", err, calls.Load())
	}
}

// TestAPIKey_Refused: an apikey that is not accepted is an error of the exchange, made once.
func TestAPIKey_Refused(t *testing.T) {
	t.Parallel()
	i := &issuer{refuse: "refresh_token"}
	c := serve(t, Config{Auth: APIKey("key")}, i.serve)
	_, err := call[item](t.Context(), c.client, closed(), nil)
	refused, ok := errors.AsType[*UnauthorizedError](err)
	if !ok || refused.Operation != "createToken" || len(i.types()) != 1 {
		t.Errorf("error %v after %d exchanges", err, len(i.types()))
	}
}

// TestAPIKey_OneExchangeForAll: concurrent callers make one exchange, at the beginning and when all
// of them are refused.
func TestAPIKey_OneExchangeForAll(t *testing.T) {
	t.Parallel()
	i := &issuer{slow: 20 * time.Millisecond}
	c := serve(t, Config{Auth: APIKey("key")}, i.serve)
	for round := 1; round <= 2; round++ {
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				if _, err := call[item](t.Context(), c.client, closed(), nil); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if got := len(i.types()); got != round {
			t.Fatalf("%d exchanges in round %d", got, round)
		}
		i.mu.Lock()
		i.revoked = true
		i.mu.Unlock()
	}
}

// TestAPIKey_Cancel: who waits for the exchange of another can be cancelled.
func TestAPIKey_Cancel(t *testing.T) {
	t.Parallel()
	i := &issuer{}
	c := serve(t, Config{Auth: APIKey("key")}, i.serve)
	<-c.auth.(*tokens).turn // another caller has it
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := call[item](ctx, c.client, closed(), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestPassword: the session is renewed by its refresh token, and begun anew when that has ended.
func TestPassword(t *testing.T) {
	t.Parallel()
	i := &issuer{}
	c := serve(t, Config{Auth: Password{"maria", "uma senha"}}, i.serve)
	for _, refuse := range []string{"", "", "refresh_token"} {
		i.mu.Lock()
		i.revoked, i.refuse = len(i.grants) > 0, refuse
		i.mu.Unlock()
		if _, err := call[item](t.Context(), c.client, closed(), nil); err != nil {
			t.Fatal(err)
		}
	}
	if got := i.types(); !slices.Equal(got, []string{"password", "refresh_token", "refresh_token", "password"}) {
		t.Errorf("grants %q", got)
	}
	if i.grants[1]["refresh_token"] != "refresh-1" || i.grants[0]["username"] != "maria" {
		t.Errorf("grants %v", i.grants)
	}
}

// TestClientCredentials: the vault's calls have a credential of their own.
func TestClientCredentials(t *testing.T) {
	t.Parallel()
	i := &issuer{}
	c := serve(t, Config{VaultAuth: ClientCredentials{"id", "secret"}}, i.serve)
	r := closed()
	r.vault = true
	if _, err := call[item](t.Context(), c.client, r, nil); err != nil {
		t.Fatal(err)
	}
	if i.paths[0] != "/iso/oauth2/token" || i.grants[0]["client_id"] != "id" || i.grants[0]["client_secret"] != "secret" {
		t.Errorf("%q %v", i.paths, i.grants)
	}
	if _, err := call[item](t.Context(), c.client, closed(), nil); !errors.Is(err, ErrNoCredential) {
		t.Errorf("error %v", err)
	}
}

func TestAccessToken(t *testing.T) {
	t.Parallel()
	var tokens []string
	c := serve(t, Config{Auth: AccessToken("token")}, func(w http.ResponseWriter, r *http.Request) {
		tokens = append(tokens, r.Header.Get("Authorization"))
		answer(w, http.StatusUnauthorized, `{"errors":[]}`)
	})
	_, err := call[item](t.Context(), c.client, closed(), nil)
	if _, ok := errors.AsType[*UnauthorizedError](err); !ok || !slices.Equal(tokens, []string{"Bearer token"}) {
		t.Errorf("error %v, sent %q", err, tokens)
	}
}

func TestNewClient_Environment(t *testing.T) {
	t.Setenv("CHAVEIRO_URL", "https://chaveiro.example.com/")
	t.Setenv("CHAVEIRO_TOKEN", "key")
	c, err := newClient(Config{})
	if err != nil || c.base.String() != "https://chaveiro.example.com" {
		t.Fatal(err)
	}
	if grant := c.auth.(*tokens).grant("").json.(map[string]string); grant["refresh_token"] != "key" {
		t.Errorf("the grant %v", grant)
	}
	c, err = newClient(Config{URL: "http://127.0.0.1:8080", Auth: AccessToken("own")})
	if err != nil || c.base.Host != "127.0.0.1:8080" || c.auth != AccessToken("own") {
		t.Errorf("options go first: %v %v", c.base, err)
	}
}

func TestNewClient_Faults(t *testing.T) {
	t.Setenv("CHAVEIRO_URL", "")
	for want, config := range map[string]Config{
		"the URL of the server": {},
		"http or https":         {URL: "ftp://example.com"},
		"neither a user":        {URL: "http://user:password@example.com"},
		"the proxy":             {URL: "http://example.com", Proxy: "nowhere"},
		"no certificate":        {URL: "http://example.com", CABundle: []byte("x")},
	} {
		if _, err := newClient(config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one about %s", err, want)
		}
	}
}

// TestNewClient_Proxy: requests go through the proxy that is set.
func TestNewClient_Proxy(t *testing.T) {
	t.Parallel()
	var asked string
	proxy := serve(t, Config{}, func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.String()
		answer(w, http.StatusOK, `{"id":7}`)
	})
	c, err := newClient(Config{URL: "http://chaveiro.invalid", Proxy: proxy.base.String()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := call[item](t.Context(), c, get(), nil); err != nil || asked != "http://chaveiro.invalid/api/items/7" {
		t.Errorf("%v, asked for %s", err, asked)
	}
}
