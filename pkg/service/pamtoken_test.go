package service_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

// TestUnsigned_TokenIsSecret: the token of the method none is shown once, is sealed at rest, and is in no list, log or event.
func TestUnsigned_TokenIsSecret(t *testing.T) {
	t.Parallel()
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			log := &lockedBuffer{}
			w := worldOn(t, open(t), slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})).with(t, permissive)
			ctx := operator(t)
			first := w.newAuthorization(t, domain.AuthUnsigned)
			second := must(w.Authorizations.Rotate(ctx, first.ID, time.Hour))(t)
			wantSame(t, []int{len(first.Token), len(second.Token), len(first.Secret), len(second.Secret)}, []int{41, 41, 0, 0})
			w.wantPAM(t, unsigned(t, first), overTLS, badClient)
			w.wantPAM(t, unsigned(t, second), overTLS)
			want := "************" + second.Token[37:]
			seen := []string{
				must(w.Authorizations.Get(ctx, first.ID))(t).Token, must(w.Authorizations.Page(ctx, 0, domain.PageRequest{Size: 10}))(t).Items[0].Token,
				must(w.Authorizations.Update(ctx, first.ID, domain.PAMAuthorizationUpdate{Write: new(false)}))(t).Token,
			}
			wantSame(t, seen, []string{want, want, want})
			second.Token = want // what everybody sees is no token
			w.wantPAM(t, unsigned(t, second), overTLS, badClient)
			secrets := []needle{{"token", []byte(first.Token)}}
			wantNone(t, "log", []byte(log.String()), secrets)
			for _, e := range w.events(t) {
				wantNone(t, "audit", []byte(e.Before+e.After), secrets)
			}
			for what, haystack := range written(t, w.store) {
				wantNone(t, what, haystack, secrets)
			}
		})
	}
}

// leaveOpen makes the row of an authorization what an earlier release would have made it.
func (w *world) leaveOpen(t testing.TB, issued service.IssuedAuthorization, sealedEmpty []byte) {
	t.Helper()
	a := must(w.store.PAMAuthorizations().Get(t.Context(), issued.ID))(t)
	a.Token, a.Secrets.Present = issued.Token, sealedEmpty
	check(t, w.store.PAMAuthorizations().Update(t.Context(), a))
}

// TestUnsigned_EarlierRelease: tokens that an earlier release has left open go on working, and are sealed at start or when they are used.
func TestUnsigned_EarlierRelease(t *testing.T) {
	t.Parallel()
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := worldOn(t, open(t), slog.DiscardHandler)
			for what, seal := range map[string]func(*world, service.IssuedAuthorization) error{
				"at start": func(w *world, _ service.IssuedAuthorization) error { return w.PAMAccess.SealTokens(t.Context()) },
				"when it is used": func(w *world, a service.IssuedAuthorization) error {
					_, _, err := w.PAMAccess.Signed(t.Context(), unsigned(t, a), overTLS)
					return err
				},
			} {
				issued := w.newAuthorization(t, domain.AuthUnsigned)
				w.leaveOpen(t, issued, service.SealedEmpty(w.settings.Keys, issued.Key))
				replica := w.with(t, permissive) // has read nothing yet
				wantSame(t, must(replica.Authorizations.Get(t.Context(), issued.ID))(t).Token, "************"+issued.Token[37:])
				check(t, seal(replica, issued))
				stored := must(w.store.PAMAuthorizations().Get(t.Context(), issued.ID))(t)
				if stored.Token != "************"+issued.Token[37:] {
					t.Errorf("%s: the row has %q", what, stored.Token)
				}
				w.with(t, permissive).wantPAM(t, unsigned(t, issued), overTLS)
				check(t, replica.PAMAccess.SealTokens(t.Context())) // once more does nothing
				w.with(t, permissive).wantPAM(t, unsigned(t, issued), overTLS)
			}
		})
	}
}

// TestPAMAccess_TokenLife: what a client is told of a token's life is no longer than the authorization has left, or the secret that it came with.
func TestPAMAccess_TokenLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	life := func(a service.IssuedAuthorization) time.Duration {
		return must(w.PAMAccess.Token(t.Context(), a.Key, a.Secret, service.PAMRequest{}))(t).Life
	}
	a := w.newAuthorization(t, domain.AuthOAuth2)
	wantSame(t, life(a), auth.PAMLife)
	rotated := must(w.Authorizations.Rotate(operator(t), a.ID, 10*time.Minute))(t)
	wantSame(t, []time.Duration{life(a), life(rotated)}, []time.Duration{10 * time.Minute, auth.PAMLife})
	must(w.Authorizations.Update(operator(t), a.ID, domain.PAMAuthorizationUpdate{ExpiresAt: new(noon.Add(5 * time.Minute))}))(t)
	wantSame(t, []time.Duration{life(a), life(rotated)}, []time.Duration{5 * time.Minute, 5 * time.Minute})
	w.clock.pass(5*time.Minute - 1)
	wantSame(t, life(rotated), 1)
}

// TestPAMAccess_Parts: a refusal says which part of the credential it is for, to the audit and the log.
func TestPAMAccess_Parts(t *testing.T) {
	t.Parallel()
	log := &lockedBuffer{}
	w := worldOn(t, engines["sqlite"](t), slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})).with(t, permissive)
	one, two, none := w.newAuthorization(t, domain.AuthOAuth1), w.newAuthorization(t, domain.AuthOAuth2), w.newAuthorization(t, domain.AuthUnsigned)
	signed := func(alter func(*service.IssuedAuthorization), at time.Time) func() error {
		a := one
		alter(&a)
		o := oauth1(t, a, "n", at)
		return func() error { _, _, err := w.PAMAccess.Signed(t.Context(), o, overTLS); return err }
	}
	token := func(key string, secret domain.Secret) func() error {
		return func() error { _, err := w.PAMAccess.Token(t.Context(), key, secret, service.PAMRequest{}); return err }
	}
	for name, test := range map[string]struct {
		call func() error
		want domain.Part
	}{
		"another secret":    {signed(func(a *service.IssuedAuthorization) { a.Secret = "x" }, noon), domain.PartSignature},
		"another token":     {signed(func(a *service.IssuedAuthorization) { a.Token = two.Key }, noon), domain.PartToken},
		"an unknown key":    {signed(func(a *service.IssuedAuthorization) { a.Key = strings.Repeat("0", 41) }, noon), domain.PartKey},
		"a clock":           {signed(func(*service.IssuedAuthorization) {}, noon.Add(time.Hour)), domain.PartTimestamp},
		"another method":    {signed(func(a *service.IssuedAuthorization) { *a = none }, noon), domain.PartMethod},
		"an unknown client": {token("x", "y"), domain.PartKey},
		"another client":    {token(one.Key, one.Secret), domain.PartMethod},
		"a secret":          {token(two.Key, "y"), domain.PartSecret},
		"http": {func() error {
			_, _, err := w.PAMAccess.Signed(t.Context(), unsigned(t, none), service.PAMRequest{})
			return err
		}, domain.PartTLS},
		"signed with a dash": {func() error { _, _, err := w.PAMAccess.Signed(t.Context(), unsigned(t, one), overTLS); return err }, domain.PartSignature},
	} {
		err := test.call()
		if got := domain.PartOf(err); got != test.want {
			t.Errorf("%s: %q, not %q: %v", name, got, test.want, err)
		}
		for _, f := range domain.Faults(err) {
			w.Refusals.Record(domain.WithPrincipal(t.Context(), domain.Principal{Kind: domain.PrincipalAPIKey, ID: 1}), domain.ScopeDevices, 0, f)
			if after := w.events(t)[len(w.events(t))-1].After; !strings.Contains(after, `"part":"`+string(test.want)+`"`) {
				t.Errorf("%s: the audit says %s", name, after)
			}
		}
	}
	said := log.String()
	if !strings.Contains(said, "POST&https%3A%2F%2Fvault.example.com%2Fiso%2Fpam%2Fdevice&oauth_consumer_key%3D"+one.Key) || strings.Contains(said, one.Token) {
		t.Errorf("the log does not tell the base string, or tells the token: %s", said)
	}
	wantSame(t, strings.Count(said, "base_string"), 1)
}
