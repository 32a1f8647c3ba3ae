package docs_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/wire/docs/browsertest"
)

// TestExplorer_OAuth1 has the examples of RFC 5849, sections 1.2, 3.4.1.1 and 3.4.1.2, and what the
// SDKs sign.
func TestExplorer_OAuth1(t *testing.T) {
	b := browsertest.Open(t)
	b.Navigate(serve(t) + "/docs/")
	const sign = `(method, token, request, timestamp, nonce) => oauth1.header({ method, consumerKey: "dpf43f3p2l4k3l03",
		consumerSecret: "kd94hf93k423kf44", ...token }, request, timestamp, nonce)`
	token := map[string]string{"token": "nnch734d00sl2jdk", "tokenSecret": "pfkkdhi9sl3r4s00"}
	header := func(method string, token, request map[string]string, timestamp, nonce string) string {
		got := browsertest.Run[string](b, sign, method, token, request, timestamp, nonce)
		_, signature, _ := strings.Cut(got, `oauth_signature="`)
		return strings.TrimSuffix(signature, `"`)
	}
	photo := map[string]string{"method": "GET", "url": "http://photos.example.net/photos?file=vacation.jpg&size=original"}
	if got := header("HMAC-SHA1", token, photo, "137131202", "chapoH"); got != "MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D" {
		t.Errorf("the signature of the photo is %s", got)
	}
	const base = `(method, url, parameters) => oauth1.baseString(method, new URL(url), parameters)`
	got := browsertest.Run[string](b, base, "post", "http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b", [][]string{
		{"c2", ""}, {"a3", "2 q"}, {"oauth_consumer_key", "9djdj82h48djs9d2"}, {"oauth_token", "kkk9d7dh3k39sjv7"},
		{"oauth_signature_method", "HMAC-SHA1"}, {"oauth_timestamp", "137131201"}, {"oauth_nonce", "7d8f3e4a"},
	})
	want := "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D" +
		"%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1" +
		"%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for url, want := range map[string]string{
		"http://EXAMPLE.COM:80/r%20v/X?id=123":      "GET&http%3A%2F%2Fexample.com%2Fr%2520v%2FX&id%3D123",
		"https://www.example.net:8080/?q=1":         "GET&https%3A%2F%2Fwww.example.net%3A8080%2F&q%3D1",
		"https://vault.example.com:443/iso/a%2Fb/c": "GET&https%3A%2F%2Fvault.example.com%2Fiso%2Fa%252Fb%2Fc&",
	} {
		if got := browsertest.Run[string](b, base, "GET", url, []string{}); got != want {
			t.Errorf("%s: %s", url, got)
		}
	}
	if problems := b.Problems(); len(problems) > 0 {
		t.Errorf("problems: %q", problems)
	}
}

// TestExplorer_OAuth1Insecure: where browsers can't sign, the page says so and asks for no secret.
func TestExplorer_OAuth1Insecure(t *testing.T) {
	b := browsertest.Open(t)
	b.First(`Object.defineProperty(self, "isSecureContext", { value: false })`) // as over http from another computer
	b.Prefer("pt-BR")
	b.Navigate(serve(t) + "/docs/")
	b.Click(".oauth1 summary")
	b.WaitForText(".oauth1 p", "Não é possível assinar requisições aqui")
	if fields := b.Count(".oauth1 :is(input, select)"); fields > 0 {
		t.Errorf("there are %d fields", fields)
	}
	if problems := b.Problems(); len(problems) > 0 {
		t.Errorf("problems: %q", problems)
	}
}
