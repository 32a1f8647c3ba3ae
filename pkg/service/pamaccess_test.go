package service_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

// newAuthorization makes an authorization of a new application with a method.
func (w *world) newAuthorization(t testing.TB, method domain.AuthMethod, alter ...func(*domain.PAMAuthorization)) service.IssuedAuthorization {
	t.Helper()
	app := must(w.Applications.Create(operator(t), domain.Application{Name: fresh("app"), Method: method, Enabled: true}))(t)
	a := domain.PAMAuthorization{ApplicationID: app.ID, Name: "one", Enabled: true, Write: true, Resources: []domain.PAMResource{domain.PAMCore}}
	for _, change := range alter {
		change(&a)
	}
	return must(w.Authorizations.Create(operator(t), a))(t)
}

var overTLS = service.PAMRequest{TLS: true}

const deviceURL = "https://vault.example.com/iso/pam/device"

// oauth1 is a request with the parameters of an authorization, signed by hand.
func oauth1(t testing.TB, a service.IssuedAuthorization, nonce string, at time.Time) *auth.OAuth1 {
	t.Helper()
	q := url.Values{
		"oauth_consumer_key": {a.Key}, "oauth_nonce": {nonce}, "oauth_signature_method": {auth.HMACSHA1}, "oauth_timestamp": {fmt.Sprint(at.Unix())},
		"oauth_token": {a.Token},
	}
	mac := hmac.New(sha1.New, []byte(a.Secret+"&"+a.TokenSecret))
	_, _ = mac.Write([]byte("POST&" + url.QueryEscape(deviceURL) + "&" + url.QueryEscape(q.Encode())))
	q.Set("oauth_signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return parameters(t, q.Encode())
}

func plaintext(t testing.TB, a service.IssuedAuthorization) *auth.OAuth1 {
	t.Helper()
	return parameters(t, url.Values{
		"oauth_consumer_key": {a.Key}, "oauth_token": {a.Token}, "oauth_signature_method": {auth.Plaintext},
		"oauth_signature": {string(a.Secret + "&" + a.TokenSecret)},
	}.Encode())
}

func unsigned(t testing.TB, a service.IssuedAuthorization) *auth.OAuth1 {
	t.Helper()
	return parameters(t, "&oauth_consumer_key="+a.Key+"&oauth_token="+a.Token+"&oauth_signature=-")
}

func parameters(t testing.TB, query string) *auth.OAuth1 {
	t.Helper()
	return must(auth.ParseOAuth1(auth.OAuth1Request{Method: "POST", URLs: []string{deviceURL}, Query: query}))(t)
}

// The two faults of those who are not let in.
var (
	badClient   = fault{domain.Unauthenticated, "authorization", domain.ReasonCredential}
	badProof    = fault{domain.Unauthenticated, "authorization", domain.ReasonSignature}
	badLocation = fault{domain.Forbidden, "authorization", domain.ReasonAddress}
)

// wantPAM checks that a request is let in, or refused with a fault.
func (w *world) wantPAM(t testing.TB, o *auth.OAuth1, r service.PAMRequest, want ...fault) {
	t.Helper()
	_, _, err := w.PAMAccess.Signed(t.Context(), o, r)
	wantFaults(t, err, want...)
}

func permissive(s *service.Settings) { s.PAMUnsigned, s.PAMPlaintext = true, true }

func TestPAMAccess_Token(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.newAuthorization(t, domain.AuthOAuth2)
	wantSame(t, []int{len(a.Key), len(a.Secret), len(a.Token), len(a.TokenSecret)}, []int{41, 32, 0, 0})
	token := must(w.PAMAccess.Token(t.Context(), a.Key, a.Secret, service.PAMRequest{}))(t)
	wantSame(t, token.Life, time.Hour)
	found := must(w.PAMAccess.Bearer(t.Context(), token.Token, service.PAMRequest{}))(t)
	wantSame(t, []any{found.ID, found.Write, found.Allows(domain.PAMCore)}, []any{a.ID, true, true})
	one, none := w.newAuthorization(t, domain.AuthOAuth1), w.newAuthorization(t, domain.AuthUnsigned)
	for key, secret := range map[string]domain.Secret{
		"": a.Secret, a.Key: "", a.Key + "x": a.Secret, strings.ToUpper(a.Key): a.Secret, strings.Repeat("0", 41): a.Secret, one.Key: one.Secret,
		none.Key: none.Secret, "a\x00": "", strings.Repeat("x", 1<<20): "",
	} {
		_, err := w.PAMAccess.Token(t.Context(), key, secret, service.PAMRequest{})
		wantFaults(t, err, badClient)
	}
	_, err := w.PAMAccess.Token(t.Context(), a.Key, a.Secret+"0", service.PAMRequest{})
	wantFaults(t, err, badClient)
	key := w.newAPIKey(t)
	for _, other := range []domain.Secret{"", "garbage", key.Token, must(w.Access.Exchange(t.Context(), key.Token))(t).Token, a.Secret} {
		_, err := w.PAMAccess.Bearer(t.Context(), other, service.PAMRequest{})
		wantFaults(t, err, badClient)
	}
	for _, use := range []auth.Use{auth.Refresh, auth.Access, auth.Session} { // nor is it one of the other dialect's
		_, err := w.Access.Authenticate(t.Context(), token.Token, use)
		wantFaults(t, err, badClient)
	}
	w.clock.pass(time.Hour)
	_, err = w.PAMAccess.Bearer(t.Context(), token.Token, service.PAMRequest{})
	wantFaults(t, err, badClient)
}

func TestPAMAccess_Signed(t *testing.T) {
	t.Parallel()
	strict := newWorld(t)
	w := strict.with(t, permissive)
	one, two, none := w.newAuthorization(t, domain.AuthOAuth1), w.newAuthorization(t, domain.AuthOAuth2), w.newAuthorization(t, domain.AuthUnsigned)
	wantSame(t, []int{len(one.Key), len(one.Secret), len(one.Token), len(one.TokenSecret)}, []int{41, 32, 41, 32})
	wantSame(t, []int{len(none.Key), len(none.Secret), len(none.Token), len(none.TokenSecret)}, []int{41, 0, 41, 0})
	w.wantPAM(t, oauth1(t, one, "n", noon), service.PAMRequest{})
	w.wantPAM(t, plaintext(t, one), overTLS)
	w.wantPAM(t, unsigned(t, none), overTLS)
	t.Run("plain text and no signature are allowed by settings, and over TLS only", func(t *testing.T) {
		w.wantPAM(t, plaintext(t, one), service.PAMRequest{}, badProof)
		w.wantPAM(t, unsigned(t, none), service.PAMRequest{}, badProof)
		strict.wantPAM(t, plaintext(t, one), overTLS, badProof)
		strict.wantPAM(t, unsigned(t, none), overTLS, badProof)
	})
	t.Run("an application has one method", func(t *testing.T) {
		w.wantPAM(t, unsigned(t, one), overTLS, badProof)
		w.wantPAM(t, oauth1(t, none, "n", noon), overTLS, badClient)
		w.wantPAM(t, plaintext(t, none), overTLS, badClient)
		two.Token = "x"
		w.wantPAM(t, oauth1(t, two, "n", noon), overTLS, badClient)
		w.wantPAM(t, unsigned(t, two), overTLS, badClient)
	})
	t.Run("other keys, tokens and secrets", func(t *testing.T) {
		for _, test := range []struct {
			alter func(*service.IssuedAuthorization)
			want  fault
		}{
			{func(a *service.IssuedAuthorization) { a.Token = none.Token }, badClient},
			{func(a *service.IssuedAuthorization) { a.Key = none.Key }, badClient},
			{func(a *service.IssuedAuthorization) { a.Key = "nobody" }, badClient},
			{func(a *service.IssuedAuthorization) { a.Secret = "" }, badProof},
			{func(a *service.IssuedAuthorization) { a.TokenSecret = a.Secret }, badProof},
		} {
			other := one
			test.alter(&other)
			w.wantPAM(t, oauth1(t, other, "n", noon), overTLS, test.want)
			w.wantPAM(t, plaintext(t, other), overTLS, test.want)
		}
	})
	t.Run("a clock may be five minutes away, and no second more", func(t *testing.T) {
		for _, away := range []time.Duration{0, 5 * time.Minute, -5 * time.Minute} {
			w.wantPAM(t, oauth1(t, one, "n", noon.Add(away)), overTLS)
		}
		for _, away := range []time.Duration{5*time.Minute + time.Second, -5*time.Minute - time.Second, 100 * 365 * day, -50 * 365 * day} {
			w.wantPAM(t, oauth1(t, one, "n", noon.Add(away)), overTLS, badProof)
		}
	})
}

func TestPAMAccess_Rules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	limited := w.newAuthorization(t, domain.AuthOAuth2, func(a *domain.PAMAuthorization) {
		a.AllowedIPs, a.Referrers = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, []string{"https://intranet/"}
		a.ExpiresAt = noon.Add(time.Minute)
	})
	inside := domain.WithOrigin(t.Context(), domain.Origin{Address: netip.MustParseAddr("::ffff:10.1.2.3")})
	outside := domain.WithOrigin(t.Context(), domain.Origin{Address: netip.MustParseAddr("11.0.0.1")})
	page := service.PAMRequest{Referrer: "https://intranet/x"}
	token := must(w.PAMAccess.Token(inside, limited.Key, limited.Secret, service.PAMRequest{}))(t).Token
	bearer := func(ctx context.Context, r service.PAMRequest) error {
		_, err := w.PAMAccess.Bearer(ctx, token, r)
		return err
	}
	check(t, bearer(inside, page))
	for _, ctx := range []context.Context{outside, t.Context()} {
		wantFaults(t, bearer(ctx, page), badLocation)
		_, err := w.PAMAccess.Token(ctx, limited.Key, limited.Secret, service.PAMRequest{})
		wantFaults(t, err, badLocation)
	}
	wantFaults(t, bearer(inside, service.PAMRequest{}), badLocation)
	wantFaults(t, bearer(inside, service.PAMRequest{Referrer: "https://intranet.example.com/"}), badLocation)
	_, err := w.PAMAccess.Token(outside, limited.Key, "wrong", service.PAMRequest{}) // who is not known does not learn from where one may come
	wantFaults(t, err, badClient)
	w.clock.pass(time.Minute - 1)
	check(t, bearer(inside, page))
	w.clock.pass(1)
	wantFaults(t, bearer(inside, page), badClient)
	_, err = w.PAMAccess.Token(inside, limited.Key, limited.Secret, service.PAMRequest{})
	wantFaults(t, err, badClient)
}

// TestPAMAccess_Certificate: where a fingerprint is set, nobody comes in without the certificate, whatever else they know.
func TestPAMAccess_Certificate(t *testing.T) {
	t.Parallel()
	w := newWorld(t).with(t, permissive)
	der := []byte("not read as a certificate")
	digest := sha256.Sum256(der)
	bound := func(a *domain.PAMAuthorization) { a.Fingerprint = hex.EncodeToString(digest[:]) }
	one, two, none := w.newAuthorization(t, domain.AuthOAuth1, bound), w.newAuthorization(t, domain.AuthOAuth2, bound), w.newAuthorization(t, domain.AuthUnsigned, bound)
	with := service.PAMRequest{TLS: true, Certificate: der}
	token := must(w.PAMAccess.Token(t.Context(), two.Key, two.Secret, with))(t).Token
	_, err := w.PAMAccess.Bearer(t.Context(), token, with)
	check(t, err)
	w.wantPAM(t, oauth1(t, one, "1", noon), with)
	w.wantPAM(t, unsigned(t, none), with)
	for _, without := range []service.PAMRequest{overTLS, {TLS: true, Certificate: []byte{}}, {TLS: true, Certificate: []byte("another")}} {
		_, err := w.PAMAccess.Token(t.Context(), two.Key, two.Secret, without)
		wantFaults(t, err, badLocation)
		_, err = w.PAMAccess.Bearer(t.Context(), token, without)
		wantFaults(t, err, badLocation)
		w.wantPAM(t, oauth1(t, one, "2", noon), without, badLocation)
		w.wantPAM(t, unsigned(t, none), without, badLocation)
	}
	must(w.Authorizations.Update(operator(t), two.ID, domain.PAMAuthorizationUpdate{Fingerprint: new("")}))(t)
	_, err = w.PAMAccess.Bearer(t.Context(), token, overTLS)
	check(t, err)
}

// TestPAMAccess_Changes: what happens to an authorization or its application holds here at once, and on other replicas within a second.
func TestPAMAccess_Changes(t *testing.T) {
	t.Parallel()
	for sentence, change := range map[string]func(ctx context.Context, w *world, a service.IssuedAuthorization) error{
		"the authorization is deleted": func(ctx context.Context, w *world, a service.IssuedAuthorization) error {
			return w.Authorizations.Delete(ctx, a.ID)
		},
		"the authorization is disabled": func(ctx context.Context, w *world, a service.IssuedAuthorization) error {
			_, err := w.Authorizations.Update(ctx, a.ID, domain.PAMAuthorizationUpdate{Enabled: new(false)})
			return err
		},
		"its time is over": func(ctx context.Context, w *world, a service.IssuedAuthorization) error {
			_, err := w.Authorizations.Update(ctx, a.ID, domain.PAMAuthorizationUpdate{ExpiresAt: new(w.clock.Now())})
			return err
		},
		"the application is disabled": func(ctx context.Context, w *world, a service.IssuedAuthorization) error {
			_, err := w.Applications.Update(ctx, a.ApplicationID, domain.ApplicationUpdate{Enabled: new(false)})
			return err
		},
		"its secrets are new": func(ctx context.Context, w *world, a service.IssuedAuthorization) error {
			_, err := w.Authorizations.Rotate(ctx, a.ID, 0)
			return err
		},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			other := w.replica(t)
			one, two := w.newAuthorization(t, domain.AuthOAuth1), w.newAuthorization(t, domain.AuthOAuth2)
			token := must(w.PAMAccess.Token(t.Context(), two.Key, two.Secret, service.PAMRequest{}))(t).Token
			out := func(w *world) (out int) {
				_, _, signedErr := w.PAMAccess.Signed(t.Context(), oauth1(t, one, "n", noon), overTLS)
				_, bearerErr := w.PAMAccess.Bearer(t.Context(), token, overTLS)
				_, tokenErr := w.PAMAccess.Token(t.Context(), two.Key, two.Secret, service.PAMRequest{})
				for _, err := range []error{signedErr, bearerErr, tokenErr} {
					if domain.IsKind(err, domain.Unauthenticated) {
						out++
					} else {
						check(t, err)
					}
				}
				return out
			}
			wantSame(t, []int{out(w), out(other)}, []int{0, 0})
			check(t, change(operator(t), w, one))
			check(t, change(operator(t), w, two))
			wantSame(t, out(w), 3)
			w.clock.pass(time.Second)
			wantSame(t, out(other), 3)
		})
	}
}

// TestPAMAccess_Rotation: secrets, and tokens that were made with them, are good for the overlap.
func TestPAMAccess_Rotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t).with(t, permissive)
	one, two := w.newAuthorization(t, domain.AuthOAuth1), w.newAuthorization(t, domain.AuthOAuth2)
	first := must(w.PAMAccess.Token(t.Context(), two.Key, two.Secret, service.PAMRequest{}))(t).Token
	newOne := must(w.Authorizations.Rotate(operator(t), one.ID, time.Minute))(t)
	newTwo := must(w.Authorizations.Rotate(operator(t), two.ID, time.Minute))(t)
	wantSame(t, []bool{newOne.Secret == one.Secret, newTwo.Secret == two.Secret, newOne.Key == one.Key, newOne.Token == one.Token}, []bool{false, false, true, true})
	w.clock.pass(time.Minute - time.Microsecond)
	late := must(w.PAMAccess.Token(t.Context(), two.Key, two.Secret, service.PAMRequest{}))(t).Token // with the secret that is about to end
	present := must(w.PAMAccess.Token(t.Context(), two.Key, newTwo.Secret, service.PAMRequest{}))(t).Token
	for _, token := range []domain.Secret{first, late, present} {
		must(w.PAMAccess.Bearer(t.Context(), token, overTLS))(t)
	}
	w.wantPAM(t, plaintext(t, one), overTLS)
	w.wantPAM(t, plaintext(t, newOne), overTLS)
	w.clock.pass(time.Microsecond)
	for _, token := range []domain.Secret{first, late} {
		_, err := w.PAMAccess.Bearer(t.Context(), token, overTLS)
		wantFaults(t, err, badClient)
	}
	must(w.PAMAccess.Bearer(t.Context(), present, overTLS))(t)
	_, err := w.PAMAccess.Token(t.Context(), two.Key, two.Secret, service.PAMRequest{})
	wantFaults(t, err, badClient)
	w.wantPAM(t, plaintext(t, one), overTLS, badProof)
	w.wantPAM(t, plaintext(t, newOne), overTLS)
	mixed := newOne
	mixed.TokenSecret = one.TokenSecret
	w.wantPAM(t, plaintext(t, mixed), overTLS, badProof)
	_, err = w.Authorizations.Rotate(operator(t), one.ID, -1)
	wantFaults(t, err, fault{domain.Invalid, "overlap", domain.ReasonTooSmall})

	t.Run("without secrets there is a new token at once", func(t *testing.T) {
		none := w.newAuthorization(t, domain.AuthUnsigned)
		w.wantPAM(t, unsigned(t, none), overTLS)
		rotated := must(w.Authorizations.Rotate(operator(t), none.ID, time.Hour))(t)
		wantSame(t, []bool{rotated.Token == none.Token, rotated.Key == none.Key, rotated.PreviousUntil.IsZero()}, []bool{false, true, true})
		w.wantPAM(t, unsigned(t, none), overTLS, badClient)
		w.wantPAM(t, unsigned(t, rotated), overTLS)
	})
}

// TestPAMAccess_Nonce: a request with a nonce changes something once, on whichever replica, and none is good twice.
func TestPAMAccess_Nonce(t *testing.T) {
	t.Parallel()
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := worldOn(t, open(t), slog.DiscardHandler)
			a := w.newAuthorization(t, domain.AuthOAuth1)
			signed := func(t testing.TB, w *world, nonce string) context.Context {
				ctx, _, err := w.PAMAccess.Signed(t.Context(), oauth1(t, a, nonce, noon), overTLS)
				check(t, err)
				return ctx
			}
			t.Run("of many at once one changes something", func(t *testing.T) { testNonceRace(t, w, signed) })
			t.Run("a change that fails leaves the nonce to the end of the request", func(t *testing.T) {
				ctx := signed(t, w, "failing")
				bad := deviceSpec("failing")
				bad.Domains = new("nobody")
				_, err := w.Devices.Upsert(ctx, bad)
				wantFaults(t, err, fault{domain.NotFound, "device_domain", domain.ReasonNotFound})
				check(t, w.PAMAccess.Finish(ctx))
				_, err = w.Devices.Upsert(signed(t, w, "failing"), deviceSpec("failing"))
				wantFaults(t, err, badProof)
			})
			t.Run("reading spends it too, once", func(t *testing.T) {
				ctx := signed(t, w, "reading")
				check(t, w.PAMAccess.Finish(ctx))
				check(t, w.PAMAccess.Finish(ctx))
				wantFaults(t, w.PAMAccess.Finish(signed(t, w.replica(t), "reading")), badProof)
			})
			t.Run("many changes of one request spend it once", func(t *testing.T) {
				ctx := signed(t, w, "many")
				w.upsert(t, deviceSpec("many"))
				check(t, w.Devices.Disable(ctx, "many"))
				check(t, w.Devices.Enable(ctx, "many"))
				check(t, w.PAMAccess.Finish(ctx))
				wantFaults(t, w.Devices.Disable(signed(t, w, "many"), "many"), badProof)
				wantSame(t, must(w.Devices.Get(t.Context(), "many"))(t).Enabled, true)
			})
			t.Run("it is remembered for as long as it could come again", func(t *testing.T) {
				ctx := signed(t, w, "old")
				check(t, w.PAMAccess.Finish(ctx))
				w.clock.pass(service.TimestampWindow)
				check(t, w.PAMAccess.Forget(t.Context()))
				wantFaults(t, w.PAMAccess.Finish(signed(t, w, "old")), badProof)
				w.clock.pass(service.TimestampWindow + time.Microsecond)
				check(t, w.store.Nonces().Spend(t.Context(), domain.Nonce{Key: "another", Value: "newer", At: w.clock.Now()}))
				check(t, w.PAMAccess.Forget(t.Context()))
				var left int
				check(t, must(w.store.SQL())(t).QueryRowContext(t.Context(), "SELECT count(*) FROM nonces").Scan(&left))
				wantSame(t, left, 1)
				w.wantPAM(t, oauth1(t, a, "old", noon), overTLS, badProof)
			})
			check(t, w.PAMAccess.Finish(t.Context())) // a request without a nonce
		})
	}
}

func testNonceRace(t *testing.T, w *world, signed func(testing.TB, *world, string) context.Context) {
	replicas := []*world{w, w.replica(t)}
	var contexts [16]context.Context
	for i := range contexts {
		contexts[i] = signed(t, replicas[i%2], "contested")
	}
	var changed [16]bool
	check(t, together(len(contexts), func(i int) error {
		_, err := replicas[i%2].Devices.Upsert(contexts[i], deviceSpec(fmt.Sprint("of ", i)))
		changed[i] = err == nil
		if domain.IsKind(err, domain.Unauthenticated) {
			err = nil
		}
		return err
	}))
	page := must(w.Devices.Page(t.Context(), domain.DeviceFilter{}, domain.PageRequest{Size: 100}))(t)
	wantSame(t, len(page.Items), 1)
	for i := range contexts {
		err := replicas[i%2].PAMAccess.Finish(contexts[i])
		if changed[i] {
			check(t, err)
			continue
		}
		wantFaults(t, err, badProof)
	}
}
