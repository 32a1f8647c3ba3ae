package auth_test

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// header reads the header of a token.
func header(t testing.TB, token domain.Secret) (fields map[string]any) {
	t.Helper()
	first, _, _ := strings.Cut(string(token), ".")
	if err := json.Unmarshal(must(base64.RawURLEncoding.DecodeString(first))(t), &fields); err != nil {
		t.Fatal(err)
	}
	return fields
}

// key derives the key of a use as the package does, so that a token signed with it can be refused
// only for its claims.
func key(t testing.TB, secret []byte, use auth.Use) []byte {
	t.Helper()
	return must(hkdf.Key(sha256.New, secret, nil, string(use), sha256.Size))(t)
}

// sign makes any token; a kid of nil is none.
func sign(t testing.TB, method jwt.SigningMethod, kid any, c jwt.MapClaims, key any) domain.Secret {
	t.Helper()
	token := jwt.NewWithClaims(method, c)
	if kid != nil {
		token.Header["kid"] = kid
	}
	return domain.Secret(must(token.SignedString(key))(t))
}

// goodClaims are those of an access token of the user.
func goodClaims() jwt.MapClaims {
	return jwt.MapClaims{
		"iss": "chaveiro", "sub": "user:7", "aud": "chaveiro:access", "gen": 3, "iat": noon.Unix(),
		"exp": noon.Add(time.Minute).Unix(),
	}
}

// with returns a copy of the claims with one altered; nil: absent.
func with(c jwt.MapClaims, claim string, value any) jwt.MapClaims {
	c = maps.Clone(c)
	c[claim] = value
	if value == nil {
		delete(c, claim)
	}
	return c
}

func TestTokens_Verify_Claims(t *testing.T) {
	t.Parallel()
	tokens, access := newTokens(t, noon), key(t, signingSecret, auth.Access)
	signed := func(c jwt.MapClaims) domain.Secret { return sign(t, jwt.SigningMethodHS256, "one", c, access) }
	wantGrant(t, tokens, signed(goodClaims()), auth.Grant{Use: auth.Access, Kind: domain.PrincipalUser}, auth.Access)
	for _, test := range []struct {
		sentence, claim string
		value           any // nil: absent
	}{
		{"another audience", "aud", "chaveiro:session"},
		{"no audience", "aud", nil},
		{"another issuer", "iss", "keymaster"},
		{"no issuer", "iss", nil},
		{"expired", "exp", noon.Unix()},
		{"never expiring", "exp", nil},
		{"not yet valid", "nbf", noon.Add(time.Minute).Unix()},
		{"no subject", "sub", nil},
		{"a subject of another kind", "sub", "command:7"},
		{"a subject of no kind", "sub", ":7"},
		{"a subject without number", "sub", "user:"},
		{"a subject with more than a number", "sub", "user:7x"},
		{"a subject beyond 64 bits", "sub", "user:99999999999999999999"},
		{"a generation that is no number", "gen", "three"},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			wantRefused(t, tokens, signed(with(goodClaims(), test.claim, test.value)), auth.Access)
		})
	}
}

func TestTokens_Verify_Holders(t *testing.T) {
	t.Parallel()
	tokens := newTokens(t, noon)
	session := with(with(goodClaims(), "aud", "chaveiro:session"), "sub", "apikey:7")
	refresh := with(with(goodClaims(), "aud", "chaveiro:refresh"), "exp", nil)
	t.Run("a session of an apikey is refused", func(t *testing.T) {
		k := key(t, signingSecret, auth.Session)
		wantRefused(t, tokens, sign(t, jwt.SigningMethodHS256, "one", session, k), auth.Session)
		wantGrant(t, tokens, sign(t, jwt.SigningMethodHS256, "one", with(session, "sub", "user:7"), k),
			auth.Grant{Use: auth.Session, Kind: domain.PrincipalUser}, auth.Session)
	})
	t.Run("a refresh token of a user is refused", func(t *testing.T) {
		k := key(t, secret, auth.Refresh)
		wantRefused(t, tokens, sign(t, jwt.SigningMethodHS256, nil, refresh, k), auth.Refresh)
		wantGrant(t, tokens, sign(t, jwt.SigningMethodHS256, nil, with(refresh, "sub", "apikey:7"), k),
			auth.Grant{Use: auth.Refresh, Kind: domain.PrincipalAPIKey}, auth.Refresh)
	})
}

func TestTokens_Verify_Keys(t *testing.T) {
	t.Parallel()
	tokens := newTokens(t, noon)
	all := []auth.Use{auth.Access, auth.Session, auth.Refresh}
	access, hs256 := key(t, signingSecret, auth.Access), jwt.SigningMethodHS256
	refresh := with(with(with(goodClaims(), "aud", "chaveiro:refresh"), "exp", nil), "sub", "apikey:7")
	for sentence, token := range map[string]domain.Secret{
		"no algorithm": sign(
			t, jwt.SigningMethodNone, "one", goodClaims(), jwt.UnsafeAllowNoneSignatureType,
		),
		"HMAC-SHA-512": sign(t, jwt.SigningMethodHS512, "one", goodClaims(), access),
		"HMAC-SHA-384": sign(t, jwt.SigningMethodHS384, "one", goodClaims(), access),
		"RSA": sign(
			t, jwt.SigningMethodRS256, "one", goodClaims(), must(rsa.GenerateKey(rand.Reader, 2048))(t),
		),
		"the key of another use":              sign(t, hs256, "one", goodClaims(), key(t, signingSecret, auth.Session)),
		"the key of the apikeys":              sign(t, hs256, "one", goodClaims(), key(t, secret, auth.Access)),
		"the secret itself as the key":        sign(t, hs256, "one", goodClaims(), signingSecret),
		"an empty key":                        sign(t, hs256, "one", goodClaims(), []byte{}),
		"an apikey's token with a signing id": sign(t, hs256, "one", refresh, key(t, secret, auth.Refresh)),
		"an apikey's token of a signing key":  sign(t, hs256, nil, refresh, key(t, signingSecret, auth.Refresh)),
		"no key named":                        sign(t, hs256, nil, goodClaims(), access),
	} {
		t.Run(sentence, func(t *testing.T) {
			wantRefused(t, tokens, token, all...)
			if _, err := tokens.Verify(string(token), auth.Access, auth.Refresh); errors.Is(err, auth.ErrUnknownKey) {
				t.Errorf("error is %v", err)
			}
		})
	}
	wantRefused(t, tokens, sign(t, hs256, json.RawMessage("null"), refresh, key(t, secret, auth.Refresh)), auth.Refresh)
	for _, kid := range []any{
		"two", "", "ONE", 1, true, []any{"one"}, map[string]any{"one": "one"}, json.RawMessage("null"),
	} {
		wantUnknownKey(t, tokens, sign(t, hs256, kid, goodClaims(), access), all...)
	}
	t.Run("a header without a signature algorithm, with the signature of the right header", func(t *testing.T) {
		parts := strings.Split(string(must(tokens.Access(user.Holder()))(t)), ".")
		for _, header := range []string{
			`{"alg":"none","typ":"JWT","kid":"one"}`, `{"alg":"None","kid":"one"}`, `{"alg":"","kid":"one"}`,
			`{"kid":"one"}`, `{}`,
		} {
			parts[0] = base64.RawURLEncoding.EncodeToString([]byte(header))
			wantRefused(t, tokens, domain.Secret(strings.Join(parts, ".")), auth.Access)
			wantRefused(t, tokens, domain.Secret(parts[0]+"."+parts[1]+"."), auth.Access)
		}
	})
}

func FuzzVerify(f *testing.F) {
	tokens := newTokens(f, noon)
	genuine := map[string]auth.Grant{}
	for _, kind := range kinds {
		token := string(must(kind.make(tokens))(f))
		genuine[token] = kind.want
		f.Add(token)
		f.Add("eyJhbGciOiJub25lIn0." + strings.Split(token, ".")[1] + ".")
		f.Add(strings.ToUpper(token))
		f.Add(token + "\n")
	}
	f.Add("")
	f.Add("..")
	f.Fuzz(func(t *testing.T, text string) {
		want, known := genuine[text]
		if !known {
			wantRefused(t, tokens, domain.Secret(text), auth.Refresh, auth.Session, auth.Access)
			return
		}
		wantGrant(t, tokens, domain.Secret(text), want, auth.Refresh, auth.Session, auth.Access)
	})
}
