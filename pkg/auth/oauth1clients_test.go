package auth_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/dghubble/oauth1"
	"pgregory.net/rapid"

	"github.com/chaveiro/chaveiro/pkg/auth"
)

// sent are the requests that existing clients sign here, from the plain to the odd.
var sent = []struct{ Method, URL, Form string }{
	{Method: "GET", URL: "https://vault.example.com/iso/pam/device"},
	{Method: "GET", URL: "https://vault.example.com:8443/iso/pam/device/win%201"},
	{Method: "DELETE", URL: "https://vault.example.com/iso/pam/device/10", Form: "device=win+1"},
	{
		Method: "POST", URL: "https://Vault.Example.com:443/iso/pam/device?tenant=a%20b&x=",
		Form: "hostname=win+1&ip=10.0.0.1&device_tags=a%2Cb&model=caf%C3%A9~",
	},
	{Method: "PUT", URL: "http://vault.example.com:80/iso?b5=%3D%253D&a3=a&c%40=&a2=r%20b", Form: "c2=&%2B=%25"},
	// names that occur several times
	{Method: "POST", URL: "http://vault.example.com/iso?a3=z&a3=a", Form: "a3=2+q&a3="},
}

const formType = "application/x-www-form-urlencoded"

// received is a request as the server sees it.
func received(t testing.TB, method, address, header, form string) *auth.OAuth1 {
	t.Helper()
	url, query, _ := strings.Cut(address, "?")
	return parse(
		t, auth.OAuth1Request{Method: method, URLs: []string{url}, Query: query, Authorization: header, Form: form},
	)
}

// TestOAuth1_Dghubble verifies what a client in Go signs. The client supports neither a form with
// DELETE nor a name that occurs several times.
func TestOAuth1_Dghubble(t *testing.T) {
	t.Parallel()
	for _, method := range []string{auth.HMACSHA1, auth.HMACSHA256} {
		config := oauth1.NewConfig(signedKey, string(consumerSecret))
		if method == auth.HMACSHA256 {
			config.Signer = &oauth1.HMAC256Signer{ConsumerSecret: string(consumerSecret)}
		}
		for _, s := range sent[:len(sent)-1] {
			if s.Method == http.MethodDelete {
				s.Form = ""
			}
			o := dghubble(t, config, s.Method, s.URL, s.Form)
			if o.Method != method || !o.Verify(consumerSecret, tokenSecret) || o.Verify(tokenSecret, consumerSecret) {
				t.Errorf("%s: %+v", method, s)
			}
		}
	}
}

// TestOAuth1_Dghubble_Property: whatever query and form contain, the client's signature is
// verified.
func TestOAuth1_Dghubble_Property(t *testing.T) {
	t.Parallel()
	config := oauth1.NewConfig(signedKey, string(consumerSecret))
	rapid.Check(t, func(rt *rapid.T) {
		s := drawSigner(rt)
		for i := range s.Query {
			s.Query[i][0] += "q" + strconv.Itoa(i)
		}
		for i := range s.Form {
			s.Form[i][0] += "f" + strconv.Itoa(i)
		}
		query, form := join(s.Query, "&", ""), join(s.Form, "&", "")
		if !dghubble(t, config, http.MethodPost, s.URL+"?"+query, form).Verify(consumerSecret, tokenSecret) {
			rt.Fatalf("not verified: %q %q", query, form)
		}
	})
}

// catch keeps the request and does not send it.
type catch struct{ request *http.Request }

func (c *catch) RoundTrip(r *http.Request) (*http.Response, error) {
	c.request = r
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
}

func dghubble(t testing.TB, config *oauth1.Config, method, address, form string) *auth.OAuth1 {
	t.Helper()
	kept := &catch{}
	client := oauth1.NewClient(t.Context(), config, oauth1.NewToken(signedToken, string(tokenSecret)))
	client.Transport.(*oauth1.Transport).Base = kept
	var body io.Reader
	if form != "" {
		body = strings.NewReader(form)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	if form != "" {
		request.Header.Set("Content-Type", formType)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return received(t, method, address, kept.request.Header.Get("Authorization"), form)
}

// oauthlib signs each line of its input, a request in JSON, and prints the request to send.
const oauthlib = `
import json, sys
from oauthlib.oauth1 import Client
for line in sys.stdin:
    r = json.loads(line)
    client = Client(r['key'], r['secret'], r['token'], r['token_secret'], signature_method=r['method'], signature_type=r['type'])
    headers = {'Content-Type': 'application/x-www-form-urlencoded'} if r['form'] else {}
    uri, headers, body = client.sign(r['url'], r['verb'], r['form'] or None, headers)
    print(json.dumps({'url': uri, 'header': headers.get('Authorization', ''), 'form': body or ''}))
`

// TestOAuth1_Oauthlib verifies what the library that the vendor's documents name signs, in all
// three places.
func TestOAuth1_Oauthlib(t *testing.T) {
	t.Parallel()
	type line map[string]string
	var lines []line
	for _, method := range []string{auth.HMACSHA1, auth.HMACSHA256, auth.Plaintext} {
		for _, place := range []string{"AUTH_HEADER", "QUERY", "BODY"} {
			for _, s := range sent {
				if place == "BODY" && s.Form == "" {
					continue
				}
				lines = append(lines, line{
					"key": signedKey, "secret": string(consumerSecret), "token": signedToken,
					"token_secret": string(tokenSecret), "method": method, "type": place,
					"verb": s.Method, "url": s.URL, "form": s.Form,
				})
			}
		}
	}
	var input bytes.Buffer
	encoder := json.NewEncoder(&input)
	for _, l := range lines {
		if err := encoder.Encode(l); err != nil {
			t.Fatal(err)
		}
	}
	output := json.NewDecoder(bytes.NewReader(python(t, oauthlib, &input)))
	for _, l := range lines {
		var signed struct{ URL, Header, Form string }
		if err := output.Decode(&signed); err != nil {
			t.Fatal(err)
		}
		o := received(t, l["verb"], signed.URL, signed.Header, signed.Form)
		if o.Method != l["method"] || !o.Verify(consumerSecret, tokenSecret) || o.Verify(tokenSecret, consumerSecret) {
			t.Errorf("%v: %+v", l, signed)
		}
	}
}

// python runs a program with the first Python that has oauthlib. Without CHAVEIRO_SDKS the test is
// skipped. CI must have the library then.
func python(t testing.TB, program string, input io.Reader) []byte {
	t.Helper()
	if os.Getenv("CHAVEIRO_SDKS") == "" {
		t.Skip("needs Python: make sdks")
	}
	for _, path := range []string{"/usr/bin/python3", "python3"} {
		if exec.CommandContext(t.Context(), path, "-c", "import oauthlib").Run() != nil {
			continue
		}
		command := exec.CommandContext(t.Context(), path, "-c", program)
		command.Stdin, command.Stderr = input, os.Stderr
		output, err := command.Output()
		if err != nil {
			t.Fatal(err)
		}
		return output
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("python3-oauthlib is not installed")
	}
	t.Skip("python3-oauthlib is not installed")
	return nil
}
