package contract_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// login puts a credential on a request that has these parameters in a form.
type login func(r *http.Request, form url.Values)

func bearer(token string) login {
	return func(r *http.Request, _ url.Values) { r.Header.Set("Authorization", "Bearer "+token) }
}

// userToken logs in as the user of the examples.
func userToken(t *testing.T, server *apptest.Client) string {
	t.Helper()
	var token struct {
		AccessToken string `json:"access_token"`
	}
	grant := map[string]string{"grant_type": "password", "username": "maria", "password": "uma-senha-longa"}
	if err := server.Do(t.Context(), "POST", "/api/oauth2/token", grant, &token); err != nil {
		t.Fatal(err)
	}
	return token.AccessToken
}

// vaultToken returns an access token for the vault's dialect.
func vaultToken(t *testing.T, server *apptest.Client, of secrets) string {
	t.Helper()
	var token struct {
		AccessToken string `json:"access_token"`
	}
	grant := map[string]string{
		"grant_type": "client_credentials", "client_id": of.ClientID, "client_secret": of.ClientSecret,
	}
	if err := server.Do(t.Context(), "POST", "/iso/oauth2/token", grant, &token); err != nil {
		t.Fatal(err)
	}
	return token.AccessToken
}

// inHeader signs with OAuth 1.0 in the header Authorization (RFC 5849, section 3.5.1).
func (s secrets) inHeader(r *http.Request, form url.Values) {
	var texts []string
	for name, value := range s.signed(r, form) {
		texts = append(texts, fmt.Sprintf("%s=%q", name, escape(value[0])))
	}
	r.Header.Set("Authorization", "OAuth "+strings.Join(texts, ", "))
}

// inQuery signs with OAuth 1.0 in the query (RFC 5849, section 3.5.3).
func (s secrets) inQuery(r *http.Request, form url.Values) {
	query := r.URL.Query()
	maps.Copy(query, s.signed(r, form))
	r.URL.RawQuery = query.Encode()
}

// signed returns the parameters of OAuth 1.0 with the signature (RFC 5849, section 3.4).
func (s secrets) signed(r *http.Request, form url.Values) url.Values {
	parameters := url.Values{
		"oauth_consumer_key":     {s.ClientID},
		"oauth_token":            {s.Token},
		"oauth_signature_method": {"HMAC-SHA256"},
		"oauth_timestamp":        {strconv.FormatInt(time.Now().Unix(), 10)},
		"oauth_nonce":            {rand.Text()},
		"oauth_version":          {"1.0"},
	}
	var pairs []string
	for _, values := range []url.Values{parameters, r.URL.Query(), form} {
		for name, value := range values {
			pairs = append(pairs, escape(name)+"="+escape(value[0]))
		}
	}
	slices.Sort(pairs)
	base := r.Method + "&" + escape("http://"+r.URL.Host+r.URL.EscapedPath()) + "&" + escape(strings.Join(pairs, "&"))
	mac := hmac.New(sha256.New, []byte(s.ClientSecret+"&"+s.TokenSecret))
	mac.Write([]byte(base))
	parameters.Set("oauth_signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return parameters
}

// escape encodes as RFC 5849 wants it, section 3.6.
func escape(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }
