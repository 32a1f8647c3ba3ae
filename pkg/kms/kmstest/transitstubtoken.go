package kmstest

import (
	"crypto/rand"
	"net/http"
	"strings"
	"testing"
	"time"
)

// stubToken is a token of a stub.
type stubToken struct {
	id       string
	accessor string
	life     time.Duration
	made     time.Time
	ends     time.Time
	fixed    bool // it can't be renewed
}

// Fixed makes a token one that can't be renewed, and that ends after a time.
func (s *TransitStub) Fixed(t testing.TB, id string, left time.Duration) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	token := s.tokens[id]
	if token == nil {
		t.Fatal("the stub does not know the token")
	}
	token.fixed, token.ends = true, time.Now().Add(left)
}

// may says whether a token is good, and allows a path: root all, a service what its policy says and
// what every token may ask about itself.
func (t *stubToken) may(path, root string) bool {
	switch {
	case t == nil:
		return false
	case t.id == root:
		return true
	case !time.Now().Before(t.ends):
		return false
	}
	for _, allowed := range []string{
		"transit/keys/", "transit/sign/", "transit/encrypt/", "transit/decrypt/", "auth/token/lookup-self",
		"auth/token/renew-self",
	} {
		if strings.HasPrefix(path, allowed) {
			return true
		}
	}
	return false
}

func (s *TransitStub) createToken(in object) reply {
	text, _ := in["ttl"].(string)
	life, err := time.ParseDuration(text)
	if err != nil {
		return refuse(http.StatusBadRequest, "the ttl is no duration")
	}
	token := &stubToken{id: "hvs." + rand.Text(), accessor: rand.Text(), life: life, made: time.Now()}
	s.tokens[token.id] = token
	return reply{status: http.StatusOK, auth: token.renew()}
}

// seconds is a time that is left, as a whole number of seconds.
func seconds(left time.Duration) int64 { return int64(left / time.Second) }

// renew gives a token its life anew.
func (t *stubToken) renew() object {
	t.ends = time.Now().Add(t.life)
	policies := []string{"chaveiro", "default"}
	return object{
		"client_token": t.id, "accessor": t.accessor, "policies": policies, "token_policies": policies, "metadata": nil,
		"lease_duration": seconds(t.life), "renewable": true, "entity_id": "", "token_type": "service", "orphan": false,
		"mfa_requirement": nil, "num_uses": 0,
	}
}

func (t *stubToken) data() object {
	return object{
		"accessor": t.accessor, "creation_time": t.made.Unix(), "creation_ttl": seconds(t.life), "display_name": "token",
		"entity_id": "", "expire_time": t.ends.Format(time.RFC3339Nano), "explicit_max_ttl": 0, "id": t.id,
		"issue_time": t.made.Format(time.RFC3339Nano), "meta": nil, "num_uses": 0, "orphan": false,
		"path": "auth/token/create", "policies": []string{"chaveiro", "default"}, "renewable": !t.fixed,
		"ttl": seconds(time.Until(t.ends)), "type": "service",
	}
}
