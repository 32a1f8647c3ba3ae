package api_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// tokensAt returns an issuer of genuine tokens whose clock is that far in the past.
func tokensAt(t *testing.T, s *wiretest.Server, ago time.Duration) *auth.Tokens {
	t.Helper()
	signing := *s.Services.Signing
	now := signing.Now
	signing.Now = func() time.Time { return now().Add(-ago) }
	tokens, err := signing.Tokens(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

// made returns a token, or ends the test.
func made(t *testing.T, token domain.Secret, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return string(token)
}

// altered changes one member of the header (0) or of the claims (1) of a token, and leaves the
// signature.
func altered(t *testing.T, token string, part int, member string, value any) string {
	t.Helper()
	parts := strings.Split(token, ".")
	text, err := base64.RawURLEncoding.DecodeString(parts[part])
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]any
	if err := json.Unmarshal(text, &object); err != nil {
		t.Fatal(err)
	}
	object[member] = value
	if text, err = json.Marshal(object); err != nil {
		t.Fatal(err)
	}
	parts[part] = base64.RawURLEncoding.EncodeToString(text)
	return strings.Join(parts, ".")
}

// holders returns the callers whose tokens the tests use: the superuser apikey 1 and the user 1.
func holders(t *testing.T, s *wiretest.Server) (apikey, user domain.Holder) {
	t.Helper()
	key, err := s.Storage.Store.APIKeys().Get(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	root, err := s.Storage.Store.Users().Get(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	return key.Holder(), root.Holder()
}

// use is a way to present a token.
type use struct {
	name string
	try  func(token string) answer
}

func uses(t *testing.T, s *wiretest.Server) (bearer, access, refresh, exchange use) {
	write := func(token string, header ...string) answer {
		return send(t, s, "POST", rolesPath, `{"name": "evil"}`, append([]string{"Authorization", ""}, header...)...)
	}
	return use{"bearer", func(token string) answer { return write(token, "Authorization", "Bearer "+token) }},
		use{"access cookie", func(token string) answer { return write(token, "Cookie", "access-token="+token) }},
		use{"refresh cookie", func(token string) answer { return write(token, "Cookie", "refresh-token="+token) }},
		use{"exchange", func(token string) answer {
			body, _ := json.Marshal(map[string]string{"grant_type": "refresh_token", "refresh_token": token})
			return send(t, s, "POST", tokenPath, string(body), "Authorization", "")
		}}
}

// A token that is not genuine, not in force or not for that use is refused, however it is
// presented, and changes nothing.
func TestCredentials_Hostile(t *testing.T) {
	t.Parallel()
	s := withUser(t)
	apikey, user := holders(t, s)
	now := tokensAt(t, s, 0)
	access, userAccess := issued(t, now.Access, apikey), issued(t, now.Access, user)
	session := issued(t, now.Session, user)
	never := hostileTokens(t, s)
	bearer, accessCookie, refreshCookie, exchange := uses(t, s)
	before := inventory(t, s)
	refuse := func(use use, what, token string) {
		t.Helper()
		if got := use.try(token); got.status != 401 || got.header.Get("Set-Cookie") != "" ||
			got.header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s as %s: %d %s", what, use.name, got.status, got.body)
		}
	}
	for what, token := range never {
		for _, use := range []use{bearer, accessCookie, refreshCookie, exchange} {
			refuse(use, what, token)
		}
	}
	refuse(accessCookie, "an apikey", s.Token)
	refuse(accessCookie, "a session", session)
	refuse(bearer, "a session", session)
	refuse(refreshCookie, "an access token", access)
	refuse(exchange, "an access token", access)
	refuse(refreshCookie, "a user's access token", userAccess)
	refuse(exchange, "a user's access token", userAccess)
	before.unchanged(t, s)
	for _, good := range []struct {
		use   use
		token string
	}{{exchange, s.Token}, {exchange, session}} {
		good.use.try(good.token).want(t, 200, "", "")
	}
	for i, good := range []struct {
		use   use
		token string
	}{
		{bearer, s.Token}, {bearer, access}, {bearer, userAccess}, {accessCookie, access}, {accessCookie, userAccess},
		{refreshCookie, s.Token}, {refreshCookie, session},
	} {
		status := 409 // from the second on
		if i == 0 {
			status = 200
		}
		good.use.try(good.token).want(t, status, "name", "duplicated")
	}
}

// issued returns a token of a kind for a holder.
func issued(t *testing.T, issue func(domain.Holder) (domain.Secret, error), h domain.Holder) string {
	t.Helper()
	token, err := issue(h)
	return made(t, token, err)
}

// hostileTokens are tokens that no use accepts, by what is wrong with them.
func hostileTokens(t *testing.T, s *wiretest.Server) map[string]string {
	t.Helper()
	apikey, user := holders(t, s)
	now := tokensAt(t, s, 0)
	token := func(issue func(domain.Holder) (domain.Secret, error), h domain.Holder) string {
		t.Helper()
		return issued(t, issue, h)
	}
	access := token(now.Access, apikey)
	gone := apikey
	gone.ID = 77
	earlier := user
	earlier.Generation--
	later := apikey
	later.Generation++
	foreign, err := auth.NewTokens(
		make([]byte, auth.SecretSize), []auth.SigningKey{{ID: "foreign", Secret: make([]byte, auth.SecretSize)}},
		time.Now,
	)
	if err != nil {
		t.Fatal(err)
	}
	foreignKey, err := foreign.Refresh(domain.APIKey{ID: 1, Generation: 1})
	return map[string]string{
		"an access token that has expired":          token(tokensAt(t, s, auth.AccessLife+time.Second).Access, apikey),
		"a session that has expired":                token(tokensAt(t, s, auth.SessionLife+time.Second).Session, user),
		"an access token of an apikey that is gone": token(now.Access, gone),
		"an access token of an earlier generation":  token(now.Access, earlier),
		"an access token of a later generation":     token(now.Access, later),
		"a session of an apikey":                    token(now.Session, apikey),
		"an access token of another service":        token(foreign.Access, apikey),
		"an apikey of another service":              made(t, foreignKey, err),
		"another signature":                         access[:len(access)-8] + "AAAAAAAA",
		"no signature":                              access[:strings.LastIndex(access, ".")+1],
		"no algorithm":                              altered(t, access, 0, "alg", "none"),
		"no algorithm, no signature": strings.TrimSuffix(
			altered(t, access, 0, "alg", "none"), access[strings.LastIndex(access, ".")+1:],
		),
		"another algorithm":          altered(t, access, 0, "alg", "HS512"),
		"an unknown key":             altered(t, access, 0, "kid", "unknown"),
		"a key that is no text":      altered(t, access, 0, "kid", []string{"unknown"}),
		"a key in a file":            altered(t, access, 0, "kid", "../../../../dev/null"),
		"no key":                     altered(t, access, 0, "kid", nil),
		"an apikey with a key":       altered(t, s.Token, 0, "kid", "unknown"),
		"another subject":            altered(t, access, 1, "sub", "user:1"),
		"another audience":           altered(t, access, 1, "aud", []string{"chaveiro:refresh"}),
		"a longer life":              altered(t, access, 1, "exp", 9999999999),
		"an end beyond all numbers":  altered(t, access, 1, "exp", 1e300),
		"an apikey made superuser's": altered(t, s.Powerless, 1, "sub", "apikey:1"),
		"no token":                   "x",
		"three dots":                 "...",
		"JSON":                       `{"alg":"none"}`,
	}
}

// Two headers, or none that can be read.
func TestCredentials_Headers(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	before := inventory(t, s)
	good := "Bearer " + s.Token
	for _, header := range [][]string{{good, good}, {good, "Bearer x"}, {"Basic x", good}} {
		send(t, s, "POST", rolesPath, `{"name": "evil"}`, "Authorization", header[0], "Authorization", header[1]).
			want(t, 400, "authorization", "invalid")
	}
	for _, header := range []string{
		"Bearer", "bearer ", s.Token, "Basic " + s.Token, "Token " + s.Token, "Bearer " + s.Token + ", " + good,
		"Bearer\t" + s.Token, "Bearer \u00a0" + s.Token,
	} {
		send(t, s, "POST", rolesPath, `{"name": "evil"}`, "Authorization", header, "Cookie", "refresh-token="+s.Token).
			want(t, 401, "authorization", "invalid")
	}
	send(t, s, "POST", rolesPath, `{"name": "evil"}`, "Authorization", "", "X-Api-Key", s.Token).
		want(t, 401, "authorization", "invalid")
	send(t, s, "POST", rolesPath+"?access_token="+s.Token, `{"name": "evil"}`, "Authorization", "").
		want(t, 401, "authorization", "invalid")
	before.unchanged(t, s)
}

// A token of a mebibyte is refused, wherever it is sent.
func TestCredentials_Large(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	large := s.Token + strings.Repeat("x", 1<<20)
	for name, value := range map[string]string{
		"Authorization": "Bearer " + large, "Cookie": "access-token=" + large + "; refresh-token=" + large,
	} {
		request := httptest.NewRequest(http.MethodGet, rolesPath, nil)
		request.Header.Set(name, value)
		recorder := httptest.NewRecorder()
		s.Handler.ServeHTTP(recorder, request)
		if recorder.Code != 401 {
			t.Errorf("%s: %d %s", name, recorder.Code, recorder.Body)
		}
	}
	for size, want := range map[int]struct {
		status int
		field  string
	}{
		1 << 20: {400, ""}, 200 << 10: {400, ""}, 8 << 10: {400, ""}, 8000: {409, "refresh_token"},
		4097: {409, "refresh_token"}, 4096: {401, "authorization"},
	} {
		send(
			t, s, "POST", tokenPath, fmt.Sprintf(`{"grant_type": "refresh_token", "refresh_token": %q}`, large[:size]),
			"Authorization", "",
		).want(
			t, want.status, want.field, "invalid",
		)
	}
}
