package auth_test

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

var noon = time.Date(2026, time.March, 4, 12, 0, 0, 0, time.UTC)

var apikey = domain.APIKey{ID: 7, Name: "integration", Generation: 3, CreatedAt: noon.Add(-time.Hour)}

var secret = []byte("thirty-two bytes of test secret!")

func newTokens(t testing.TB, secret []byte, now time.Time) *auth.Tokens {
	t.Helper()
	tokens, err := auth.NewTokens(secret, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func made(t testing.TB, make func(domain.APIKey) (domain.Secret, error)) string {
	t.Helper()
	token, err := make(apikey)
	if err != nil {
		t.Fatal(err)
	}
	return string(token)
}

func wantRefused(t testing.TB, tokens *auth.Tokens, token string, uses ...auth.Use) {
	t.Helper()
	if grant, err := tokens.Verify(token, uses...); !errors.Is(err, auth.ErrToken) || grant != (auth.Grant{}) {
		t.Errorf("the token is accepted as %+v, %v", grant, err)
	}
}

func wantGrant(t testing.TB, tokens *auth.Tokens, token string, want auth.Use, uses ...auth.Use) {
	t.Helper()
	got, err := tokens.Verify(token, uses...)
	if got.ExpiresAt.IsZero() != (want == auth.Refresh) {
		t.Errorf("it ends at %v", got.ExpiresAt)
	}
	got.ExpiresAt = time.Time{}
	if diff := cmp.Diff(auth.Grant{Use: want, APIKeyID: 7, Generation: 3}, got); err != nil || diff != "" {
		t.Errorf("error is %v, grant (-want +got):\n%s", err, diff)
	}
}

func TestNewTokens(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 16, 31, 33, 64} {
		if _, err := auth.NewTokens(make([]byte, size), time.Now); err == nil {
			t.Errorf("a secret of %d bytes is accepted", size)
		}
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	tokens := newTokens(t, secret, noon)
	refresh, access := made(t, tokens.Refresh), made(t, tokens.Access)
	t.Run("a token says for whom it was made", func(t *testing.T) {
		wantGrant(t, tokens, refresh, auth.Refresh, auth.Refresh)
		wantGrant(t, tokens, access, auth.Access, auth.Access)
		wantGrant(t, tokens, refresh, auth.Refresh, auth.Access, auth.Refresh)
		wantGrant(t, newTokens(t, secret, noon.Add(100*365*24*time.Hour)), refresh, auth.Refresh, auth.Refresh)
	})
	t.Run("the token of an apikey is always the same", func(t *testing.T) {
		if made(t, newTokens(t, secret, noon.Add(time.Hour)).Refresh) != refresh {
			t.Error("it changed")
		}
	})
	t.Run("another generation has another token", func(t *testing.T) {
		next := apikey
		next.Generation++
		token, err := tokens.Refresh(next)
		if err != nil || string(token) == refresh {
			t.Errorf("it is the same (%v)", err)
		}
	})
	t.Run("a token of one use is none of another", func(t *testing.T) {
		wantRefused(t, tokens, access, auth.Refresh)
		wantRefused(t, tokens, refresh, auth.Access)
		wantRefused(t, tokens, refresh)
	})
	t.Run("an access token lives fifteen minutes", func(t *testing.T) {
		wantGrant(t, newTokens(t, secret, noon.Add(auth.AccessLife-time.Second)), access, auth.Access, auth.Access)
		wantRefused(t, newTokens(t, secret, noon.Add(auth.AccessLife)), access, auth.Access)
	})
	t.Run("another secret refuses", func(t *testing.T) {
		other := newTokens(t, []byte("another thirty-two bytes secret!"), noon)
		wantRefused(t, other, refresh, auth.Refresh)
		wantRefused(t, other, access, auth.Access)
	})
	t.Run("every altered character is noticed", func(t *testing.T) {
		for i := range refresh {
			for _, c := range []byte("A9_.") {
				if refresh[i] != c {
					wantRefused(t, tokens, refresh[:i]+string(c)+refresh[i+1:], auth.Refresh)
				}
			}
		}
	})
	t.Run("the spare bits of the last character are no freedom", func(t *testing.T) {
		const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		last := strings.IndexByte(digits, refresh[len(refresh)-1])
		for spare := 1; spare < 4; spare++ {
			wantRefused(t, tokens, refresh[:len(refresh)-1]+string(digits[last^spare]), auth.Refresh)
		}
	})
	t.Run("what is no token", func(t *testing.T) {
		for _, text := range []string{"", ".", "..", "...", refresh + ".", "." + refresh, refresh + "=", refresh[:len(refresh)-1], "Bearer " + refresh, strings.Repeat("a", 1<<20)} {
			wantRefused(t, tokens, text, auth.Refresh)
		}
	})
}

// key derives the key of a use as the package does: what is signed with it is refused for what it says alone.
func key(t testing.TB, use auth.Use) []byte {
	t.Helper()
	key, err := hkdf.Key(sha256.New, secret, nil, string(use), sha256.Size)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestTokens_Verify_Claims(t *testing.T) {
	t.Parallel()
	tokens := newTokens(t, secret, noon)
	good := func() jwt.MapClaims {
		return jwt.MapClaims{"iss": "chaveiro", "sub": "apikey:7", "aud": "chaveiro:access", "gen": 3, "iat": noon.Unix(), "exp": noon.Add(time.Minute).Unix()}
	}
	sign := func(method jwt.SigningMethod, c jwt.MapClaims, key any) string {
		t.Helper()
		text, err := jwt.NewWithClaims(method, c).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	wantGrant(t, tokens, sign(jwt.SigningMethodHS256, good(), key(t, auth.Access)), auth.Access, auth.Access)
	for sentence, token := range map[string]string{
		"no algorithm":                 sign(jwt.SigningMethodNone, good(), jwt.UnsafeAllowNoneSignatureType),
		"HMAC-SHA-512":                 sign(jwt.SigningMethodHS512, good(), key(t, auth.Access)),
		"HMAC-SHA-384":                 sign(jwt.SigningMethodHS384, good(), key(t, auth.Access)),
		"the key of the other use":     sign(jwt.SigningMethodHS256, good(), key(t, auth.Refresh)),
		"the secret itself as the key": sign(jwt.SigningMethodHS256, good(), secret),
		"an empty key":                 sign(jwt.SigningMethodHS256, good(), []byte{}),
	} {
		t.Run(sentence, func(t *testing.T) { wantRefused(t, tokens, token, auth.Access, auth.Refresh) })
	}
	for _, test := range []struct {
		sentence, claim string
		value           any // nil: absent
	}{
		{"another audience", "aud", "chaveiro:refresh"},
		{"no audience", "aud", nil},
		{"another issuer", "iss", "keymaster"},
		{"no issuer", "iss", nil},
		{"expired", "exp", noon.Unix()},
		{"never expiring", "exp", nil},
		{"not yet valid", "nbf", noon.Add(time.Minute).Unix()},
		{"no subject", "sub", nil},
		{"a subject of another kind", "sub", "user:7"},
		{"a subject without number", "sub", "apikey:"},
		{"a subject with more than a number", "sub", "apikey:7x"},
		{"a subject beyond 64 bits", "sub", "apikey:99999999999999999999"},
		{"a generation that is no number", "gen", "three"},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			altered := good()
			altered[test.claim] = test.value
			if test.value == nil {
				delete(altered, test.claim)
			}
			wantRefused(t, tokens, sign(jwt.SigningMethodHS256, altered, key(t, auth.Access)), auth.Access)
		})
	}
	t.Run("a header that promises no signature, with the signature of the right one", func(t *testing.T) {
		parts := strings.Split(made(t, tokens.Access), ".")
		for _, header := range []string{`{"alg":"none","typ":"JWT"}`, `{"alg":"None"}`, `{"alg":""}`, `{}`} {
			parts[0] = base64.RawURLEncoding.EncodeToString([]byte(header))
			wantRefused(t, tokens, strings.Join(parts, "."), auth.Access)
			wantRefused(t, tokens, parts[0]+"."+parts[1]+".", auth.Access)
		}
	})
}

func FuzzVerify(f *testing.F) {
	tokens := newTokens(f, secret, noon)
	refresh, access := made(f, tokens.Refresh), made(f, tokens.Access)
	for _, seed := range []string{refresh, access, "", "..", refresh + "\n", strings.ToUpper(access), "eyJhbGciOiJub25lIn0." + strings.Split(access, ".")[1] + "."} {
		f.Add(seed)
	}
	genuine := map[string]auth.Use{refresh: auth.Refresh, access: auth.Access}
	f.Fuzz(func(t *testing.T, text string) {
		grant, err := tokens.Verify(text, auth.Refresh, auth.Access)
		use, known := genuine[text]
		if (err == nil) != known {
			t.Fatalf("%q: %+v, %v", text, grant, err)
		}
		if err == nil && (grant.Use != use || grant.APIKeyID != 7 || grant.Generation != 3) {
			t.Fatalf("%q: %+v", text, grant)
		}
	})
}
