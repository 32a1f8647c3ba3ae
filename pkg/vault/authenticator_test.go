package vault_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/vault"
)

func TestPAMAccess_Token(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	a := w.NewAuthorization(t, domain.AuthOAuth2)
	WantSame(t, []int{len(a.Key), len(a.Secret), len(a.Token), len(a.TokenSecret)}, []int{41, 32, 0, 0})
	token := Must(w.PAMAccess.Token(t.Context(), a.Key, a.Secret, vault.Request{}))(t)
	WantSame(t, token.Life, time.Hour)
	found := Must(w.PAMAccess.Bearer(t.Context(), token.Token, vault.Request{}))(t)
	WantSame(t, []any{found.ID, found.Write, found.Allows(domain.PAMCore)}, []any{a.ID, true, true})
	one, none := w.NewAuthorization(t, domain.AuthOAuth1), w.NewAuthorization(t, domain.AuthUnsigned)
	for key, secret := range map[string]domain.Secret{
		"": a.Secret, a.Key: "", a.Key + "x": a.Secret, strings.ToUpper(a.Key): a.Secret,
		strings.Repeat("0", 41): a.Secret, one.Key: one.Secret,
		none.Key: none.Secret, "a\x00": "", strings.Repeat("x", 1<<20): "",
	} {
		_, err := w.PAMAccess.Token(t.Context(), key, secret, vault.Request{})
		WantFaults(t, err, BadClient)
	}
	_, err := w.PAMAccess.Token(t.Context(), a.Key, a.Secret+"0", vault.Request{})
	WantFaults(t, err, BadClient)
	key := w.NewAPIKey(t)
	for _, other := range []domain.Secret{
		"", "garbage", key.Token, Must(w.Access.Exchange(t.Context(), key.Token))(t).Token, a.Secret,
	} {
		_, err := w.PAMAccess.Bearer(t.Context(), other, vault.Request{})
		WantFaults(t, err, BadClient)
	}
	for _, use := range []auth.Use{auth.Refresh, auth.Access, auth.Session} { // nor is it accepted by the other dialect
		_, err := w.Access.Authenticate(t.Context(), token.Token, use)
		WantFaults(t, err, BadClient)
	}
	w.Clock.Pass(time.Hour)
	_, err = w.PAMAccess.Bearer(t.Context(), token.Token, vault.Request{})
	WantFaults(t, err, BadClient)
}

func TestPAMAccess_Signed(t *testing.T) {
	t.Parallel()
	strict := NewWorld(t)
	w := strict.With(t, Permissive)
	one, two, none := w.NewAuthorization(t, domain.AuthOAuth1), w.NewAuthorization(t, domain.AuthOAuth2),
		w.NewAuthorization(t, domain.AuthUnsigned)
	WantSame(t, []int{len(one.Key), len(one.Secret), len(one.Token), len(one.TokenSecret)}, []int{41, 32, 41, 32})
	WantSame(t, []int{len(none.Key), len(none.Secret), len(none.Token), len(none.TokenSecret)}, []int{41, 0, 41, 0})
	w.WantPAM(t, Oauth1(t, one, "n", Noon), vault.Request{})
	w.WantPAM(t, Plaintext(t, one), OverTLS)
	w.WantPAM(t, Unsigned(t, none), OverTLS)
	t.Run("plain text and no signature are allowed by settings, and over TLS only", func(t *testing.T) {
		w.WantPAM(t, Plaintext(t, one), vault.Request{}, BadProof)
		w.WantPAM(t, Unsigned(t, none), vault.Request{}, BadProof)
		strict.WantPAM(t, Plaintext(t, one), OverTLS, BadProof)
		strict.WantPAM(t, Unsigned(t, none), OverTLS, BadProof)
	})
	t.Run("an application has one method", func(t *testing.T) {
		w.WantPAM(t, Unsigned(t, one), OverTLS, BadProof)
		w.WantPAM(t, Oauth1(t, none, "n", Noon), OverTLS, BadClient)
		w.WantPAM(t, Plaintext(t, none), OverTLS, BadClient)
		two.Token = "x"
		w.WantPAM(t, Oauth1(t, two, "n", Noon), OverTLS, BadClient)
		w.WantPAM(t, Unsigned(t, two), OverTLS, BadClient)
	})
	t.Run("other keys, tokens and secrets", func(t *testing.T) {
		for _, test := range []struct {
			alter func(*vault.IssuedAuthorization)
			want  Fault
		}{
			{func(a *vault.IssuedAuthorization) { a.Token = none.Token }, BadClient},
			{func(a *vault.IssuedAuthorization) { a.Key = none.Key }, BadClient},
			{func(a *vault.IssuedAuthorization) { a.Key = "nobody" }, BadClient},
			{func(a *vault.IssuedAuthorization) { a.Secret = "" }, BadProof},
			{func(a *vault.IssuedAuthorization) { a.TokenSecret = a.Secret }, BadProof},
		} {
			other := one
			test.alter(&other)
			w.WantPAM(t, Oauth1(t, other, "n", Noon), OverTLS, test.want)
			w.WantPAM(t, Plaintext(t, other), OverTLS, test.want)
		}
	})
	t.Run("a timestamp may be five minutes off, and not one second more", func(t *testing.T) {
		for _, away := range []time.Duration{0, 5 * time.Minute, -5 * time.Minute} {
			w.WantPAM(t, Oauth1(t, one, "n", Noon.Add(away)), OverTLS)
		}
		for _, away := range []time.Duration{
			5*time.Minute + time.Second, -5*time.Minute - time.Second, 100 * 365 * Day, -50 * 365 * Day,
		} {
			w.WantPAM(t, Oauth1(t, one, "n", Noon.Add(away)), OverTLS, BadProof)
		}
	})
}

func TestPAMAccess_Rules(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	limited := w.NewAuthorization(t, domain.AuthOAuth2, func(a *domain.PAMAuthorization) {
		a.AllowedIPs, a.Referrers = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, []string{"https://intranet/"}
		a.ExpiresAt = Noon.Add(time.Minute)
	})
	inside := domain.WithOrigin(t.Context(), domain.Origin{Address: netip.MustParseAddr("::ffff:10.1.2.3")})
	outside := domain.WithOrigin(t.Context(), domain.Origin{Address: netip.MustParseAddr("11.0.0.1")})
	page := vault.Request{Referrer: "https://intranet/x"}
	token := Must(w.PAMAccess.Token(inside, limited.Key, limited.Secret, vault.Request{}))(t).Token
	bearer := func(ctx context.Context, r vault.Request) error {
		_, err := w.PAMAccess.Bearer(ctx, token, r)
		return err
	}
	Check(t, bearer(inside, page))
	for _, ctx := range []context.Context{outside, t.Context()} {
		WantFaults(t, bearer(ctx, page), BadLocation)
		_, err := w.PAMAccess.Token(ctx, limited.Key, limited.Secret, vault.Request{})
		WantFaults(t, err, BadLocation)
	}
	WantFaults(t, bearer(inside, vault.Request{}), BadLocation)
	WantFaults(t, bearer(inside, vault.Request{Referrer: "https://intranet.example.com/"}), BadLocation)
	// a caller with wrong credentials does not learn that its address is refused
	_, err := w.PAMAccess.Token(outside, limited.Key, "wrong", vault.Request{})
	WantFaults(t, err, BadClient)
	w.Clock.Pass(time.Minute - 1)
	Check(t, bearer(inside, page))
	w.Clock.Pass(1)
	WantFaults(t, bearer(inside, page), BadClient)
	_, err = w.PAMAccess.Token(inside, limited.Key, limited.Secret, vault.Request{})
	WantFaults(t, err, BadClient)
}

// TestPAMAccess_Certificate: if a fingerprint is set, every request without that certificate is
// refused, whatever its other credentials.
func TestPAMAccess_Certificate(t *testing.T) {
	t.Parallel()
	w := NewWorld(t).With(t, Permissive)
	der := []byte("not read as a certificate")
	digest := sha256.Sum256(der)
	bound := func(a *domain.PAMAuthorization) { a.Fingerprint = hex.EncodeToString(digest[:]) }
	one, two, none := w.NewAuthorization(t, domain.AuthOAuth1, bound), w.NewAuthorization(t, domain.AuthOAuth2, bound),
		w.NewAuthorization(t, domain.AuthUnsigned, bound)
	with := vault.Request{TLS: true, Certificate: der}
	token := Must(w.PAMAccess.Token(t.Context(), two.Key, two.Secret, with))(t).Token
	_, err := w.PAMAccess.Bearer(t.Context(), token, with)
	Check(t, err)
	w.WantPAM(t, Oauth1(t, one, "1", Noon), with)
	w.WantPAM(t, Unsigned(t, none), with)
	for _, without := range []vault.Request{
		OverTLS, {TLS: true, Certificate: []byte{}}, {TLS: true, Certificate: []byte("another")},
	} {
		_, err := w.PAMAccess.Token(t.Context(), two.Key, two.Secret, without)
		WantFaults(t, err, BadLocation)
		_, err = w.PAMAccess.Bearer(t.Context(), token, without)
		WantFaults(t, err, BadLocation)
		w.WantPAM(t, Oauth1(t, one, "2", Noon), without, BadLocation)
		w.WantPAM(t, Unsigned(t, none), without, BadLocation)
	}
	Must(w.Authorizations.Update(Operator(t), two.ID, domain.PAMAuthorizationUpdate{Fingerprint: new("")}))(t)
	_, err = w.PAMAccess.Bearer(t.Context(), token, OverTLS)
	Check(t, err)
}

// TestPAMAccess_Changes: a change of an authorization or its application takes effect at once on
// this replica, and within a second on others.
func TestPAMAccess_Changes(t *testing.T) {
	t.Parallel()
	for sentence, change := range map[string]func(ctx context.Context, w *World, a vault.IssuedAuthorization) error{
		"the authorization is deleted": func(ctx context.Context, w *World, a vault.IssuedAuthorization) error {
			return w.Authorizations.Delete(ctx, a.ID)
		},
		"the authorization is disabled": func(ctx context.Context, w *World, a vault.IssuedAuthorization) error {
			_, err := w.Authorizations.Update(ctx, a.ID, domain.PAMAuthorizationUpdate{Enabled: new(false)})
			return err
		},
		"its time is over": func(ctx context.Context, w *World, a vault.IssuedAuthorization) error {
			_, err := w.Authorizations.Update(ctx, a.ID, domain.PAMAuthorizationUpdate{ExpiresAt: new(w.Clock.Now())})
			return err
		},
		"the application is disabled": func(ctx context.Context, w *World, a vault.IssuedAuthorization) error {
			_, err := w.Applications.Update(ctx, a.ApplicationID, domain.ApplicationUpdate{Enabled: new(false)})
			return err
		},
		"its secrets are new": func(ctx context.Context, w *World, a vault.IssuedAuthorization) error {
			_, err := w.Authorizations.Rotate(ctx, a.ID, 0)
			return err
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := NewWorld(t)
			other := w.Replica(t)
			one, two := w.NewAuthorization(t, domain.AuthOAuth1), w.NewAuthorization(t, domain.AuthOAuth2)
			token := Must(w.PAMAccess.Token(t.Context(), two.Key, two.Secret, vault.Request{}))(t).Token
			out := func(w *World) (out int) {
				_, _, signedErr := w.PAMAccess.Signed(t.Context(), Oauth1(t, one, "n", Noon), OverTLS)
				_, bearerErr := w.PAMAccess.Bearer(t.Context(), token, OverTLS)
				_, tokenErr := w.PAMAccess.Token(t.Context(), two.Key, two.Secret, vault.Request{})
				for _, err := range []error{signedErr, bearerErr, tokenErr} {
					if domain.IsKind(err, domain.Unauthenticated) {
						out++
					} else {
						Check(t, err)
					}
				}
				return out
			}
			WantSame(t, []int{out(w), out(other)}, []int{0, 0})
			Check(t, change(Operator(t), w, one))
			Check(t, change(Operator(t), w, two))
			WantSame(t, out(w), 3)
			w.Clock.Pass(time.Second)
			WantSame(t, out(other), 3)
		})
	}
}

// TestPAMAccess_Rotation: previous secrets, and tokens that were made with them, are valid during
// the overlap.
func TestPAMAccess_Rotation(t *testing.T) {
	t.Parallel()
	w := NewWorld(t).With(t, Permissive)
	one, two := w.NewAuthorization(t, domain.AuthOAuth1), w.NewAuthorization(t, domain.AuthOAuth2)
	first := Must(w.PAMAccess.Token(t.Context(), two.Key, two.Secret, vault.Request{}))(t).Token
	newOne := Must(w.Authorizations.Rotate(Operator(t), one.ID, time.Minute))(t)
	newTwo := Must(w.Authorizations.Rotate(Operator(t), two.ID, time.Minute))(t)
	WantSame(
		t, []bool{
			newOne.Secret == one.Secret, newTwo.Secret == two.Secret, newOne.Key == one.Key, newOne.Token == one.Token,
		}, []bool{
			false, false, true, true,
		},
	)
	w.Clock.Pass(time.Minute - time.Microsecond)
	// made with the previous secret
	late := Must(w.PAMAccess.Token(t.Context(), two.Key, two.Secret, vault.Request{}))(t).Token
	present := Must(w.PAMAccess.Token(t.Context(), two.Key, newTwo.Secret, vault.Request{}))(t).Token
	for _, token := range []domain.Secret{first, late, present} {
		Must(w.PAMAccess.Bearer(t.Context(), token, OverTLS))(t)
	}
	w.WantPAM(t, Plaintext(t, one), OverTLS)
	w.WantPAM(t, Plaintext(t, newOne), OverTLS)
	w.Clock.Pass(time.Microsecond)
	for _, token := range []domain.Secret{first, late} {
		_, err := w.PAMAccess.Bearer(t.Context(), token, OverTLS)
		WantFaults(t, err, BadClient)
	}
	Must(w.PAMAccess.Bearer(t.Context(), present, OverTLS))(t)
	_, err := w.PAMAccess.Token(t.Context(), two.Key, two.Secret, vault.Request{})
	WantFaults(t, err, BadClient)
	w.WantPAM(t, Plaintext(t, one), OverTLS, BadProof)
	w.WantPAM(t, Plaintext(t, newOne), OverTLS)
	mixed := newOne
	mixed.TokenSecret = one.TokenSecret
	w.WantPAM(t, Plaintext(t, mixed), OverTLS, BadProof)
	_, err = w.Authorizations.Rotate(Operator(t), one.ID, -1)
	WantFaults(t, err, NewFault(domain.Invalid, "overlap", domain.ReasonTooSmall))

	t.Run("for the method none the token is replaced at once", func(t *testing.T) {
		none := w.NewAuthorization(t, domain.AuthUnsigned)
		w.WantPAM(t, Unsigned(t, none), OverTLS)
		rotated := Must(w.Authorizations.Rotate(Operator(t), none.ID, time.Hour))(t)
		WantSame(
			t, []bool{rotated.Token == none.Token, rotated.Key == none.Key, rotated.PreviousUntil.IsZero()},
			[]bool{false, true, true},
		)
		w.WantPAM(t, Unsigned(t, none), OverTLS, BadClient)
		w.WantPAM(t, Unsigned(t, rotated), OverTLS)
	})
}

// TestPAMAccess_Nonce: a nonce is good for one request only, on all replicas, so a request with a
// nonce changes something at most once.
func TestPAMAccess_Nonce(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			a := w.NewAuthorization(t, domain.AuthOAuth1)
			signed := func(t testing.TB, w *World, nonce string) *domain.Nonce {
				_, found, err := w.PAMAccess.Signed(t.Context(), Oauth1(t, a, nonce, Noon), OverTLS)
				Check(t, err)
				return found
			}
			t.Run(
				"of many concurrent requests one changes something", func(t *testing.T) { testNonceRace(t, w, signed) },
			)
			t.Run("every change", func(t *testing.T) { testNonceOfEveryChange(t, w, signed) })
			t.Run("reading spends it too", func(t *testing.T) {
				Check(t, w.PAMAccess.Spend(t.Context(), signed(t, w, "reading")))
				WantFaults(t, w.PAMAccess.Spend(t.Context(), signed(t, w.Replica(t), "reading")), BadProof)
			})
			t.Run("it is kept for as long as its request could be replayed", func(t *testing.T) {
				Check(t, w.PAMAccess.Spend(t.Context(), signed(t, w, "old")))
				w.Clock.Pass(vault.TimestampWindow)
				Check(t, w.PAMAccess.Forget(t.Context()))
				WantFaults(t, w.PAMAccess.Spend(t.Context(), signed(t, w, "old")), BadProof)
				w.Clock.Pass(vault.TimestampWindow + time.Microsecond)
				Check(
					t,
					w.Store.Nonces().
						Spend(t.Context(), domain.Nonce{Key: "another", Value: "newer", At: w.Clock.Now()}),
				)
				Check(t, w.PAMAccess.Forget(t.Context()))
				var left int
				Check(t, Must(w.Store.SQL())(t).QueryRowContext(t.Context(), "SELECT count(*) FROM nonces").Scan(&left))
				WantSame(t, left, 1)
				w.WantPAM(t, Oauth1(t, a, "old", Noon), OverTLS, BadProof)
			})
			Check(t, w.PAMAccess.Spend(t.Context(), nil)) // a request without a nonce
		})
	}
}

// testNonceOfEveryChange checks that a change that fails does not spend the nonce, that one that
// succeeds does, and that a replay changes nothing.
func testNonceOfEveryChange(t *testing.T, w *World, signed func(testing.TB, *World, string) *domain.Nonce) {
	ctx, corp := t.Context(),
		Must(w.DeviceDomains.Create(Operator(t), domain.DeviceDomain{Name: "corp.example.com"}))(t)
	inDomain := func(hostname, name string) domain.DeviceSpec {
		spec := DeviceSpec(hostname)
		spec.Domains = new(name)
		return spec
	}
	missing := vault.Ref{Path: "missing"}
	for _, change := range []struct {
		name      string
		fails, do func(*domain.Nonce) error
		back      func(*domain.Nonce) error // what a replay would change if it were accepted
	}{
		{"a new device",
			func(n *domain.Nonce) error { return Second(w.Devices.Upsert(ctx, inDomain("every", "nobody"), n)) },
			func(n *domain.Nonce) error { return Second(w.Devices.Upsert(ctx, DeviceSpec("every"), n)) },
			func(n *domain.Nonce) error { return Second(w.Devices.Upsert(ctx, DeviceSpec("another"), n)) }},
		{"a device that is changed",
			func(n *domain.Nonce) error { return Second(w.Devices.Upsert(ctx, inDomain("every", "nobody"), n)) },
			func(n *domain.Nonce) error { return Second(w.Devices.Upsert(ctx, inDomain("every", corp.Name), n)) },
			func(n *domain.Nonce) error { return Second(w.Devices.Upsert(ctx, inDomain("every", ""), n)) }},
		{"a device that stays as it is",
			func(n *domain.Nonce) error { return Second(w.Devices.Upsert(ctx, inDomain("every", "nobody"), n)) },
			func(n *domain.Nonce) error { return Second(w.Devices.Upsert(ctx, inDomain("every", corp.Name), n)) },
			func(n *domain.Nonce) error { return Second(w.Devices.Upsert(ctx, inDomain("every", ""), n)) }},
		{"out of use", func(n *domain.Nonce) error { return w.Devices.Disable(ctx, missing, n) },
			func(n *domain.Nonce) error { return w.Devices.Disable(ctx, vault.Ref{Path: "every"}, n) },
			func(n *domain.Nonce) error { return w.Devices.Enable(ctx, vault.Ref{Path: "every"}, n) }},
		{"into use", func(n *domain.Nonce) error { return w.Devices.Enable(ctx, missing, n) },
			func(n *domain.Nonce) error { return w.Devices.Enable(ctx, vault.Ref{Path: "every"}, n) },
			func(n *domain.Nonce) error { return w.Devices.Disable(ctx, vault.Ref{Path: "every"}, n) }},
	} {
		t.Run(change.name, func(t *testing.T) {
			nonce := strings.ReplaceAll(change.name, " ", "-")
			if err := change.fails(signed(t, w, nonce)); err == nil || domain.IsKind(err, domain.Unauthenticated) {
				t.Fatalf("it does not fail: %v", err)
			}
			Check(t, change.do(signed(t, w, nonce)))
			events := w.CountEvents(t)
			replica := signed(t, w.Replica(t), nonce)
			WantFaults(t, change.back(replica), BadProof)
			WantFaults(t, w.PAMAccess.Spend(ctx, replica), BadProof)
			WantSame(t, w.CountEvents(t), events)
		})
	}
}

func testNonceRace(t *testing.T, w *World, signed func(testing.TB, *World, string) *domain.Nonce) {
	replicas := []*World{w, w.Replica(t)}
	var nonces [16]*domain.Nonce
	for i := range nonces {
		nonces[i] = signed(t, replicas[i%2], "contested")
	}
	var changed [16]bool
	Check(t, Together(len(nonces), func(i int) error {
		_, err := replicas[i%2].Devices.Upsert(t.Context(), DeviceSpec(fmt.Sprint("of ", i)), nonces[i])
		changed[i] = err == nil
		if domain.IsKind(err, domain.Unauthenticated) {
			err = nil
		}
		return err
	}))
	page := Must(w.Devices.Page(t.Context(), domain.DeviceFilter{}, domain.PageRequest{Size: 100}))(t)
	WantSame(t, len(page.Items), 1)
	WantSame(t, slices.Index(changed[:], true) >= 0, true)
	for i := range nonces {
		WantFaults(t, replicas[i%2].PAMAccess.Spend(t.Context(), nonces[i]), BadProof)
	}
}
