package auth_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// place is where a signer puts the OAuth parameters.
type place int

const (
	inHeader place = iota
	inQuery
	inForm
)

// The public halves of what a signer signs with.
const (
	signedKey   = "dpf43f3p2l4k3l03"
	signedToken = "nnch734d00sl2jdk"
)

// signer is an independent implementation of RFC 5849: it uses none of the tested code.
type signer struct {
	Method, URL, SignatureMethod, Nonce, Timestamp string
	Query, Form                                    [][2]string
	ConsumerSecret, TokenSecret                    domain.Secret
	Place                                          place
}

// escape escapes as RFC 5849, section 3.6, requires, with the standard library.
func escape(text string) string {
	return strings.NewReplacer("+", "%20", "%7E", "~").Replace(url.QueryEscape(text))
}

func join(pairs [][2]string, separator, quote string) string {
	texts := make([]string, len(pairs))
	for i, pair := range pairs {
		texts[i] = escape(pair[0]) + "=" + quote + escape(pair[1]) + quote
	}
	return strings.Join(texts, separator)
}

func (s signer) oauth() [][2]string {
	return [][2]string{
		{"oauth_consumer_key", signedKey}, {"oauth_token", signedToken}, {"oauth_signature_method", s.SignatureMethod},
		{"oauth_timestamp", s.Timestamp},
		{"oauth_nonce", s.Nonce},
	}
}

func (s signer) signature() string {
	key := escape(string(s.ConsumerSecret)) + "&" + escape(string(s.TokenSecret))
	pairs := strings.Split(join(slices.Concat(s.Query, s.Form, s.oauth()), "&", ""), "&")
	// "=" sorts after digits and before letters, and must not affect the order: a name goes before
	// a longer one
	slices.SortFunc(pairs, func(a, b string) int {
		return slices.Compare(strings.SplitN(a, "=", 2), strings.SplitN(b, "=", 2))
	})
	base := strings.Join([]string{s.Method, escape(s.URL), escape(strings.Join(pairs, "&"))}, "&")
	hash := sha1.New
	switch s.SignatureMethod {
	case auth.Plaintext:
		return key
	case auth.HMACSHA256:
		hash = sha256.New
	}
	mac := hmac.New(hash, []byte(key))
	_, _ = mac.Write([]byte(base))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func (s signer) request() auth.OAuth1Request {
	oauth := append(s.oauth(), [2]string{"oauth_signature", s.signature()})
	r := auth.OAuth1Request{
		Method: s.Method, URLs: []string{s.URL}, Query: join(s.Query, "&", ""), Form: join(s.Form, "&", ""),
	}
	switch s.Place {
	case inQuery:
		r.Query = join(slices.Concat(s.Query, oauth), "&", "")
	case inForm:
		r.Form = join(slices.Concat(oauth, s.Form), "&", "")
	default:
		r.Authorization = "OAuth " + join(oauth, ", ", `"`)
	}
	return r
}

func drawSigner(rt *rapid.T) signer {
	pairs := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) [2]string {
		return [2]string{
			rapid.StringMatching(`[a-c=&%+ é~*-]{1,3}`).Draw(rt, "name"),
			rapid.OneOf(rapid.String(), rapid.StringMatching(`[ab+%& =]{0,3}`)).Draw(rt, "value"),
		}
	}), 0, 5)
	return signer{
		Method:          rapid.SampledFrom([]string{"GET", "POST", "PUT", "DELETE"}).Draw(rt, "method"),
		URL:             "https://vault.example.com/iso/pam/device/" + url.PathEscape(rapid.String().Draw(rt, "path")),
		SignatureMethod: rapid.SampledFrom([]string{auth.HMACSHA1, auth.HMACSHA256}).Draw(rt, "signature method"),
		Nonce:           rapid.StringMatching(`[ -~]{1,20}`).Draw(rt, "nonce"),
		Timestamp:       rapid.StringMatching(`[1-9][0-9]{9}`).Draw(rt, "timestamp"),
		Query:           pairs.Draw(rt, "query"), Form: pairs.Draw(rt, "form"),
		Place:          place(rapid.IntRange(0, 2).Draw(rt, "place")),
		ConsumerSecret: domain.Secret(rapid.StringN(1, 10, -1).Draw(rt, "consumer secret")),
		TokenSecret:    domain.Secret(rapid.String().Draw(rt, "token secret")),
	}
}

// TestOAuth1_Property: a signed request is verified, and an altered one is not.
func TestOAuth1_Property(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := drawSigner(rt)
		r := s.request()
		o, err := auth.ParseOAuth1(r)
		if err != nil {
			rt.Fatal(err)
		}
		if !o.Verify(s.ConsumerSecret, s.TokenSecret) {
			rt.Fatalf("not verified: %+v", r)
		}
		if o.Verify(s.ConsumerSecret+"x", s.TokenSecret) || o.Verify(s.ConsumerSecret, s.TokenSecret+"x") ||
			o.Verify("", "") {
			rt.Fatal("verified with other secrets")
		}
		for sentence, alter := range alterations {
			altered := r
			if alter(&altered); altered.Method == r.Method && slices.Equal(altered.URLs, r.URLs) &&
				altered.Query == r.Query && altered.Form == r.Form &&
				altered.Authorization == r.Authorization {
				continue
			}
			if o, err := auth.ParseOAuth1(altered); err == nil && o.Verify(s.ConsumerSecret, s.TokenSecret) {
				rt.Fatalf("%s: verified: %+v", sentence, altered)
			}
		}
	})
}

// alterations are what an attacker between client and server could do to a request.
var alterations = map[string]func(*auth.OAuth1Request){
	"another method": func(r *auth.OAuth1Request) { r.Method = "PATCH" },
	"another host": func(r *auth.OAuth1Request) {
		r.URLs = []string{
			strings.Replace(r.URLs[0], "vault", "fault", 1),
		}
	},
	"another scheme": func(r *auth.OAuth1Request) {
		r.URLs = []string{
			strings.Replace(r.URLs[0], "https", "http", 1),
		}
	},
	"another port": func(r *auth.OAuth1Request) {
		r.URLs = []string{
			strings.Replace(r.URLs[0], ".com", ".com:80", 1),
		}
	},
	"another path":          func(r *auth.OAuth1Request) { r.URLs = []string{r.URLs[0] + "/x"} },
	"no URL":                func(r *auth.OAuth1Request) { r.URLs = nil },
	"one more in the query": func(r *auth.OAuth1Request) { r.Query += "&z=1" },
	"one more in the form":  func(r *auth.OAuth1Request) { r.Form += "&z=" },
	"one more OAuth":        func(r *auth.OAuth1Request) { r.Query += "&oauth_z=1" },
	"without the form":      func(r *auth.OAuth1Request) { r.Form = "" },
	"without the query":     func(r *auth.OAuth1Request) { r.Query = "" },
	"a form that is doubled": func(r *auth.OAuth1Request) {
		if r.Form != "" {
			r.Form += "&" + r.Form
		}
	},
	"another nonce": func(r *auth.OAuth1Request) {
		for _, text := range []*string{&r.Authorization, &r.Query, &r.Form} {
			*text = strings.NewReplacer(`oauth_nonce="`, `oauth_nonce="x`, "oauth_nonce=", "oauth_nonce=x").
				Replace(*text)
		}
	},
	"another timestamp": func(r *auth.OAuth1Request) {
		for _, text := range []*string{&r.Authorization, &r.Query, &r.Form} {
			*text = strings.NewReplacer(
				`oauth_timestamp="`, `oauth_timestamp="1`, "oauth_timestamp=", "oauth_timestamp=1",
			).Replace(
				*text,
			)
		}
	},
	"another hash": func(r *auth.OAuth1Request) {
		for _, text := range []*string{&r.Authorization, &r.Query, &r.Form} {
			*text = strings.NewReplacer(auth.HMACSHA1, auth.HMACSHA256, auth.HMACSHA256, auth.HMACSHA1).Replace(*text)
		}
	},
	"a method that needs no more than the secrets": func(r *auth.OAuth1Request) {
		for _, text := range []*string{&r.Authorization, &r.Query, &r.Form} {
			*text = strings.NewReplacer(auth.HMACSHA256, auth.Plaintext, auth.HMACSHA1, auth.Plaintext).Replace(*text)
		}
	},
}

func FuzzParseOAuth1(f *testing.F) {
	r := sample().request()
	f.Add(r.Authorization, r.Query, r.Form)
	f.Add(
		`OAuth OAuth realm="a, b",oauth_consumer_key="k",oauth_token="t",oauth_signature_method="PLAINTEXT",oauth_signature= "a%26b"`, "&&a", "c2&a3=2+q",
	)
	f.Add("", "&oauth_consumer_key=k&oauth_token=t&oauth_signature=-", "")
	f.Fuzz(func(t *testing.T, header, query, form string) {
		r := auth.OAuth1Request{
			Method: "POST", URLs: []string{"https://vault.example.com/iso", "garbage"}, Query: query,
			Authorization: header, Form: form,
		}
		_ = auth.HasOAuth1(r)
		o, err := auth.ParseOAuth1(r)
		if err != nil {
			return
		}
		if o.ConsumerKey == "" || o.Token == "" {
			t.Errorf("without keys: %+v", o)
		}
		if o.Verify("4c5b0d2e9f6a4f2f8e1d7b3a6c9e0f12", "9a8b7c6d5e4f30211f2e3d4c5b6a7988") {
			t.Errorf("verified with secrets that nobody knows: %+v", r)
		}
	})
}
