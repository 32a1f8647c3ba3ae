package kmstest

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TransitStub is a stub of the API of Transit, with real keys in memory. It is no server of
// OpenBao, and knows these paths only, below /v1/:
//
//   - transit/keys/NAME: make, read, delete; /config, of which deletion_allowed; /rotate
//   - transit/sign/NAME: a digest that is hashed already; a whole message with Ed25519
//   - transit/encrypt/NAME and transit/decrypt/NAME: with aes256-gcm96
//   - auth/token/lookup-self, renew-self, create and revoke; sys/seal and sys/unseal
//
// It answers with the statuses and the fields of the real server, as far as they were recorded:
// TestContract of pkg/kms/transit compares the two. The texts of errors are its own.
type TransitStub struct {
	*TransitServer
	server *http.Server

	mu       sync.Mutex
	sealed   bool
	tokens   map[string]*stubToken
	keys     map[string]*stubKey
	requests []string
}

// NewTransitStub starts a stub, unsealed and with a token, which ends with the test.
func NewTransitStub(t testing.TB) *TransitStub {
	t.Helper()
	s := newTransitStub(filepath.Join(t.TempDir(), "token"))
	s.listen(t, "127.0.0.1:0")
	t.Cleanup(func() { _ = s.server.Close() })
	s.First = s.NewToken(t, "1h")
	s.WriteToken(t, s.First)
	return s
}

// NewTransitHandler makes a stub that its caller serves at a URL, unsealed and with a token for a
// day, which it writes to a file.
func NewTransitHandler(url, file string) (*TransitStub, error) {
	s := newTransitStub(file)
	s.URL = url
	auth := s.createToken(object{"ttl": "24h"}).auth.(object)
	s.First = auth["client_token"].(string)
	return s, os.WriteFile(file, []byte(s.First+"\n"), 0o600)
}

func newTransitStub(file string) *TransitStub {
	v := &TransitServer{Token: file, Root: "hvs." + rand.Text(), key: rand.Text()}
	return &TransitStub{
		TransitServer: v, keys: map[string]*stubKey{}, tokens: map[string]*stubToken{v.Root: {id: v.Root}},
	}
}

func (s *TransitStub) listen(t testing.TB, address string) {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s.URL, s.server = "http://"+listener.Addr().String(), &http.Server{Handler: s}
	go func() { _ = s.server.Serve(listener) }()
}

// Leave ends the server, with all connections; Return starts it again with its keys and tokens, at
// the same address.
func (s *TransitStub) Leave(t testing.TB) {
	t.Helper()
	if err := s.server.Close(); err != nil {
		t.Fatal(err)
	}
}

// Return starts the server that has left.
func (s *TransitStub) Return(t testing.TB) {
	t.Helper()
	s.listen(t, strings.TrimPrefix(s.URL, "http://"))
}

// Requests are those that came, as "PUT transit/sign/ca 200", the oldest first.
func (s *TransitStub) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Keys are the names of the keys that there are.
func (s *TransitStub) Keys() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.keys))
}

// reply is an answer: with data, or with errors.
type reply struct {
	status int
	auth   any
	data   any
	errors []string
}

func refuse(status int, text string) reply { return reply{status: status, errors: []string{text}} }

// ServeHTTP implements [http.Handler].
func (s *TransitStub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in := object{}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, `{"errors":["the body is no JSON"]}`, http.StatusBadRequest)
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	out := s.answer(r.Method, path, r.Header.Get("X-Vault-Token"), in)
	s.mu.Lock()
	s.requests = append(s.requests, fmt.Sprintf("%s %s %d", r.Method, path, out.status))
	s.mu.Unlock()
	write(w, out)
}

func write(w http.ResponseWriter, out reply) {
	var body any
	switch {
	case out.status == http.StatusNoContent:
		w.WriteHeader(out.status)
		return
	case out.status >= http.StatusBadRequest:
		body = object{"errors": out.errors}
	default:
		body = object{
			"request_id": rand.Text(), "lease_id": "", "renewable": false, "lease_duration": 0, "data": out.data,
			"wrap_info": nil, "warnings": nil, "auth": out.auth,
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(out.status)
	_ = json.NewEncoder(w).Encode(body)
}

// done is the answer of a change.
var done = reply{status: http.StatusNoContent}

func (s *TransitStub) answer(method, path, token string, in object) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case path == "sys/unseal":
		s.sealed = in["key"] != s.key
		return reply{status: http.StatusOK}
	case s.sealed:
		return refuse(http.StatusServiceUnavailable, "sealed")
	}
	holder := s.tokens[token]
	if !holder.may(path, s.Root) {
		return refuse(http.StatusForbidden, "this token may not do this")
	}
	if rest, ok := strings.CutPrefix(path, "transit/"); ok {
		return s.answerTransit(method, rest, in)
	}
	switch path {
	case "sys/seal":
		s.sealed = true
		return done
	case "auth/token/create":
		return s.createToken(in)
	case "auth/token/revoke":
		id, _ := in["token"].(string)
		delete(s.tokens, id)
		return done
	case "auth/token/lookup-self":
		return reply{status: http.StatusOK, data: holder.data()}
	case "auth/token/renew-self":
		return reply{status: http.StatusOK, auth: holder.renew()}
	}
	return reply{status: http.StatusNotFound, errors: []string{}}
}
