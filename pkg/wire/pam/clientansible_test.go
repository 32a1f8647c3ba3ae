package pam_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// ansible is the vendor's module: it accepts 200 and 201 and, if a device is to be absent, 400; on
// every other status it crashes.
type ansible struct {
	t     *testing.T
	s     *wiretest.Server
	token string
}

func newAnsible(t *testing.T, s *wiretest.Server, p party) ansible {
	t.Helper()
	got := send(
		t, s, "POST", "/iso/oauth2/token", "grant_type=client_credentials&client_id="+p.key+"&client_secret="+p.secret,
		"Content-Type", form,
	)
	token, ok := got.object(t)["access_token"].(string)
	if !ok {
		t.Fatal("Error while performing OAuth2 authentication")
	}
	return ansible{t, s, token}
}

// present returns whether the module says that something was changed.
func (c ansible) present(body string) bool {
	c.t.Helper()
	got := send(c.t, c.s, "POST", "/iso/pam/device", body, "Authorization", "Bearer "+c.token, "Content-Type", form)
	if got.status != 200 && got.status != 201 {
		c.t.Fatalf("Error: HTTP %d", got.status)
	}
	response := got.object(c.t)["response"].(map[string]any)
	changed, known := response["changed"]
	return !known || changed == "true"
}

func (c ansible) absent(hostname string) bool {
	c.t.Helper()
	escaped := strings.ReplaceAll(url.QueryEscape(hostname), "+", "%20")
	got := send(
		c.t, c.s, "DELETE", "/iso/pam/device/"+escaped, "device="+url.QueryEscape(hostname), "Authorization",
		"Bearer "+c.token, "Content-Type", form,
	)
	got.object(c.t)
	if got.status != 200 && got.status != 400 {
		c.t.Fatalf("UnboundLocalError: %d", got.status)
	}
	return got.status == 200
}

func TestClient_Ansible(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	register(t, s, "corp.example.com CORP")
	c := newAnsible(t, s, authorize(t, s, domain.AuthOAuth2))
	if !c.present(
		"ip=10.0.0.1&hostname=win+1&type=Server&vendor=Red+Hat&model=RHEL&site=Cloud&device_domain=CORP&device_tags=a%2Cb&connectivities=SSH%3A22%2CHTTPS%3A443",
	) {
		t.Error("nothing was changed")
	}
	// fields that are not set are not sent, and stay
	c.present("ip=10.0.0.2&hostname=win+1&type=Server&vendor=Red+Hat&model=RHEL&site=Cloud")
	got := send(t, s, "GET", "/iso/pam/device/win%201", "", "Authorization", "Bearer "+c.token).device(t)
	if got.IP != "10.0.0.2" || got.Vendor != "Red Hat" || got.DeviceDomain != "corp.example.com" ||
		got.DeviceTags != "a, b" || got.Connectivities != "SSH:22, HTTPS:443" {
		t.Errorf("%+v", got)
	}
	if !c.absent("win 1") {
		t.Error("nothing was changed")
	}
	if c.absent("win 1") || c.absent("50%/ü") {
		t.Error("something was changed")
	}
}

// TestClient_Ansible_Idempotence: the module reports that nothing was changed if the server says
// so.
func TestClient_Ansible_Idempotence(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t, func(settings *wiretest.Settings) { settings.Config.PAMChanged = true })
	c := newAnsible(t, s, authorize(t, s, domain.AuthOAuth2))
	for i, step := range []struct {
		address string
		changed bool
	}{{"10.0.0.1", true}, {"10.0.0.1", false}, {"10.0.0.2", true}, {"10.0.0.2", false}} {
		if got := c.present(
			"hostname=win+1&type=Server&vendor=Red+Hat&model=RHEL&site=Cloud&ip=" + step.address,
		); got != step.changed {
			t.Errorf("%d: changed is %v", i, got)
		}
	}
}

// TestClient_Ansible_Enables: if the server is configured so, present enables a device that absent
// disabled; otherwise the answer says that nothing was changed.
func TestClient_Ansible_Enables(t *testing.T) {
	t.Parallel()
	for _, enables := range []bool{false, true} {
		s := wiretest.Start(t, func(settings *wiretest.Settings) {
			settings.Config.PAMChanged, settings.Config.PAMPresentEnables = true, enables
		})
		c := newAnsible(t, s, authorize(t, s, domain.AuthOAuth2))
		const device = "hostname=win+1&type=Server&vendor=Red+Hat&model=RHEL&site=Cloud&ip=10.0.0.1"
		c.present(device)
		c.absent("win 1")
		if got := c.present(device); got != enables {
			t.Errorf("enables %v: changed is %v", enables, got)
		}
		if got := c.absent("win 1"); got != enables {
			t.Errorf("enables %v: it was there: %v", enables, got)
		}
	}
}
