package chaveiro

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// OAuth1 are the credentials of an authorization whose application has the method oauth1. Requests
// are signed as RFC 5849 says, in the header Authorization.
type OAuth1 struct {
	ConsumerKey, ConsumerSecret string // client_id and client_secret of the authorization
	Token, TokenSecret          string
	Method                      string // HMACSHA256, which is the default, or HMACSHA1
}

// The methods of OAuth1.
const (
	HMACSHA256 = "HMAC-SHA256"
	HMACSHA1   = "HMAC-SHA1" // RFC 5849, section 3.4.2
)

func (o OAuth1) signer(c *client) signer {
	return oauth1Signer{o, func() string { return strconv.FormatInt(c.now().Unix(), 10) }, rand.Text}
}

// oauth1Signer signs with a clock and a source of nonces.
type oauth1Signer struct {
	OAuth1
	timestamp, nonce func() string
}

// sign signs a request. Its body is not signed: it is no form (section 3.4.1.3.1).
func (s oauth1Signer) sign(_ context.Context, r *http.Request) error {
	r.Header.Set("Authorization", s.header(r.Method, r.URL, nil))
	return nil
}

// refused reports true once more: the nonce may have been used up by a try whose answer was lost.
func (oauth1Signer) refused(context.Context, *http.Request) bool { return true }

// pair is a parameter. A name may occur more than once.
type pair struct{ name, value string }

// header returns the header Authorization (section 3.5.1) for a request with the given parameters
// of a form.
func (s oauth1Signer) header(method string, target *url.URL, form []pair) string {
	parameters := []pair{
		{"oauth_consumer_key", s.ConsumerKey},
		{"oauth_token", s.Token},
		{"oauth_signature_method", cmp.Or(s.Method, HMACSHA256)},
		{"oauth_timestamp", s.timestamp()},
		{"oauth_nonce", s.nonce()},
		{"oauth_version", "1.0"},
	}
	base := baseString(method, target, slices.Concat(parameters, form))
	parameters = append(parameters, pair{"oauth_signature", s.signature(base)})
	texts := make([]string, len(parameters))
	for i, p := range parameters {
		texts[i] = escape(p.name) + `="` + escape(p.value) + `"`
	}
	return "OAuth " + strings.Join(texts, ", ")
}

// signature signs a base string (section 3.4.2).
func (s oauth1Signer) signature(base string) string {
	var algorithm func() hash.Hash = sha256.New
	if s.Method == HMACSHA1 {
		algorithm = sha1.New
	}
	mac := hmac.New(algorithm, []byte(escape(s.ConsumerSecret)+"&"+escape(s.TokenSecret)))
	_, _ = mac.Write([]byte(base)) // never fails
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// baseString returns what is signed (section 3.4.1), of the parameters that are not in the query.
func baseString(method string, target *url.URL, parameters []pair) string {
	all := append(queryPairs(target.RawQuery), parameters...)
	escaped := make([]pair, len(all))
	for i, p := range all {
		escaped[i] = pair{escape(p.name), escape(p.value)}
	}
	slices.SortFunc(escaped, func(a, b pair) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.value, b.value))
	})
	texts := make([]string, len(escaped))
	for i, p := range escaped {
		texts[i] = p.name + "=" + p.value
	}
	return strings.Join([]string{
		strings.ToUpper(method), escape(baseURI(target)), escape(strings.Join(texts, "&")),
	}, "&")
}

// baseURI returns the address without its query, in lower case up to the path, and without a port
// that is the scheme's own (section 3.4.1.2).
func baseURI(target *url.URL) string {
	scheme, host := strings.ToLower(target.Scheme), strings.ToLower(target.Host)
	switch scheme {
	case "http":
		host = strings.TrimSuffix(host, ":80")
	case "https":
		host = strings.TrimSuffix(host, ":443")
	}
	return scheme + "://" + host + cmp.Or(target.EscapedPath(), "/")
}

// queryPairs returns the parameters of a query, or of a form, in their order.
func queryPairs(query string) []pair {
	var pairs []pair
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		pairs = append(pairs, pair{unescape(name), unescape(value)})
	}
	return pairs
}

// unescape returns a text as it is when its escapes are not valid.
func unescape(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}

// escape escapes everything but letters, digits, "-", ".", "_" and "~" (section 3.6).
func escape(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }
