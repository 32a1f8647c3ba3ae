package vault_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/vault"
)

// TestUnsigned_TokenIsSecret: the token of the method none is shown once, sealed at rest, and in no
// list, log or event.
func TestUnsigned_TokenIsSecret(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			log := &LockedBuffer{}
			w := WorldOn(t, open(t), slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})).
				With(t, Permissive)
			ctx := Operator(t)
			first := w.NewAuthorization(t, domain.AuthUnsigned)
			second := Must(w.Authorizations.Rotate(ctx, first.ID, time.Hour))(t)
			WantSame(
				t, []int{len(first.Token), len(second.Token), len(first.Secret), len(second.Secret)},
				[]int{41, 41, 0, 0},
			)
			w.WantPAM(t, Unsigned(t, first), OverTLS, BadClient)
			w.WantPAM(t, Unsigned(t, second), OverTLS)
			want := "************" + second.Token[37:]
			seen := []string{
				Must(w.Authorizations.Get(ctx, first.ID))(t).Token,
				Must(w.Authorizations.Page(ctx, 0, domain.PageRequest{Size: 10}))(t).Items[0].Token,
				Must(w.Authorizations.Update(ctx, first.ID, domain.PAMAuthorizationUpdate{Write: new(false)}))(t).Token,
			}
			WantSame(t, seen, []string{want, want, want})
			second.Token = want // the masked token is not a valid one
			w.WantPAM(t, Unsigned(t, second), OverTLS, BadClient)
			secrets := []Needle{NewNeedle("token", []byte(first.Token))}
			WantNone(t, "log", []byte(log.String()), secrets)
			for _, e := range w.Events(t) {
				WantNone(t, "audit", []byte(e.Before+e.After), secrets)
			}
			for what, haystack := range Written(t, w.Store) {
				WantNone(t, what, haystack, secrets)
			}
		})
	}
}

// leaveOpen changes the row of an authorization to what an earlier release would have stored.
func leaveOpen(t testing.TB, w *World, issued vault.IssuedAuthorization, sealedEmpty []byte) {
	t.Helper()
	a := Must(w.Store.PAMAuthorizations().Get(t.Context(), issued.ID))(t)
	a.Token, a.Secrets.Present = issued.Token, sealedEmpty
	Check(t, w.Store.PAMAuthorizations().Update(t.Context(), a))
}

// TestUnsigned_EarlierRelease: tokens that an earlier release has stored in clear remain valid and
// are sealed in the background. Using them writes nothing.
func TestUnsigned_EarlierRelease(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			issued := w.NewAuthorization(t, domain.AuthUnsigned)
			leaveOpen(t, w, issued, vault.SealedEmpty(w.Settings.Keys, issued.Key))
			stored := func() string { return Must(w.Store.PAMAuthorizations().Get(t.Context(), issued.ID))(t).Token }
			replica := w.With(t, Permissive) // with an empty cache
			masked := "************" + issued.Token[37:]
			WantSame(t, Must(replica.Authorizations.Get(t.Context(), issued.ID))(t).Token, masked)
			replica.WantPAM(t, Unsigned(t, issued), OverTLS)
			WantSame(t, stored(), issued.Token)
			for range 2 { // the second time there is nothing to do
				Check(t, replica.PAMAccess.SealTokens(t.Context()))
				WantSame(t, stored(), masked)
				w.With(t, Permissive).WantPAM(t, Unsigned(t, issued), OverTLS)
				replica.WantPAM(t, Unsigned(t, issued), OverTLS)
			}
		})
	}
}

// TestPAMAccess_TokenLife: the reported life of a token is not longer than what is left of the
// authorization, or of the secret that the token was made with.
func TestPAMAccess_TokenLife(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	life := func(a vault.IssuedAuthorization) time.Duration {
		return Must(w.PAMAccess.Token(t.Context(), a.Key, a.Secret, vault.Request{}))(t).Life
	}
	a := w.NewAuthorization(t, domain.AuthOAuth2)
	WantSame(t, life(a), auth.PAMLife)
	rotated := Must(w.Authorizations.Rotate(Operator(t), a.ID, 10*time.Minute))(t)
	WantSame(t, []time.Duration{life(a), life(rotated)}, []time.Duration{10 * time.Minute, auth.PAMLife})
	Must(
		w.Authorizations.Update(
			Operator(t), a.ID, domain.PAMAuthorizationUpdate{ExpiresAt: new(Noon.Add(5 * time.Minute))},
		),
	)(t)
	WantSame(t, []time.Duration{life(a), life(rotated)}, []time.Duration{5 * time.Minute, 5 * time.Minute})
	w.Clock.Pass(5*time.Minute - 1)
	WantSame(t, life(rotated), 1)
}

// TestPAMAccess_Parts: the audit and the log say which part of the credential a request was refused
// for.
func TestPAMAccess_Parts(t *testing.T) {
	t.Parallel()
	log := &LockedBuffer{}
	w := WorldOn(t, Engines["sqlite"](t), slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})).
		With(t, Permissive)
	one, two, none := w.NewAuthorization(t, domain.AuthOAuth1), w.NewAuthorization(t, domain.AuthOAuth2),
		w.NewAuthorization(t, domain.AuthUnsigned)
	signed := func(alter func(*vault.IssuedAuthorization), at time.Time) func() error {
		a := one
		alter(&a)
		o := Oauth1(t, a, "n", at)
		return func() error { _, _, err := w.PAMAccess.Signed(t.Context(), o, OverTLS); return err }
	}
	token := func(key string, secret domain.Secret) func() error {
		return func() error { _, err := w.PAMAccess.Token(t.Context(), key, secret, vault.Request{}); return err }
	}
	for name, test := range map[string]struct {
		call func() error
		want domain.Part
	}{
		"another secret": {
			signed(func(a *vault.IssuedAuthorization) { a.Secret = "x" }, Noon), domain.PartSignature,
		},
		"another token": {signed(func(a *vault.IssuedAuthorization) { a.Token = two.Key }, Noon), domain.PartToken},
		"an unknown key": {
			signed(func(a *vault.IssuedAuthorization) { a.Key = strings.Repeat("0", 41) }, Noon), domain.PartKey,
		},
		"a clock":           {signed(func(*vault.IssuedAuthorization) {}, Noon.Add(time.Hour)), domain.PartTimestamp},
		"another method":    {signed(func(a *vault.IssuedAuthorization) { *a = none }, Noon), domain.PartMethod},
		"an unknown client": {token("x", "y"), domain.PartKey},
		"another client":    {token(one.Key, one.Secret), domain.PartMethod},
		"a secret":          {token(two.Key, "y"), domain.PartSecret},
		"http": {func() error {
			_, _, err := w.PAMAccess.Signed(t.Context(), Unsigned(t, none), vault.Request{})
			return err
		}, domain.PartTLS},
		"signed with a dash": {
			func() error { _, _, err := w.PAMAccess.Signed(t.Context(), Unsigned(t, one), OverTLS); return err },
			domain.PartSignature,
		},
	} {
		err := test.call()
		if got := domain.PartOf(err); got != test.want {
			t.Errorf("%s: %q, not %q: %v", name, got, test.want, err)
		}
		for _, f := range domain.Faults(err) {
			w.Refusals.Record(
				domain.WithPrincipal(t.Context(), domain.Principal{Kind: domain.PrincipalAPIKey, ID: 1}),
				domain.ScopeDevices, 0, f,
			)
			if after := w.Events(t)[len(w.Events(t))-1].After; !strings.Contains(
				after, `"part":"`+string(test.want)+`"`,
			) {
				t.Errorf("%s: the audit says %s", name, after)
			}
		}
	}
	said := log.String()
	if !strings.Contains(
		said, "POST&https%3A%2F%2Fvault.example.com%2Fiso%2Fpam%2Fdevice&oauth_consumer_key%3D"+one.Key,
	) || strings.Contains(
		said, one.Token,
	) {
		t.Errorf("the log does not tell the base string, or tells the token: %s", said)
	}
	WantSame(t, strings.Count(said, "base_string"), 1)
}
