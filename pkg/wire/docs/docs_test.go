package docs_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/wire/docs"
)

// ask sends one request to the explorer, with header fields in pairs.
func ask(t *testing.T, method, target string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	docs.Handler(docs.Config{}).ServeHTTP(w, r)
	return w.Result()
}

// body reads an answer to its end.
func body(t *testing.T, r io.Reader) []byte {
	t.Helper()
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestHandler_Statuses(t *testing.T) {
	for _, test := range []struct {
		method, target string
		status         int
		mediaType      string
	}{
		{"GET", "/docs/", 200, "text/html; charset=utf-8"},
		{"HEAD", "/docs/", 200, "text/html; charset=utf-8"},
		{"GET", "/docs/?document=PAM", 200, "text/html; charset=utf-8"},
		{"GET", "/docs/init.js", 200, "text/javascript; charset=utf-8"},
		{"GET", "/docs/oauth1.js", 200, "text/javascript; charset=utf-8"},
		{"GET", "/docs/docs.css", 200, "text/css; charset=utf-8"},
		{"GET", "/docs/swagger/swagger-ui-bundle.js", 200, "text/javascript; charset=utf-8"},
		{"GET", "/docs/swagger/favicon-32x32.png", 200, "image/png"},
		{"GET", "/docs/swagger/LICENSE", 200, "text/plain; charset=utf-8"},
		{"GET", "/docs/swagger/swagger-ui-bundle.js.LICENSE.txt", 200, "text/plain; charset=utf-8"},
		{"GET", "/docs/index.html", 404, "text/plain; charset=utf-8"},
		{"GET", "/docs/swagger/", 404, "text/plain; charset=utf-8"},
		{"GET", "/docs/swagger/README.md", 404, "text/plain; charset=utf-8"},
		{"GET", "/docs/../secret", 307, "text/html; charset=utf-8"}, // to the clean path, outside of the explorer
		{"GET", "/docs/swagger/..%2f..%2fdocs.go", 404, "text/plain; charset=utf-8"},
		{"POST", "/docs/", 405, "text/plain; charset=utf-8"},
		{"DELETE", "/docs/init.js", 405, "text/plain; charset=utf-8"},
	} {
		t.Run(test.method+" "+test.target, func(t *testing.T) {
			res := ask(t, test.method, test.target)
			if got := res.Header.Get("Content-Type"); res.StatusCode != test.status || got != test.mediaType {
				t.Errorf("got %d %q, want %d %q", res.StatusCode, got, test.status, test.mediaType)
			}
			checkSecurity(t, res.Header)
		})
	}
}

// checkSecurity compares the headers that every answer has, errors too.
func checkSecurity(t *testing.T, h http.Header) {
	t.Helper()
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " +
			"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options":     "nosniff",
		"Referrer-Policy":            "no-referrer",
		"Cross-Origin-Opener-Policy": "same-origin",
	} {
		if got := h.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestHandler_RedirectsToTheFinalSlash(t *testing.T) {
	for target, want := range map[string]string{"/docs": "/docs/", "/docs?document=PAM": "/docs/?document=PAM"} {
		res := ask(t, "GET", target)
		if got := res.Header.Get("Location"); res.StatusCode/100 != 3 || got != want {
			t.Errorf("%s: got %d to %q, want a redirect to %q", target, res.StatusCode, got, want)
		}
		checkSecurity(t, res.Header)
	}
}

func TestHandler_Compresses(t *testing.T) {
	const target = "/docs/swagger/swagger-ui-bundle.js"
	plain := ask(t, "GET", target)
	gzipped := ask(t, "GET", target, "Accept-Encoding", "gzip, deflate, br")
	if got := gzipped.Header.Get("Content-Encoding"); got != "gzip" || plain.Header.Get("Content-Encoding") != "" {
		t.Fatalf("Content-Encoding is %q, and %q unasked", got, plain.Header.Get("Content-Encoding"))
	}
	compressed := body(t, gzipped.Body)
	unzipped, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		t.Fatal(err)
	}
	if original := body(t, plain.Body); !bytes.Equal(body(t, unzipped), original) || len(compressed) > len(original)/3 {
		t.Errorf("%d bytes compressed to %d, or to something else", len(original), len(compressed))
	}
	for _, res := range []*http.Response{plain, gzipped} {
		if got := res.Header.Get("Vary"); got != "Accept-Encoding" {
			t.Errorf("Vary is %q", got)
		}
	}
}

func TestHandler_LeavesWhatDoesNotShrink(t *testing.T) {
	if got := ask(t, "GET", "/docs/swagger/NOTICE", "Accept-Encoding", "gzip").
		Header.Get("Content-Encoding"); got != "" {
		t.Errorf("Content-Encoding is %q", got)
	}
}

func TestHandler_NegotiatesEncoding(t *testing.T) {
	for accept, want := range map[string]string{
		"":                     "",
		"gzip":                 "gzip",
		"GZIP ; Q=0.1":         "gzip",
		"x-gzip":               "gzip",
		"br, *":                "gzip",
		"*;q=0":                "",
		"gzip;q=0":             "",
		"gzip;q=0.000, *":      "",
		"*;q=0, gzip":          "gzip",
		"identity, gzip;q=bad": "",
		"deflate":              "",
	} {
		if got := ask(t, "GET", "/docs/init.js", "Accept-Encoding", accept).
			Header.Get("Content-Encoding"); got != want {
			t.Errorf("Accept-Encoding %q: got %q, want %q", accept, got, want)
		}
	}
}

func TestHandler_Revalidates(t *testing.T) {
	seen := map[string]bool{}
	for _, accept := range []string{"identity", "gzip"} {
		tag := ask(t, "GET", "/docs/", "Accept-Encoding", accept).Header.Get("Etag")
		again := ask(t, "GET", "/docs/", "Accept-Encoding", accept, "If-None-Match", tag)
		if again.StatusCode != 304 || len(body(t, again.Body)) > 0 || seen[tag] {
			t.Errorf(
				"%s: got %d for the entity tag %s, want an empty 304 and a tag of its own", accept, again.StatusCode,
				tag,
			)
		}
		seen[tag] = true
	}
}

var link = regexp.MustCompile(`(?:src|href)="([^"]+\?v=[^"]+)"`)

func TestHandler_LinksAreGoodForever(t *testing.T) {
	links := link.FindAllSubmatch(body(t, ask(t, "GET", "/docs/").Body), -1)
	if len(links) != 8 {
		t.Fatalf("got %d links with a version, want 8", len(links))
	}
	for _, match := range links {
		target := "/docs/" + string(match[1])
		for target, want := range map[string]string{target: "immutable", target + "0": "no-cache"} {
			if res := ask(t, "GET", target); res.StatusCode != 200 ||
				!strings.Contains(res.Header.Get("Cache-Control"), want) {
				t.Errorf(
					"%s: got %d, Cache-Control %q, want %s", target, res.StatusCode, res.Header.Get("Cache-Control"),
					want,
				)
			}
		}
	}
}

func TestHandler_EscapesNames(t *testing.T) {
	w := httptest.NewRecorder()
	cfg := docs.Config{Documents: []docs.Document{{Name: `"><script>`, URL: "javascript:alert(1)"}}}
	docs.Handler(cfg).ServeHTTP(w, httptest.NewRequest("GET", "/docs/", nil))
	if page := w.Body.String(); strings.Contains(page, "<script>") || strings.Contains(page, "javascript:") {
		t.Errorf("unescaped: %s", page)
	}
}

var sumLine = regexp.MustCompile(`(?m)^([0-9a-f]{64})  (\S+)$`)

func TestVendoredFilesAreUnmodified(t *testing.T) {
	entries, err := os.ReadDir("swagger")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("swagger/README.md")
	if err != nil {
		t.Fatal(err)
	}
	sums := sumLine.FindAllSubmatch(readme, -1)
	if len(sums) != len(entries)-1 {
		t.Errorf("the README has sums of %d files, the folder has %d others", len(sums), len(entries)-1)
	}
	for _, match := range sums {
		content, err := os.ReadFile("swagger/" + string(match[2]))
		if sum := fmt.Sprintf("%x", sha256.Sum256(content)); err != nil || sum != string(match[1]) {
			t.Errorf("%s: sum %s, error %v, want %s", match[2], sum, err, match[1])
		}
	}
}
