package pam_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/netip"
	"strconv"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// TestSight: a device that an authorization does not see is answered as one that does not exist,
// whatever the request.
func TestSight(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	all := "Bearer " + authorize(t, s, domain.AuthOAuth2).bearer(t, s)
	upsert := func(authorization, hostname string) answer {
		return send(
			t, s, "POST", "/iso/pam/device", "ip=10.0.0.1&model=m&type=t&vendor=v&site=s&hostname="+hostname,
			"Content-Type", form, "Authorization", authorization,
		)
	}
	shown, hidden := upsert(all, "shown").device(t), upsert(all, "hidden").device(t)
	id, err := strconv.ParseInt(shown.ID, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	some := "Bearer " +
		authorize(t, s, domain.AuthOAuth2, func(a *domain.PAMAuthorization) { a.Devices = []int64{id} }).bearer(t, s)
	upsert(some, "own").want(t, 201, "Device successfully registered!")
	upsert(some, "shown").want(t, 201, "Device updated successfully!")
	send(t, s, "GET", "/iso/pam/device", "", "Authorization", some).want(t, 200, "2 devices found")
	send(t, s, "GET", "/iso/pam/device", "", "Authorization", all).want(t, 200, "3 devices found")
	send(t, s, "GET", "/iso/pam/device/own", "", "Authorization", some).
		want(t, 200, "Device "+strconv.FormatInt(id+2, 10))
	before := inventory(t, s)
	unknown := send(t, s, "GET", "/iso/pam/device/nobody", "", "Authorization", some)
	for _, ref := range []string{"hidden", hidden.ID} {
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			got := send(t, s, method, "/iso/pam/device/"+ref, "", "Authorization", some)
			if got.status != unknown.status || method == "GET" && got.body != unknown.body {
				t.Errorf("%s %s: %d %s, not %d %s", method, ref, got.status, got.body, unknown.status, unknown.body)
			}
		}
	}
	got := upsert(some, "hidden")
	if got.status != 400 || got.body != unknown.body {
		t.Errorf("upsert: %d %s, not %s", got.status, got.body, unknown.body)
	}
	before.unchanged(t, s)
}

// TestClientCertificate: a trusted proxy passes on the certificate that the client has shown to it
// (RFC 9440); no other peer is believed.
func TestClientCertificate(t *testing.T) {
	t.Parallel()
	der := []byte("not read as a certificate")
	digest := sha256.Sum256(der)
	header := func(octets []byte) string { return ":" + base64.StdEncoding.EncodeToString(octets) + ":" }
	for name, test := range map[string]struct {
		trusted string
		header  []string
		want    int
	}{
		"the certificate": {"127.0.0.0/8", []string{"Client-Cert", header(der)}, 200},
		"another":         {"127.0.0.0/8", []string{"Client-Cert", header([]byte("x"))}, 500},
		"none":            {"127.0.0.0/8", nil, 500},
		"two": {
			"127.0.0.0/8", []string{"Client-Cert", header(der), "Client-Cert", header(der)}, 500,
		},
		"without its colons": {
			"127.0.0.0/8", []string{"Client-Cert", base64.StdEncoding.EncodeToString(der)}, 500,
		},
		"nothing between the colons":     {"127.0.0.0/8", []string{"Client-Cert", "::"}, 500},
		"no base64":                      {"127.0.0.0/8", []string{"Client-Cert", ":%:"}, 500},
		"from a peer that isn't trusted": {"10.0.0.0/8", []string{"Client-Cert", header(der)}, 500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := wiretest.Start(t, func(settings *wiretest.Settings) {
				settings.Config.TrustedProxies = []netip.Prefix{netip.MustParsePrefix(test.trusted)}
			})
			p := authorize(t, s, domain.AuthOAuth2)
			token := p.bearer(t, s)
			fingerprint := hex.EncodeToString(digest[:])
			if _, err := s.Services.Authorizations.Update(
				s.Operator, p.id, domain.PAMAuthorizationUpdate{Fingerprint: &fingerprint},
			); err != nil {
				t.Fatal(err)
			}
			refused := refusals(t, s)
			got := send(t, s, "GET", "/iso/pam/device", "",
				append([]string{"Authorization", "Bearer " + token}, test.header...)...)
			if got.status != test.want {
				t.Errorf("%d %s", got.status, got.body)
			}
			got = send(t, s, "POST", "/iso/oauth2/token", "grant_type=client_credentials&client_id="+p.key+
				"&client_secret="+p.secret, append([]string{"Content-Type", form}, test.header...)...)
			if want := map[int]int{200: 200, 500: 401}[test.want]; got.status != want {
				t.Errorf("token: %d %s", got.status, got.body)
			}
			if n := refusals(t, s) - refused; test.want != 200 && n != 2 || test.want == 200 && n != 0 {
				t.Errorf("%d events of refusals", n)
			}
		})
	}
}
