package app_test

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// vaultRequest is a malformed or unauthorized request to the vault.
type vaultRequest struct {
	method, path, host, body string
	header                   map[string]string
	doubled                  []string // Authorization headers, each a line
}

// ask sends a request and returns status and body of the answer.
func (v vaultRequest) ask(t *testing.T, client *http.Client, address string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), v.method, address+v.path, strings.NewReader(v.body))
	if err != nil {
		t.Fatal(err)
	}
	request.Host = v.host
	for name, value := range v.header {
		request.Header.Set(name, value)
	}
	for _, line := range v.doubled {
		request.Header.Add("Authorization", line)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// unsigned is how an application of the method none sends its credential. plaintext is how an
// application of OAuth 1.0 may send its credential over TLS.
func (k vaultKeys) unsigned() string {
	return "?" + url.Values{
		"oauth_consumer_key": {k.ClientID}, "oauth_token": {k.Token}, "oauth_signature": {"-"},
	}.Encode()
}

func (k vaultKeys) plaintext() string {
	return "?" + url.Values{
		"oauth_consumer_key": {k.ClientID}, "oauth_token": {k.Token}, "oauth_signature_method": {"PLAINTEXT"},
		"oauth_version":   {"1.0"},
		"oauth_signature": {k.ClientSecret + "&" + k.TokenSecret},
	}.Encode()
}

// TestAttack_VaultTLS: a request that contains its secret is accepted over TLS, and not over a
// connection that only claims to be TLS.
func TestAttack_VaultTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	options := apptest.Options{
		DataDir: dir, Args: []string{
			"--pam-unsigned", "--pam-plaintext", "--external-url", "https://vault.example.com", "--trusted-proxies",
			"192.0.2.0/24",
		},
	}
	plain := apptest.Start(t, options)
	token, err := plain.Token(t.Context(), "admin")
	if err != nil {
		t.Fatal(err)
	}
	c := &apptest.Client{URL: plain.URL, Token: token}
	none, signed := authorize(t, c, "none"), authorize(t, c, "oauth1")
	var shown struct{ Authorizations []vaultKeys }
	if err := c.Do(t.Context(), http.MethodGet, "/api/pam/authorizations", nil, &shown); err != nil {
		t.Fatal(err)
	}
	masked := 0
	for _, k := range shown.Authorizations {
		if k.ClientID == none.ClientID && k.Token != none.Token && strings.HasPrefix(k.Token, "*") &&
			strings.HasSuffix(none.Token, strings.TrimLeft(k.Token, "*")) {
			masked++
		}
	}
	if masked != 1 || strings.HasPrefix(none.Token, "*") || len(none.Token) < 16 {
		t.Errorf("the token of the method none is %q when it is made, and then: %v", none.Token, shown)
	}
	for name, query := range map[string]string{"unsigned": none.unsigned(), "plaintext": signed.plaintext()} {
		for _, header := range []map[string]string{
			nil, {"X-Forwarded-Proto": "https"}, {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1"},
			{"Forwarded": "proto=https"},
		} {
			status, body := vaultRequest{
				method: "GET", path: upsertPath + query, header: header,
			}.ask(t, http.DefaultClient, plain.URL)
			if status != http.StatusUnauthorized {
				t.Errorf("%s over http with %v: %d %s", name, header, status, body)
			}
		}
	}
	if err := plain.Stop(); err != nil {
		t.Fatal(err)
	}
	certificate, key := pairFor(t, t.TempDir(), 1, 24*time.Hour)
	options.Args = append(options.Args, "--tls-certificate", certificate, "--tls-key", key)
	secure := apptest.Start(t, options)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	for name, query := range map[string]string{"unsigned": none.unsigned(), "plaintext": signed.plaintext()} {
		address := "https://" + strings.TrimPrefix(secure.URL, "http://")
		if status, body := (vaultRequest{method: "GET", path: upsertPath + query}).ask(
			t, client, address,
		); status != http.StatusOK {
			t.Errorf("%s over TLS: %d %s", name, status, body)
		}
	}
}

// TestAttack_VaultCredentials: a signature is valid for the host that it names, and a request has
// one credential, once.
func TestAttack_VaultCredentials(t *testing.T) {
	t.Parallel()
	p := apptest.Start(t, apptest.Options{DataDir: t.TempDir()})
	token, err := p.Token(t.Context(), "admin")
	if err != nil {
		t.Fatal(err)
	}
	c := &apptest.Client{URL: p.URL, Token: token}
	signed, oauth2 := authorize(t, c, "oauth1"), authorize(t, c, "oauth2")
	bearer := "Bearer " + oauth2.bearer(t, p.URL)
	header := func(address, nonce string) string {
		line, err := signed.sign(t.Context(), address+upsertPath, nonce)
		if err != nil {
			t.Fatal(err)
		}
		return line
	}
	const form, asJSON = "application/x-www-form-urlencoded", "application/json"
	body, err := json.Marshal(device{Hostname: "attacked", IP: "1", Model: "m", Type: "t", Vendor: "v", Site: "s"})
	if err != nil {
		t.Fatal(err)
	}
	twice := `{"hostname":"attacked","hostname":"other","ip":"1","model":"m","type":"t","vendor":"v","site":"s"}`
	credentials := "grant_type=client_credentials&client_id=" + oauth2.ClientID + "&client_secret=" +
		oauth2.ClientSecret
	good := header(p.URL, "good")
	for name, step := range map[string]struct {
		status  int
		request vaultRequest
	}{
		"signed for another host": {
			401, vaultRequest{
				path: upsertPath, body: string(body), header: map[string]string{
					"Authorization": header("http://other.example", "1"), "Content-Type": asJSON,
				},
			},
		},
		"signed for https": {
			401, vaultRequest{
				path: upsertPath, body: string(body), header: map[string]string{
					"Authorization": header("https"+strings.TrimPrefix(p.URL, "http"), "2"), "Content-Type": asJSON,
				},
			},
		},
		"two Authorization headers": {
			401, vaultRequest{
				path: upsertPath, body: string(body), doubled: []string{bearer, header(p.URL, "3")},
				header: map[string]string{"Content-Type": asJSON},
			},
		},
		"Bearer and unsigned parameters": {
			401, vaultRequest{
				path: upsertPath + signed.unsigned(), body: string(body),
				header: map[string]string{"Authorization": bearer, "Content-Type": asJSON},
			},
		},
		"a key of the body twice": {
			400, vaultRequest{
				path: upsertPath, body: twice, header: map[string]string{
					"Authorization": bearer, "Content-Type": asJSON,
				},
			},
		},
		"a field of the form twice": {
			400, vaultRequest{
				path: upsertPath, body: "hostname=a&hostname=b&ip=1&model=m&type=t&vendor=v&site=s",
				header: map[string]string{"Authorization": bearer, "Content-Type": form},
			},
		},
		"client_id twice": {
			400, vaultRequest{
				path: "/iso/oauth2/token", body: credentials + "&client_id=other",
				header: map[string]string{"Content-Type": form},
			},
		},
		"client_id twice, of /api": {
			400, vaultRequest{
				path: "/api/oauth2/token", body: credentials + "&client_id=other",
				header: map[string]string{"Content-Type": form},
			},
		},
		"HTTP Basic beside the form": {
			400, vaultRequest{
				path: "/iso/oauth2/token", body: credentials,
				header: map[string]string{"Content-Type": form, "Authorization": "Basic YTpi"},
			},
		},
	} {
		step.request.method = http.MethodPost
		if status, answer := step.request.ask(t, http.DefaultClient, p.URL); status != step.status {
			t.Errorf("%s: %d, not %d: %s", name, status, step.status, answer)
		}
	}
	var page devicePage
	if err := c.Do(t.Context(), http.MethodGet, devicesPath, nil, &page); err != nil || len(page.Devices) > 0 {
		t.Errorf("%v, and there are %v", err, page.Devices)
	}
	last := vaultRequest{
		method: "POST", path: upsertPath, body: string(body),
		header: map[string]string{"Authorization": good, "Content-Type": asJSON},
	}
	if status, answer := last.ask(t, http.DefaultClient, p.URL); status != http.StatusCreated {
		t.Errorf("what is signed well: %d %s", status, answer)
	}
	if status, answer := last.ask(t, http.DefaultClient, p.URL); status != http.StatusUnauthorized {
		t.Errorf("the same nonce again: %d %s", status, answer)
	}
}
