package app_test

import (
	"net/http"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/wire/docs/browsertest"
)

// TestExplorer_VaultSigned registers a device by OAuth 1.0 as a user does who types the keys into
// the page: with both methods, as JSON and as a form, and the page keeps none of them.
func TestExplorer_VaultSigned(t *testing.T) {
	t.Parallel()
	b := browsertest.Open(t)
	c := login(t, apptest.Start(t, onSQLite(t)))
	keys := authorize(t, c, "oauth1")
	b.Navigate(c.URL + "/docs/?document=pam")
	typeKeys(b, keys)
	if fields := b.Count(unlabelled); fields > 0 {
		t.Errorf("%d fields have no label", fields)
	}
	want := deviceOf("lisboa", 1)
	want.Domains = ""
	for _, step := range []struct{ method, ip, message string }{
		{"HMAC-SHA256", "10.0.0.1", "Device successfully registered!"},
		{"HMAC-SHA1", "10.0.0.2", "Device updated successfully!"},
	} {
		b.Choose(".oauth1 select", step.method)
		want.IP = step.ip
		var made deviceAnswer
		execute(t, b, "upsertDevice", want, http.StatusCreated, &made)
		got := made.Device.plain()
		got.ID = ""
		if made.Response.Message != step.message || got != want {
			t.Errorf("the page says %+v, want %q and %+v", made, step.message, want)
		}
	}
	const upsert = `.opblock[id$="-upsertDevice"] `
	b.Choose(upsert+".body-param-content-type select", "application/x-www-form-urlencoded")
	for name, value := range map[string]string{
		"site": "São Paulo & Rio + 1", "connectivities": "SSH:22", "session_remote_config": "", "device_domain": "",
	} {
		b.SetValue(upsert+`tr[data-property-name="`+name+`"] input`, value)
	}
	var made deviceAnswer
	execute(t, b, "upsertDevice", nil, http.StatusCreated, &made)
	if site := made.Device.plain().Site; site != "São Paulo & Rio + 1" {
		t.Errorf("the site is %q", site)
	}
	var token tokenAnswer
	execute(t, b, "createToken", authorizeAs(t, c, "other", "oauth2").credentials(), http.StatusOK, &token)
	if kept := browsertest.Run[int](b, `() => localStorage.length + sessionStorage.length + document.cookie.length`); kept > 0 {
		t.Errorf("the page keeps %d things", kept)
	}
	if problems := b.Problems(); len(problems) > 0 {
		t.Errorf("problems: %q", problems)
	}
	b.Navigate(c.URL + "/docs/?document=pam&anew")
	if status, answer := b.TryItOut("listDevices", ""); status != http.StatusNotFound { // as without a credential
		t.Errorf("a page that is opened anew is answered with %d %s", status, answer)
	}
}

// typeKeys fills in the form of OAuth 1.0.
func typeKeys(b *browsertest.Browser, keys vaultKeys) {
	b.Click(".oauth1 summary")
	for name, value := range map[string]string{
		"consumerKey": keys.ClientID, "consumerSecret": keys.ClientSecret, "token": keys.Token, "tokenSecret": keys.TokenSecret,
	} {
		b.SetValue(`.oauth1 input[name="`+name+`"]`, value)
	}
}
