package api_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// TestErrors_AreBounded: however many faults a request has, its answer is small, and finding the
// faults costs little. It runs alone, because it measures the process.
func TestErrors_AreBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	s := wiretest.Start(t)
	many := func(item string) string {
		return "[" + strings.TrimSuffix(strings.Repeat(item+",", (250<<10)/(len(item)+1)), ",") + "]"
	}
	for name, test := range map[string]struct{ path, body string }{
		"scopes":       {"/api/roles", `{"name": "a", "scopes": ` + many("{}") + `}`},
		"empty scopes": {"/api/roles", `{"name": "a", "scopes": ` + many(`{"name":"","read":0}`) + `}`},
		"roles":        {"/api/3rdparty/apikeys", `{"name": "a", "roles": ` + many("{}") + `}`},
		"fractions":    {"/api/3rdparty/apikeys", `{"name": "a", "roles": ` + many("1e-999999") + `}`},
		"allowed_ips":  {"/api/3rdparty/apikeys", `{"name": "a", "allowed_ips": ` + many("0") + `}`},
		"nulls": {
			"/api/users", `{"username": "a", "password": "long enough to do", "roles": ` + many("null") + `}`,
		},
		"devices": {"/api/pam/authorizations", `{"name": "a", "devices": ` + many("0") + `, "referrers": ` + `[]}`},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := send(t, s, "POST", test.path, test.body)
		runtime.ReadMemStats(&after)
		if got.status != 409 || len(got.body) > 400<<10 || strings.Count(string(got.body), `"msg"`) > 1000 {
			t.Errorf(
				"%s: %d, %d KiB, %d faults", name, got.status, len(got.body)>>10,
				strings.Count(string(got.body), `"msg"`),
			)
		}
		if cost := (after.TotalAlloc - before.TotalAlloc) >> 20; cost > 120 {
			t.Errorf("%s: %d MiB", name, cost)
		}
	}
}
