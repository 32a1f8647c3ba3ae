package servicetest

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
	"github.com/chaveiro/chaveiro/pkg/vault"
)

// NewAuthorization makes an authorization of a new application with a method.
func (w *World) NewAuthorization(
	t testing.TB, method domain.AuthMethod, alter ...func(*domain.PAMAuthorization),
) vault.IssuedAuthorization {
	t.Helper()
	app := Must(
		w.Applications.Create(Operator(t), domain.Application{Name: Fresh("app"), Method: method, Enabled: true}),
	)(t)
	a := domain.PAMAuthorization{
		ApplicationID: app.ID, Name: "one", Enabled: true, Write: true, Resources: []domain.PAMResource{domain.PAMCore},
	}
	for _, change := range alter {
		change(&a)
	}
	return Must(w.Authorizations.Create(Operator(t), a))(t)
}

// OverTLS is a request over TLS.
var OverTLS = vault.Request{TLS: true}

const deviceURL = "https://vault.example.com/iso/pam/device"

// Oauth1 returns a request with the parameters of an authorization, signed by hand.
func Oauth1(t testing.TB, a vault.IssuedAuthorization, nonce string, at time.Time) *auth.OAuth1 {
	t.Helper()
	q := url.Values{
		"oauth_consumer_key": {a.Key}, "oauth_nonce": {nonce}, "oauth_signature_method": {auth.HMACSHA1},
		"oauth_timestamp": {fmt.Sprint(at.Unix())},
		"oauth_token":     {a.Token},
	}
	mac := hmac.New(sha1.New, []byte(a.Secret+"&"+a.TokenSecret))
	_, _ = mac.Write([]byte("POST&" + url.QueryEscape(deviceURL) + "&" + url.QueryEscape(q.Encode())))
	q.Set("oauth_signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	return parameters(t, q.Encode())
}

// Plaintext returns a request with the signature method PLAINTEXT.
func Plaintext(t testing.TB, a vault.IssuedAuthorization) *auth.OAuth1 {
	t.Helper()
	return parameters(t, url.Values{
		"oauth_consumer_key": {a.Key}, "oauth_token": {a.Token}, "oauth_signature_method": {auth.Plaintext},
		"oauth_signature": {string(a.Secret + "&" + a.TokenSecret)},
	}.Encode())
}

// Unsigned returns a request without a signature.
func Unsigned(t testing.TB, a vault.IssuedAuthorization) *auth.OAuth1 {
	t.Helper()
	return parameters(t, "&oauth_consumer_key="+a.Key+"&oauth_token="+a.Token+"&oauth_signature=-")
}

func parameters(t testing.TB, query string) *auth.OAuth1 {
	t.Helper()
	return Must(auth.ParseOAuth1(auth.OAuth1Request{Method: "POST", URLs: []string{deviceURL}, Query: query}))(t)
}

// WantPAM checks that a request is let in, or refused with a fault.
func (w *World) WantPAM(t testing.TB, o *auth.OAuth1, r vault.Request, want ...Fault) {
	t.Helper()
	_, _, err := w.PAMAccess.Signed(t.Context(), o, r)
	WantFaults(t, err, want...)
}

// Permissive admits unsigned requests and the signature method PLAINTEXT.
func Permissive(s *service.Settings) { s.PAMUnsigned, s.PAMPlaintext = true, true }

// The faults of a request that is refused.
var (
	BadClient   = NewFault(domain.Unauthenticated, "authorization", domain.ReasonCredential)
	BadProof    = NewFault(domain.Unauthenticated, "authorization", domain.ReasonSignature)
	BadLocation = NewFault(domain.Forbidden, "authorization", domain.ReasonAddress)
)

// DeviceSpec returns a valid spec for a hostname.
func DeviceSpec(hostname string) domain.DeviceSpec {
	return domain.DeviceSpec{
		Hostname: hostname, IP: "10.0.0.1", Model: "RHEL", Type: "Server", Vendor: "Red Hat", Site: "Cloud",
	}
}
