package enrol_test

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"net/url"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestPage_User: the page of a user offers what a PC or a phone takes, and gives the profile; with
// a request, the user gets a certificate for its key.
func TestPage_User(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	user := Must(s.Services.RemoteUsers.Create(s.Operator, domain.ClientSpec{
		CAID: 1, Name: "ana", Subject: domain.Subject{Email: "ana@example.com"},
	}, domain.UserPlace{InstanceID: &s.instance}))(t)
	ofUser := func(e *domain.EnrolmentSpec) { e.ClientID = user.ID }
	secret := s.link(t, ofUser)
	_, text := s.ask(t, secret, browser, nil, "Accept-Language", "en")
	for part, there := range map[string]bool{
		"Profile of <strong>ana</strong>": true, "on your PC or phone": true, `value="openvpn"`: true, `value="connect"`: true,
		`value="p12-profile"`: true, `value="routeros"`: false, `value="openwrt"`: false, "the site": false,
	} {
		if strings.Contains(text, part) != there {
			t.Errorf("%q is on the page: %t\n%s", part, !there, text)
		}
	}
	form := url.Values{"token": {token.FindStringSubmatch(text)[1]}, "format": {"routeros"}}
	answer, _ := s.ask(t, secret, browser, form)
	WantSame(t, answer.StatusCode, 409)
	form.Set("format", "connect")
	answer, text = s.ask(t, secret, browser, form)
	WantSame(t, answer.StatusCode, 200)
	WantSame(t, answer.Header.Get("Content-Disposition"), "attachment; filename=ana.ovpn")
	if !strings.Contains(text, "-----BEGIN PRIVATE KEY-----") {
		t.Errorf("the profile has no key:\n%s", text)
	}
	request := Must(x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, NewKey(t)))(t)
	csr := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: request}))
	answer, text = s.ask(t, s.link(t, ofUser), browser, url.Values{
		"token": {strings.Repeat("T", 26)}, "csr": {csr}, "format": {"openvpn"}, "key_file": {"ana.key"},
	})
	WantSame(t, answer.StatusCode, 200)
	renewed := Must(s.Services.RemoteUsers.Get(s.Operator, user.ID))(t)
	if renewed.Serial == user.Serial || renewed.InstanceID != s.instance || strings.Contains(text, "PRIVATE KEY") {
		t.Errorf("%+v\n%s", renewed, text)
	}
}
