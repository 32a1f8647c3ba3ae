package main

import (
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// TestMail: recipients are managed at the command line, and what can't be is refused.
func TestMail(t *testing.T) {
	t.Parallel()
	o := pkiDir(t)
	made := must(t, o, "mail create --address noc@example.com --event alarms --event key.exported --days 14 --language en")
	wantWords(t, made, "noc@example.com", "alarms, key.exported", "14")
	wantWords(t, must(t, o, "mail list"), "ID  ADDRESS ", "1   noc@example.com")
	changed := must(t, o, "mail update noc@example.com --event expiry --resource openvpn.clients --resource-id 2 --no-enabled --json")
	wantWords(t, changed, `"events":["expiry"]`, `"resource":"openvpn.clients"`, `"resource_id":2`, `"enabled":false`)
	wantWords(t, must(t, o, "mail show 1"), "openvpn.clients")
	wantFail(t, o, 2, "events[0]", "mail create --address a@example.com --event certificate.stolen")
	wantFail(t, o, 4, "address", "mail create --address NOC@example.com")
	wantFail(t, o, 3, "there is no recipient", "mail show none@example.com")
	wantFail(t, o, 2, "smtp-from", "mail test 1 --smtp-host 127.0.0.1")
	wantFail(t, o, 4, "no mail server", "mail test 1")
	wantFail(t, o, 1, "the letter was not sent",
		"mail test 1 --smtp-host 127.0.0.1 --smtp-port 1 --smtp-mode plain --smtp-from a@example.com")
	apptest.MustCommand(t, o, "mail", "delete", "1", "--yes")
	wantFail(t, o, 3, "there is no recipient", "mail show 1")
}
