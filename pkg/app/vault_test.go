package app_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/dghubble/oauth1"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// The routes of the vault's devices that the tests use, in the vault dialect and in the other one.
const (
	upsertPath  = "/iso/pam/device"
	devicesPath = "/api/pam/devices"
)

// device is a device in the vault dialect.
type device struct {
	ID             string `json:"id,omitempty"`
	Hostname       string `json:"hostname"`
	IP             string `json:"ip"`
	Model          string `json:"model"`
	Type           string `json:"type"`
	Vendor         string `json:"vendor"`
	Site           string `json:"site"`
	Domains        string `json:"device_domain"`
	Tags           string `json:"device_tags"`
	Connectivities string `json:"connectivities"`
	Remote         string `json:"session_remote_config"`
}

// plain returns the device with its tags separated as only the answer to a creation has them.
func (d device) plain() device {
	d.Tags = strings.ReplaceAll(d.Tags, ", ", ",")
	return d
}

// deviceAnswer is what the dialect answers about one device.
type deviceAnswer struct {
	Code     int
	Response struct{ Message string }
	Device   device
}

// devicePage is what the tests read of a page of devices in the other dialect.
type devicePage struct {
	Devices []struct {
		ID                 int64
		Hostname, IP, Site string
	}
}

// vaultKeys are the keys of an authorization.
type vaultKeys struct {
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	Token        string `json:"token"`
	TokenSecret  string `json:"token_secret"`
}

// authorize makes an application of a method, with an authorization that may write.
func authorize(t *testing.T, c *apptest.Client, method string) vaultKeys {
	t.Helper()
	return authorizeAs(t, c, method, method)
}

func authorizeAs(t *testing.T, c *apptest.Client, name, method string) vaultKeys {
	t.Helper()
	application := create(t, c, "/api/pam/applications", object{"name": name, "method": method})
	var keys vaultKeys
	in := object{"application_id": application.ID, "name": "test", "write": true}
	if err := c.Do(t.Context(), http.MethodPost, "/api/pam/authorizations", in, &keys); err != nil {
		t.Fatal(err)
	}
	return keys
}

// credentials are the request for an access token of OAuth 2.0.
func (k vaultKeys) credentials() object {
	return object{"grant_type": "client_credentials", "client_id": k.ClientID, "client_secret": k.ClientSecret}
}

// tokenAnswer is what the token endpoint answers.
type tokenAnswer struct {
	AccessToken string `json:"access_token"`
}

// bearer gets an access token of OAuth 2.0.
func (k vaultKeys) bearer(t *testing.T, url string) string {
	t.Helper()
	var answer tokenAnswer
	c := &apptest.Client{URL: url}
	if err := c.Do(t.Context(), http.MethodPost, "/iso/oauth2/token", k.credentials(), &answer); err != nil {
		t.Fatal(err)
	}
	return answer.AccessToken
}

// fixedNonce is the nonce of one request.
type fixedNonce string

// Nonce implements oauth1.Noncer.
func (n fixedNonce) Nonce() string { return string(n) }

// catch keeps a request instead of sending it.
type catch struct{ request *http.Request }

// RoundTrip implements http.RoundTripper.
func (c *catch) RoundTrip(r *http.Request) (*http.Response, error) {
	c.request = r
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
}

// sign makes the Authorization header of OAuth 1.0 for a POST to an address. A body in JSON is not
// signed.
func (k vaultKeys) sign(ctx context.Context, address, nonce string) (string, error) {
	config := oauth1.NewConfig(k.ClientID, k.ClientSecret)
	config.Noncer = fixedNonce(nonce)
	kept := &catch{}
	client := oauth1.NewClient(ctx, config, oauth1.NewToken(k.Token, k.TokenSecret))
	client.Transport.(*oauth1.Transport).Base = kept
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, nil)
	if err != nil {
		return "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	return kept.request.Header.Get("Authorization"), response.Body.Close()
}

// sendFor sends a request and reads the answer into out, unless out is nil. A status that is not
// this one is a [*apptest.StatusError].
func sendFor(client *http.Client, request *http.Request, status int, out any) error {
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != status {
		return &apptest.StatusError{
			Request: request.Method + " " + request.URL.Path, Status: response.StatusCode, Body: string(body),
		}
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(body, out)
}
