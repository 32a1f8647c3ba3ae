package pam_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// signer signs as requests_oauthlib does, written from RFC 5849 and not from the verifier.
type signer struct {
	party
	at    time.Time // zero: now
	nonce string    // empty: a new one
	write func(parameters [][2]string) string
}

// sign signs a request and puts the Authorization header into it.
func (s signer) sign(t testing.TB, r *http.Request) {
	t.Helper()
	if s.at.IsZero() {
		s.at = time.Now()
	}
	if s.nonce == "" {
		s.nonce = rand.Text()
	}
	parameters := [][2]string{
		{"oauth_nonce", s.nonce}, {"oauth_timestamp", strconv.FormatInt(s.at.Unix(), 10)}, {"oauth_version", "1.0"},
		{"oauth_signature_method", "HMAC-SHA1"}, {"oauth_consumer_key", s.key}, {"oauth_token", s.token},
	}
	mac := hmac.New(sha1.New, []byte(percent(s.secret)+"&"+percent(s.secret2)))
	fmt.Fprint(mac, baseString(t, r, parameters))
	parameters = append(parameters, [2]string{"oauth_signature", base64.StdEncoding.EncodeToString(mac.Sum(nil))})
	if s.write == nil {
		s.write = oauthlib
	}
	r.Header.Set("Authorization", s.write(parameters))
}

// oauthlib writes a header as that library does.
func oauthlib(parameters [][2]string) string {
	texts := make([]string, len(parameters))
	for i, p := range parameters {
		texts[i] = fmt.Sprintf(`%s="%s"`, p[0], percent(p[1]))
	}
	return "OAuth " + strings.Join(texts, ", ")
}

func baseString(t testing.TB, r *http.Request, parameters [][2]string) string {
	t.Helper()
	pairs := []string{}
	for _, p := range parameters {
		pairs = append(pairs, percent(p[0])+"="+percent(p[1]))
	}
	sources := []string{r.URL.RawQuery}
	if strings.HasPrefix(r.Header.Get("Content-Type"), form) {
		body, err := r.GetBody()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, string(text))
	}
	for _, source := range sources {
		values, err := url.ParseQuery(source)
		if err != nil {
			t.Fatal(err)
		}
		for name, list := range values {
			for _, value := range list {
				pairs = append(pairs, percent(name)+"="+percent(value))
			}
		}
	}
	slices.Sort(pairs)
	address := r.URL.Scheme + "://" + strings.ToLower(r.URL.Host) + r.URL.EscapedPath()
	return r.Method + "&" + percent(address) + "&" + percent(strings.Join(pairs, "&"))
}

// percent escapes all but letters, digits and -._~.
func percent(text string) string {
	escaped := url.QueryEscape(text) // escapes the same, save for the space
	return strings.ReplaceAll(escaped, "+", "%20")
}
