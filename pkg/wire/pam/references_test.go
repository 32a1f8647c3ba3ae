package pam_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// A reference is an id only if it is spelled as ids are. A hostname may have slashes. A hostname in
// the body of a change takes precedence over the reference.
func TestReferences(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	token := "Bearer " + authorize(t, s, domain.AuthOAuth2).bearer(t, s)
	ids := map[string]string{}
	for _, hostname := range []string{"first", "1", "001", "+1", "a/b", "https://x.example/y", "2"} {
		body := url.Values{
			"hostname": {hostname}, "ip": {"1"}, "model": {"m"}, "type": {"t"}, "vendor": {"v"}, "site": {"s"},
		}.Encode()
		ids[hostname] = send(t, s, "POST", "/iso/pam/device", body, "Content-Type", form, "Authorization", token).
			device(t).ID
	}
	for _, prefix := range []string{"/iso", "/api"} {
		for path, hostname := range map[string]string{
			"1": "first", "001": "001", "%2B1": "+1", "+1": "+1", "a/b": "a/b", "a%2Fb": "a/b", "A/B/": "a/b",
			"https://x.example/y":          "https://x.example/y",
			"https%3A%2F%2Fx.example%2Fy/": "https://x.example/y", "2": "1", "%201": "1",
		} {
			if got := send(t, s, "GET", prefix+"/pam/device/"+path, "", "Authorization", token).
				device(t); got.Hostname != hostname {
				t.Errorf("%s: %s, not %s", path, got.Hostname, hostname)
			}
		}
		for path, status := range map[string]int{"0001": 400, "a/c": 400, "a//b": 400} {
			if got := send(t, s, "GET", prefix+"/pam/device/"+path, "", "Authorization", token); got.status != status {
				t.Errorf("%s: %d %s", path, got.status, got.body)
			}
		}
		send(t, s, "POST", prefix+"/pam/device/a/b", "", "Authorization", token).want(t, 404, "Resource sub not found")
	}
	state := func(hostname string) bool {
		for _, d := range inventory(t, s).Devices {
			if d.Hostname == hostname {
				return d.Enabled
			}
		}
		return false
	}
	for _, step := range []struct {
		method, path, body, media string
		status                    int
		hostname                  string
		enabled                   bool
	}{
		{"DELETE", "1", "device=1", form, 200, "1", false}, // and not the device with the id 1
		{"PUT", "1", `{"device": "1"}`, "application/json", 200, "1", true},
		{"DELETE", "a/b", "device=a%2Fb", form, 200, "a/b", false},
		{"DELETE", "3", "device=3", form, 400, "001", true}, // the id of another device
		{"DELETE", "1", "device=", form, 200, "first", false},
		{"PUT", "1", "device=first", "application/json", 200, "first", true}, // a form that says it is JSON
		{"DELETE", "7", "device=nothing", form, 200, "2", false},
	} {
		got := send(
			t, s, step.method, "/iso/pam/device/"+step.path, step.body, "Content-Type", step.media, "Authorization",
			token,
		)
		if got.status != step.status || state(step.hostname) != step.enabled {
			t.Errorf(
				"%s %s %s: %d, %s is enabled: %v", step.method, step.path, step.body, got.status, step.hostname,
				state(step.hostname),
			)
		}
	}
	if !state("first") || strings.Join([]string{ids["first"], ids["1"], ids["001"]}, " ") != "1 2 3" {
		t.Error(ids)
	}
}
