package auth_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

func parse(t testing.TB, r auth.OAuth1Request) *auth.OAuth1 {
	t.Helper()
	o, err := auth.ParseOAuth1(r)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// hmacSHA1 signs a base string that was written out by hand.
func hmacSHA1(base string, secrets string) string {
	mac := hmac.New(sha1.New, []byte(secrets))
	_, _ = mac.Write([]byte(base))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// TestOAuth1_BaseString has the example of RFC 5849, section 3.4.1: the base string of the RFC is
// signed here, and the request has to verify with that signature. The signature printed in the RFC
// belongs to secrets that the RFC does not state.
func TestOAuth1_BaseString(t *testing.T) {
	t.Parallel()
	const base = `POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_` +
		`key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7`
	r := auth.OAuth1Request{
		Method: "POST", URLs: []string{"http://EXAMPLE.com/request"}, Query: "b5=%3D%253D&a3=a&c%40=&a2=r%20b",
		Form: "c2&a3=2+q",
		Authorization: `OAuth realm="Example", oauth_consumer_key="9djdj82h48djs9d2", oauth_token="kkk9d7dh3k39sjv7", oauth_signature_method="HMAC-SHA1",
			oauth_timestamp="137131201", oauth_nonce="7d8f3e4a", oauth_signature="` + strings.ReplaceAll(hmacSHA1(base, "one%2F1&two%202"), "+", "%2B") + `"`,
	}
	r.Authorization = strings.ReplaceAll(r.Authorization, "\n\t\t\t", " ")
	o := parse(t, r)
	if !o.Verify("one/1", "two 2") {
		t.Error("not the base string of the RFC")
	}
	if o.Verify("two 2", "one/1") || o.Verify("one/1", "") || o.Verify("", "") {
		t.Error("any secrets are good")
	}
	want := []any{
		"9djdj82h48djs9d2", "kkk9d7dh3k39sjv7", auth.HMACSHA1, "7d8f3e4a", time.Unix(137131201, 0).UTC(), false,
	}
	if diff := cmp.Diff(want, []any{o.ConsumerKey, o.Token, o.Method, o.Nonce, o.Timestamp, o.Unsigned}); diff != "" {
		t.Error(diff)
	}
}

// TestOAuth1_Photos has the two signatures of RFC 5849, section 1.2, for which both secrets are
// known. The request for temporary credentials has no token, and here one is always needed.
func TestOAuth1_Photos(t *testing.T) {
	t.Parallel()
	photos := auth.OAuth1Request{
		Method: "GET", URLs: []string{"http://photos.example.net/photos"}, Query: "file=vacation.jpg&size=original",
		Authorization: `OAuth realm="Photos", oauth_consumer_key="dpf43f3p2l4k3l03", oauth_token="nnch734d00sl2jdk", oauth_signature_method="HMAC-SHA1", ` +
			`oauth_timestamp="137131202", oauth_nonce="chapoH", oauth_signature="MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D"`,
	}
	token := auth.OAuth1Request{
		Method: "POST", URLs: []string{"https://photos.example.net/token"},
		Authorization: `OAuth realm="Photos", oauth_consumer_key="dpf43f3p2l4k3l03", oauth_token="hh5s93j4hdidpola", oauth_signature_method="HMAC-SHA1", ` +
			`oauth_timestamp="137131201", oauth_nonce="walatlh", oauth_verifier="hfdp7dh39dks9884", oauth_signature="gKgrFCywp7rO0OXSjdot%2FIHF7IU%3D"`,
	}
	if !parse(t, photos).Verify("kd94hf93k423kf44", "pfkkdhi9sl3r4s00") {
		t.Error("the request for the photo")
	}
	if !parse(t, token).Verify("kd94hf93k423kf44", "hdhd0244k9j7ao03") {
		t.Error("the request for the token")
	}
	photos.Query = "file=vacation.jpg&size=large"
	if parse(t, photos).Verify("kd94hf93k423kf44", "pfkkdhi9sl3r4s00") {
		t.Error("a photo of another size")
	}
}

// The secrets of the signed requests. sample is what is signed unless a test alters it.
const (
	consumerSecret domain.Secret = "kd94hf93k423kf44"
	tokenSecret    domain.Secret = "pfkkdhi9sl3r4s00"
)

func sample() signer {
	return signer{
		Method: "POST", URL: "https://vault.example.com/iso/pam/device", SignatureMethod: auth.HMACSHA1,
		Nonce: "chapoH", Timestamp: "1772625600",
		Query: [][2]string{{"a", "1"}}, Form: [][2]string{{"hostname", "win 1"}, {"ip", "10.0.0.1"}},
		ConsumerSecret: consumerSecret, TokenSecret: tokenSecret,
	}
}

// TestOAuth1_Places: the parameters may be in the header, in the query or in the form.
func TestOAuth1_Places(t *testing.T) {
	t.Parallel()
	for _, method := range []string{auth.HMACSHA1, auth.HMACSHA256, auth.Plaintext} {
		for _, place := range []place{inHeader, inQuery, inForm} {
			s := sample()
			s.SignatureMethod, s.Place = method, place
			o := parse(t, s.request())
			if !o.Verify(consumerSecret, tokenSecret) || o.Verify(consumerSecret, tokenSecret+"x") || o.Unsigned {
				t.Errorf("%s, %d", method, place)
			}
			if o.ConsumerKey != signedKey || o.Token != signedToken || o.Method != method {
				t.Errorf("%s, %d: %+v", method, place, o)
			}
		}
	}
}

// TestOAuth1_Liberties has the deviations of existing clients.
func TestOAuth1_Liberties(t *testing.T) {
	t.Parallel()
	for sentence, alter := range map[string]func(*signer, *auth.OAuth1Request){
		"an empty realm first": func(_ *signer,
			r *auth.OAuth1Request) {
			r.Authorization = edit(r, "OAuth ", `OAuth realm="",`)
		},
		"a realm with a comma": func(_ *signer,
			r *auth.OAuth1Request) {
			r.Authorization = edit(r, "OAuth ", `OAuth realm="a, b=c", `)
		},
		"no space after commas": func(_ *signer, r *auth.OAuth1Request) {
			r.Authorization = edit(r, ", ", ",")
		},
		"a space after the last equals sign": func(_ *signer, r *auth.OAuth1Request) {
			r.Authorization = edit(r, "oauth_signature=", "oauth_signature= ")
		},
		"all of these": func(_ *signer, r *auth.OAuth1Request) {
			r.Authorization = edit(r, "OAuth ", `OAuth realm="",`)
			r.Authorization = edit(r, ", ", ",")
			r.Authorization = edit(r, "oauth_signature=", "oauth_signature= ")
		},
		"the scheme twice": func(_ *signer,
			r *auth.OAuth1Request) {
			r.Authorization = "OAuth " + r.Authorization
		},
		"the scheme in lower case": func(_ *signer,
			r *auth.OAuth1Request) {
			r.Authorization = edit(r, "OAuth ", "oauth  ")
		},
		"a comma at the end": func(_ *signer, r *auth.OAuth1Request) { r.Authorization += ", " },
		"a nonce that is not escaped": func(s *signer, r *auth.OAuth1Request) {
			s.Nonce = "aGVs+bG8/Zg=="
			*r = s.request()
			r.Authorization = edit(r, "aGVs%2BbG8%2FZg%3D%3D", "aGVs+bG8/Zg==")
		},
		"a signature that is not escaped": func(_ *signer, r *auth.OAuth1Request) {
			r.Authorization = edit(r, "%2B", "+")
			r.Authorization = edit(r, "%2F", "/")
			r.Authorization = edit(r, "%3D", "=")
		},
		"an URL in lower case": func(s *signer, r *auth.OAuth1Request) {
			s.URL = "https://vault.example.com/iso/pam/device/win%2f1"
			*r = s.request()
			r.URLs = []string{"https://Vault.example.com/ISO/pam/device/Win%2F1"}
		},
		"the port of the scheme": func(_ *signer, r *auth.OAuth1Request) {
			r.URLs = []string{"https://vault.example.com:443/iso/pam/device"}
		},
		"one URL of many is good": func(_ *signer, r *auth.OAuth1Request) {
			r.URLs = append([]string{"http://10.0.0.1:8080/iso/pam/device"}, r.URLs...)
		},
		"another port": func(s *signer, r *auth.OAuth1Request) {
			s.URL = "https://vault.example.com:8443/iso/pam/device"
			*r = s.request()
		},
		"an URL without path": func(s *signer, r *auth.OAuth1Request) {
			s.URL = "https://vault.example.com/"
			*r = s.request()
			r.URLs = []string{"https://vault.example.com"}
		},
		"an address of IPv6": func(s *signer, r *auth.OAuth1Request) {
			s.URL = "https://[2001:db8::443]/iso"
			*r = s.request()
			r.URLs = []string{"https://[2001:DB8::443]:443/iso"}
		},
		"an ampersand first":    func(_ *signer, r *auth.OAuth1Request) { r.Query = "&" + r.Query },
		"ampersands everywhere": func(_ *signer, r *auth.OAuth1Request) { r.Query = "&&" + r.Query + "&&" },
		"no version":            func(_ *signer, r *auth.OAuth1Request) {},
		"plus for space in the form": func(_ *signer,
			r *auth.OAuth1Request) {
			r.Form = strings.ReplaceAll(r.Form, "%20", "+")
		},
		"a method in lower case": func(_ *signer, r *auth.OAuth1Request) { r.Method = "post" },
		"a form that is escaped wider": func(_ *signer,
			r *auth.OAuth1Request) {
			r.Form = strings.ReplaceAll(r.Form, "hostname", "host%6eame")
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			s := sample()
			r := s.request()
			alter(&s, &r)
			if !parse(t, r).Verify(consumerSecret, tokenSecret) {
				t.Errorf("not verified: %+v", r)
			}
		})
	}
}

func edit(r *auth.OAuth1Request, old, changed string) string {
	return strings.ReplaceAll(r.Authorization, old, changed)
}

func TestOAuth1_Unsigned(t *testing.T) {
	t.Parallel()
	const keys = "oauth_consumer_key=key&oauth_token=token"
	for _, query := range []string{
		keys, "&" + keys, "&" + keys + "&oauth_signature=-", "a=1&" + keys + "&oauth_signature=&b=2",
	} {
		for _, r := range []auth.OAuth1Request{{Query: query}, {Form: query}} {
			if !auth.HasOAuth1(r) {
				t.Errorf("%q has no parameters", query)
			}
			o := parse(t, r)
			if !o.Unsigned || o.ConsumerKey != "key" || o.Token != "token" || o.Verify("", "") {
				t.Errorf("%q: %+v", query, o)
			}
		}
	}
	for _, r := range []auth.OAuth1Request{
		{}, {Authorization: "Bearer oauth"}, {Query: "hostname=oauth"}, {Authorization: "OAuth"},
	} {
		if auth.HasOAuth1(r) {
			t.Errorf("%+v has parameters", r)
		}
	}
}

func TestParseOAuth1_Refusals(t *testing.T) {
	t.Parallel()
	header := sample().request().Authorization
	for sentence, r := range map[string]auth.OAuth1Request{
		"nothing":                     {},
		"a parameter twice, header":   {Authorization: header + `, oauth_nonce="x"`},
		"a parameter twice, query":    {Authorization: header, Query: "oauth_nonce=chapoH"},
		"a parameter twice, form":     {Authorization: header, Form: "oauth%5Fnonce=chapoH"},
		"the signature twice":         {Authorization: header, Query: "oauth_signature=-"},
		"one that is not known twice": {Authorization: header, Query: "oauth_extra=1", Form: "oauth_extra=1"},
		"no key":                      {Query: "oauth_token=x"},
		"an empty key":                {Query: "oauth_consumer_key=&oauth_token=x"},
		"no token":                    {Query: "oauth_consumer_key=x"},
		"a signature without method":  {Query: "oauth_consumer_key=x&oauth_token=x&oauth_signature=abc"},
		"a method that is not known":  {Authorization: strings.ReplaceAll(header, auth.HMACSHA1, "RSA-SHA1")},
		"a method in lower case":      {Authorization: strings.ReplaceAll(header, auth.HMACSHA1, "hmac-sha1")},
		"another version":             {Authorization: header + `, oauth_version="2.0"`},
		"an empty version":            {Authorization: header + `, oauth_version=""`},
		"no timestamp":                {Authorization: strings.ReplaceAll(header, "oauth_timestamp", "timestamp")},
		"no nonce":                    {Authorization: strings.ReplaceAll(header, "oauth_nonce", "nonce")},
		"an empty nonce":              {Authorization: strings.ReplaceAll(header, "chapoH", "")},
		"a nonce that is too long": {
			Authorization: strings.ReplaceAll(header, "chapoH", strings.Repeat("x", 256)),
		},
		"a nonce with a NUL":            {Authorization: strings.ReplaceAll(header, "chapoH", "%00")},
		"a nonce that is no UTF-8":      {Authorization: strings.ReplaceAll(header, "chapoH", "%ff")},
		"a query that is not escaped":   {Authorization: header, Query: "a=%"},
		"a header that is not escaped":  {Authorization: header + `, a="%zz"`},
		"a header without quotes":       {Authorization: "OAuth oauth_consumer_key=x, oauth_token=x"},
		"a header with half a quote":    {Authorization: header + `, a="b`},
		"a header without commas":       {Authorization: strings.ReplaceAll(header, ", ", " ")},
		"a header with a name only":     {Authorization: header + ", name"},
		"a header with text behind":     {Authorization: header + "x"},
		"more parameters than anyone's": {Authorization: header, Form: strings.Repeat("a=1&", 300)},
	} {
		o, err := auth.ParseOAuth1(r)
		if !errors.Is(err, auth.ErrOAuth1) {
			t.Errorf("%s: %+v, %v", sentence, o, err)
		}
	}
	for _, timestamp := range []string{
		"0", "-1", "+1", "1.5", "1e9", " 1", "0x10", "1772625600000", "99999999999999999999", "",
	} {
		s := sample()
		s.Timestamp = timestamp
		if _, err := auth.ParseOAuth1(s.request()); !errors.Is(err, auth.ErrOAuth1) {
			t.Errorf("timestamp %q: %v", timestamp, err)
		}
	}
}

// TestParseOAuth1_Quiet: the error does not quote the request, except for the name of a parameter.
func TestParseOAuth1_Quiet(t *testing.T) {
	t.Parallel()
	_, err := auth.ParseOAuth1(
		auth.OAuth1Request{
			Query: "oauth_x%0a" + strings.Repeat("y", 100) + "=s3cret&oauth_x%0a" + strings.Repeat("y", 100) +
				"=s3cret",
		},
	)
	if err == nil || strings.ContainsAny(err.Error(), "\n") || strings.Contains(err.Error(), "s3cret") ||
		len(err.Error()) > 150 {
		t.Errorf("error is %v", err)
	}
}
