package api_test

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// A body over the limit is refused, and the connection stays open.
func TestHostile_LargeBodies(t *testing.T) {
	t.Parallel()
	s := withCA(t)
	padded := func(size int) string {
		const begin, end = `{"ca_id": 1, "name": "_", "email": "a@b.c", "x": "`, `"}`
		return begin + strings.Repeat("x", size-len(begin)-len(end)) + end
	}
	const limit = 256 << 10
	for _, chunked := range []bool{false, true} {
		large(t, s, padded(limit), chunked).want(t, 409, "name", "invalid")
		large(t, s, padded(limit+1), chunked).want(t, 400, "", "invalid")
		if got, reused := largeTraced(t, s, "{}", chunked); !reused {
			t.Error("the connection was closed after a body over the limit")
		} else {
			got.want(t, 409, "ca_id", "required")
		}
		large(t, s, padded(4<<20), chunked).want(t, 400, "", "invalid")
		large(t, s, "{}", chunked).want(t, 409, "ca_id", "required")
	}
	// Imports may be larger.
	send(t, s, "POST", casPath+"/import", `{"cert": "a", "key": "b", "crl": "`+strings.Repeat("x", 8<<20)+`"}`).
		want(t, 409, "cert", "invalid")
	send(t, s, "POST", casPath+"/import", `{"cert": "a", "key": "b", "crl": "`+strings.Repeat("x", 12<<20)+`"}`).
		want(t, 400, "", "invalid")
}

func large(t *testing.T, s *wiretest.Server, body string, chunked bool) answer {
	t.Helper()
	got, _ := largeTraced(t, s, body, chunked)
	return got
}

// largeTraced also tells whether the connection had been used before.
func largeTraced(t *testing.T, s *wiretest.Server, body string, chunked bool) (answer, bool) {
	t.Helper()
	var reused bool
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { reused = info.Reused }}
	var reader io.Reader = strings.NewReader(body)
	if chunked {
		reader = io.MultiReader(reader) // of unknown length
	}
	request, err := http.NewRequestWithContext(
		httptrace.WithClientTrace(t.Context(), trace), http.MethodPost, s.URL+clientsPath, reader,
	)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{"Authorization": {"Bearer " + s.Token}, "Content-Type": {"application/json"}}
	return do(t, s.HTTP, request), reused
}

// Random bodies always get an answer that the document describes (which wiretest checks), and never
// a failure of the service.
func FuzzValidateCreate(f *testing.F) {
	s := withCA(f)
	for _, seed := range []string{
		`{"ca_id": 1, "name": "a", "email": "a@b.c"}`, `{}`, `null`, `[`, `{"ca_id": 1e400, "name": null}`,
		`{"name": "\u0000", "NAME": 1}`,
		`{"ca_id": 1, "name": "b", "email": "a@b.c", "sector": null, "country": "BR", "expiration": 7300, "key_algorithm": "ed25519"}`,
		`{"ca_id": 1.0, "name": "a-b.c", "email": "\"a b\"@c", "city": "\ud800"}`, `{"a": {"a": 1, "a": 2}}`, "\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		if strings.Contains(body, "rsa-") || strings.Contains(body, "password") {
			t.Skip("RSA keys and slow hashes take the fuzzer its speed; none of the seeds has them")
		}
		got := send(t, s, "POST", clientsPath, body)
		if got.status >= 500 {
			t.Fatalf("%d %s", got.status, got.body)
		}
		if got.status == 200 {
			if client := got.client(t); url.PathEscape(client.Name) != client.Name || client.CaID != 1 {
				t.Fatalf("made %+v", client)
			}
		}
	})
}
