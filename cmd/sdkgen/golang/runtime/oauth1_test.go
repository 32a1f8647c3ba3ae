package chaveiro

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func fixed(text string) func() string { return func() string { return text } }

// signerOfRFC has the credentials of RFC 5849, section 1.2.
func signerOfRFC(timestamp, nonce, method string) oauth1Signer {
	return oauth1Signer{
		OAuth1{
			ConsumerKey: "dpf43f3p2l4k3l03", ConsumerSecret: "kd94hf93k423kf44", Token: "nnch734d00sl2jdk",
			TokenSecret: "pfkkdhi9sl3r4s00", Method: method,
		},
		fixed(timestamp), fixed(nonce),
	}
}

func parseURL(t *testing.T, text string) *url.URL {
	t.Helper()
	parsed, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// TestOAuth1_BaseString has the example of RFC 5849, section 3.4.1.1: a port, upper case, a form,
// names without a value, and names that occur twice.
func TestOAuth1_BaseString(t *testing.T) {
	t.Parallel()
	const want = `POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_` +
		`key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7`
	target := parseURL(t, "http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b")
	parameters := append(queryPairs("c2&a3=2+q"), []pair{
		{"oauth_consumer_key", "9djdj82h48djs9d2"}, {"oauth_token", "kkk9d7dh3k39sjv7"},
		{"oauth_signature_method", "HMAC-SHA1"}, {"oauth_timestamp", "137131201"}, {"oauth_nonce", "7d8f3e4a"},
	}...)
	if got := baseString("post", target, parameters); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// TestOAuth1_BaseURI has the examples of RFC 5849, section 3.4.1.2.
func TestOAuth1_BaseURI(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"http://EXAMPLE.COM:80/r%20v/X?id=123":  "http://example.com/r%20v/X",
		"https://www.example.net:8080/?q=1":     "https://www.example.net:8080/",
		"https://vault.example.com:443":         "https://vault.example.com/",
		"https://vault.example.com/iso/a%2Fb/c": "https://vault.example.com/iso/a%2Fb/c",
	} {
		if got := baseURI(parseURL(t, target)); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
}

// TestOAuth1_Signatures has the signature of RFC 5849, section 1.2, and those of this repository.
// The SDK sends oauth_version, which the RFC's example does not.
func TestOAuth1_Signatures(t *testing.T) {
	t.Parallel()
	photo := parseURL(t, "http://photos.example.net/photos?file=vacation.jpg&size=original")
	parameters := []pair{
		{"oauth_consumer_key", "dpf43f3p2l4k3l03"}, {"oauth_token", "nnch734d00sl2jdk"},
		{"oauth_signature_method", "HMAC-SHA1"}, {"oauth_timestamp", "137131202"}, {"oauth_nonce", "chapoH"},
	}
	s := signerOfRFC("137131202", "chapoH", HMACSHA1)
	if got := s.signature(baseString("GET", photo, parameters)); got != "MdpQcU8iPSUjWoN/UDMsK2sui9I=" {
		t.Errorf("the signature of the photo is %s", got)
	}
	token := parseURL(t, "https://photos.example.net/token")
	parameters = []pair{
		{"oauth_consumer_key", "dpf43f3p2l4k3l03"}, {"oauth_token", "hh5s93j4hdidpola"},
		{"oauth_signature_method", "HMAC-SHA1"}, {"oauth_timestamp", "137131201"}, {"oauth_nonce", "walatlh"},
		{"oauth_verifier", "hfdp7dh39dks9884"},
	}
	s.TokenSecret = "hdhd0244k9j7ao03"
	if got := s.signature(baseString("POST", token, parameters)); got != "gKgrFCywp7rO0OXSjdot/IHF7IU=" {
		t.Errorf("the signature of the token is %s", got)
	}
}

// TestOAuth1_Sign: both methods make a whole header, for the request as it is sent.
func TestOAuth1_Sign(t *testing.T) {
	t.Parallel()
	for method, signature := range map[string]string{
		HMACSHA1: "euZi1pi6AKBl7UD0D1JNdIu1t%2Fc%3D", "": "VzATg488JN%2BOBH0W6RegYhzLw51yB3FwhAYrTMgX384%3D",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://vault.example.com/iso/pam/device?a=1", nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := signerOfRFC("1772625600", "chapoH", method).sign(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		got := r.Header.Get("Authorization")
		if !strings.HasPrefix(got, `OAuth oauth_consumer_key="dpf43f3p2l4k3l03", oauth_token="nnch734d00sl2jdk", `) ||
			!strings.HasSuffix(got, `oauth_signature="`+signature+`"`) {
			t.Errorf("%q: %s", method, got)
		}
	}
}

// TestOAuth1_Anew: each try has a nonce of its own, also the one after a 401.
func TestOAuth1_Anew(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	c := serve(t, Config{VaultAuth: OAuth1{ConsumerKey: "k", Token: "t"}}, func(w http.ResponseWriter, r *http.Request) {
		seen[r.Header.Get("Authorization")] = true
		answer(w, http.StatusUnauthorized, `{"code":401,"exception":{"code":1000,"message":"Invalid signature"}}`)
	})
	r := closed()
	r.vault = true
	_, err := call[item](t.Context(), c.client, r, nil)
	if _, ok := errors.AsType[*UnauthorizedError](err); !ok || len(seen) != 2 {
		t.Errorf("error %v after %d signatures", err, len(seen))
	}
}
