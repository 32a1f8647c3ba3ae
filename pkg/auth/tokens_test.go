package auth_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

var noon = time.Date(2026, time.March, 4, 12, 0, 0, 0, time.UTC)

var (
	apikey = domain.APIKey{ID: 7, Name: "integration", Generation: 3, CreatedAt: noon.Add(-time.Hour)}
	user   = domain.User{ID: 7, Username: "ana", Generation: 3}
)

var (
	secret        = []byte("thirty-two bytes of test secret!")
	signingSecret = []byte("thirty-two bytes to sign with...")
)

// signingKey is one that is in force since noon.
var signingKey = auth.SigningKey{ID: "one", Secret: signingSecret, InForce: noon}

func newTokens(t testing.TB, now time.Time, ring ...auth.SigningKey) *auth.Tokens {
	t.Helper()
	if len(ring) == 0 {
		ring = []auth.SigningKey{signingKey}
	}
	return must(auth.NewTokens(secret, ring, func() time.Time { return now }))(t)
}

// must returns the value of a call that has to succeed: must(f())(t).
func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func wantRefused(t testing.TB, tokens *auth.Tokens, token domain.Secret, uses ...auth.Use) {
	t.Helper()
	if grant, err := tokens.Verify(string(token), uses...); !errors.Is(err, auth.ErrToken) || grant != (auth.Grant{}) {
		t.Errorf("the token is accepted as %+v, %v", grant, err)
	}
}

// wantGrant checks that a token is one of the apikey or the user above; a zero ExpiresAt is not
// compared.
func wantGrant(t testing.TB, tokens *auth.Tokens, token domain.Secret, want auth.Grant, uses ...auth.Use) {
	t.Helper()
	got, err := tokens.Verify(string(token), uses...)
	if want.ExpiresAt.IsZero() && want.Use != auth.Refresh {
		got.ExpiresAt = time.Time{}
	}
	want.ID, want.Generation = 7, 3
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("error is %v, grant (-want +got):\n%s", err, diff)
	}
}

func TestNewTokens(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 16, 31, 33, 64} {
		if _, err := auth.NewTokens(make([]byte, size), []auth.SigningKey{signingKey}, time.Now); err == nil {
			t.Errorf("a secret of %d bytes is accepted", size)
		}
		if _, err := auth.NewTokens(
			secret, []auth.SigningKey{signingKey, {ID: "two", Secret: make([]byte, size)}}, time.Now,
		); err == nil {
			t.Errorf("a signing key of %d bytes is accepted", size)
		}
	}
	if _, err := auth.NewTokens(secret, nil, time.Now); err == nil {
		t.Error("no signing key is accepted")
	}
}

// kinds are all kinds of tokens.
var kinds = []struct {
	sentence string
	make     func(*auth.Tokens) (domain.Secret, error)
	want     auth.Grant
}{
	{
		"the token of an apikey", func(t *auth.Tokens) (domain.Secret, error) { return t.Refresh(apikey) },
		auth.Grant{Use: auth.Refresh, Kind: domain.PrincipalAPIKey},
	},
	{"the access token of an apikey", func(t *auth.Tokens) (domain.Secret, error) { return t.Access(apikey.Holder()) },
		auth.Grant{Use: auth.Access, Kind: domain.PrincipalAPIKey, ExpiresAt: noon.Add(auth.AccessLife)}},
	{"the session of a user", func(t *auth.Tokens) (domain.Secret, error) { return t.Session(user.Holder()) },
		auth.Grant{Use: auth.Session, Kind: domain.PrincipalUser, ExpiresAt: noon.Add(auth.SessionLife)}},
	{"the access token of a user", func(t *auth.Tokens) (domain.Secret, error) { return t.Access(user.Holder()) },
		auth.Grant{Use: auth.Access, Kind: domain.PrincipalUser, ExpiresAt: noon.Add(auth.AccessLife)}},
}

func TestTokens(t *testing.T) {
	t.Parallel()
	tokens := newTokens(t, noon)
	all := []auth.Use{auth.Refresh, auth.Session, auth.Access}
	for _, kind := range kinds {
		token := must(kind.make(tokens))(t)
		t.Run(kind.sentence+" says for whom it was made, and until when it is good", func(t *testing.T) {
			wantGrant(t, tokens, token, kind.want, kind.want.Use)
			wantGrant(t, tokens, token, kind.want, all...)
		})
		t.Run(kind.sentence+" is refused for another use", func(t *testing.T) {
			wantRefused(t, tokens, token)
			for _, use := range all {
				if use != kind.want.Use {
					wantRefused(t, tokens, token, use)
				}
			}
		})
		t.Run(kind.sentence+" is refused by other secrets", func(t *testing.T) {
			other := []byte("another thirty-two bytes secret!")
			wantRefused(t,
				must(auth.NewTokens(other, []auth.SigningKey{{ID: "one", Secret: other, InForce: noon}}, tokensNow))(t),
				token, all...)
		})
		if !kind.want.ExpiresAt.IsZero() {
			t.Run(kind.sentence+" ends", func(t *testing.T) {
				wantGrant(t, newTokens(t, kind.want.ExpiresAt.Add(-time.Second)), token, kind.want, kind.want.Use)
				wantRefused(t, newTokens(t, kind.want.ExpiresAt), token, kind.want.Use)
				wantSame(t, kind.want.Expired(kind.want.ExpiresAt.Add(-1)), false)
				wantSame(t, kind.want.Expired(kind.want.ExpiresAt), true)
			})
		}
	}
}

func tokensNow() time.Time { return noon }

func wantSame[T any](t testing.TB, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("differs (-want +got):\n%s", diff)
	}
}

func TestTokens_Refresh(t *testing.T) {
	t.Parallel()
	tokens := newTokens(t, noon)
	refresh := must(tokens.Refresh(apikey))(t)
	t.Run("the token of an apikey is always the same, whatever the signing keys are", func(t *testing.T) {
		other := auth.SigningKey{ID: "two", Secret: secret, InForce: noon.Add(-time.Hour)}
		wantSame(t, string(must(newTokens(t, noon.Add(time.Hour), other).Refresh(apikey))(t)), string(refresh))
	})
	t.Run("it never ends", func(t *testing.T) {
		later := newTokens(t, noon.Add(200*365*24*time.Hour))
		wantGrant(t, later, refresh, kinds[0].want, auth.Refresh)
		wantSame(t, must(later.Verify(string(refresh), auth.Refresh))(t).Expired(noon.Add(200*365*24*time.Hour)), false)
	})
	t.Run("another generation and another key have another token", func(t *testing.T) {
		next, other := apikey, apikey
		next.Generation++
		other.ID++
		if must(tokens.Refresh(next))(t) == refresh || must(tokens.Refresh(other))(t) == refresh {
			t.Error("it is the same")
		}
	})
	t.Run("every altered character is noticed", func(t *testing.T) {
		for i := range refresh {
			for _, c := range []byte("A9_.") {
				if refresh[i] != c {
					wantRefused(t, tokens, refresh[:i]+domain.Secret(c)+refresh[i+1:], auth.Refresh)
				}
			}
		}
	})
	t.Run("the unused bits of the last character must not be altered", func(t *testing.T) {
		const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		last := strings.IndexByte(digits, refresh[len(refresh)-1])
		for spare := 1; spare < 4; spare++ {
			wantRefused(t, tokens, refresh[:len(refresh)-1]+domain.Secret(digits[last^spare]), auth.Refresh)
		}
	})
	t.Run("what is no token", func(t *testing.T) {
		for _, text := range []domain.Secret{
			"", ".", "..", "...", refresh + ".", "." + refresh, refresh + "=", refresh[:len(refresh)-1],
			"Bearer " + refresh, refresh + "\n",
			domain.Secret(strings.Repeat("a", 1<<20)),
		} {
			wantRefused(t, tokens, text, auth.Refresh)
		}
	})
}

// TestTokens_Ring: which of several signing keys signs, and which are accepted.
func TestTokens_Ring(t *testing.T) {
	t.Parallel()
	oldest := auth.SigningKey{
		ID: "oldest", Secret: []byte("the oldest of several secrets..."), InForce: noon.Add(-2 * time.Hour),
	}
	newest := auth.SigningKey{
		ID: "newest", Secret: []byte("the newest of several secrets..."), InForce: noon.Add(time.Minute),
	}
	for _, test := range []struct {
		sentence string
		ring     []auth.SigningKey
		now      time.Time
		want     string
	}{
		{"the newest that is in force signs", []auth.SigningKey{oldest, signingKey, newest}, noon, "one"},
		{"in whatever order they come", []auth.SigningKey{newest, signingKey, oldest}, noon, "one"},
		{
			"one that is not yet in force does not sign", []auth.SigningKey{oldest, newest}, noon.Add(time.Minute - 1),
			"oldest",
		},
		{"it signs from then on", []auth.SigningKey{oldest, newest}, noon.Add(time.Minute), "newest"},
		{
			"of keys that are all not in force the first signs", []auth.SigningKey{newest, signingKey},
			noon.Add(-time.Second), "one",
		},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			tokens := newTokens(t, test.now, test.ring...)
			for _, token := range []domain.Secret{
				must(tokens.Access(user.Holder()))(t), must(tokens.Session(user.Holder()))(t),
			} {
				wantSame(t, header(t, token)["kid"], any(test.want))
			}
		})
	}
	t.Run("every key of the ring is accepted, also before it is in force, and no other", func(t *testing.T) {
		all := newTokens(t, noon, oldest, signingKey, newest)
		for _, one := range []auth.SigningKey{oldest, signingKey, newest} {
			token := must(newTokens(t, noon, one).Access(user.Holder()))(t)
			wantGrant(t, all, token, auth.Grant{Use: auth.Access, Kind: domain.PrincipalUser}, auth.Access)
			for _, other := range []auth.SigningKey{oldest, signingKey, newest} {
				if other.ID != one.ID {
					wantUnknownKey(t, newTokens(t, noon, other), token, auth.Access)
				}
			}
		}
	})
	t.Run("a key of the same name with another secret is not accepted", func(t *testing.T) {
		token := must(newTokens(t, noon).Access(user.Holder()))(t)
		wantRefused(
			t, newTokens(t, noon, auth.SigningKey{ID: "one", Secret: secret, InForce: noon}), token, auth.Access,
		)
	})
}

// wantUnknownKey checks that a token is refused with ErrUnknownKey.
func wantUnknownKey(t testing.TB, tokens *auth.Tokens, token domain.Secret, uses ...auth.Use) {
	t.Helper()
	wantRefused(t, tokens, token, uses...)
	if _, err := tokens.Verify(string(token), uses...); !errors.Is(err, auth.ErrUnknownKey) {
		t.Errorf("error is %v", err)
	}
}
