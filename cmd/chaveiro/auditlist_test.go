package main

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
)

// TestAuditList: the events are listed as the API has them, and the filters select as there.
func TestAuditList(t *testing.T) {
	t.Parallel()
	o := pkiDir(t)
	must(t, o, "client revoke --yes site-rio")
	all := strings.Count(must(t, o, "audit list --json"), "\n")
	for flags, want := range map[string]int{
		"--action revoke": 1, "--resource openvpn.clients --resource-id 1 --outcome done": 2, "--outcome refused": 0,
		"--actor-type command": all, "--actor-type user": 0, "--actor-type nobody": 0, "--from 1h": all, "--to 1h": 0,
		"--from 2099-01-01": 0, "--to 2099-01-01T00:00:00Z": all, "--resource openvpn.cas": 1,
	} {
		if got := strings.Count(must(t, o, "audit list --json "+flags), "\n"); got != want {
			t.Errorf("%s: %d events, not %d of %d", flags, got, want, all)
		}
	}
	var newest struct {
		ID     int64
		Actor  struct{ Type string }
		Action string
		After  map[string]any
		Hash   string
		Trace  *string `json:"trace_id"`
	}
	first, _, _ := strings.Cut(must(t, o, "audit list --json --order desc"), "\n")
	if err := json.Unmarshal([]byte(first), &newest); err != nil {
		t.Fatal(err)
	}
	if newest.Action != "revoke" || newest.Actor.Type != "command" || len(newest.Hash) != 64 || newest.Trace != nil {
		t.Errorf("%+v", newest)
	}
	rows, err := csv.NewReader(strings.NewReader(must(t, o, "audit list --csv --action revoke"))).ReadAll()
	if err != nil || len(rows) != 2 || len(rows[0]) != 17 || !strings.HasPrefix(rows[1][13], "{") {
		t.Errorf("%q, %v", rows, err)
	}
	wantWords(t, must(t, o, "audit list --action revoke"), "ACTOR", "revoke", "done", "openvpn.clients", "site-rio")
	wantFail(t, o, 2, "--outcome", "audit list --outcome maybe")
	wantFail(t, o, 2, "--actor-type", "audit list --actor-type robot")
	wantFail(t, o, 2, "--order", "audit list --order up")
	wantFail(t, o, 2, "--from", "audit list --from yesterday")
	for _, id := range []string{"-1", "0", "x", "9223372036854775808"} {
		wantFail(t, o, 2, "--actor-id", "audit list --actor-id="+id)
		wantFail(t, o, 2, "--resource-id", "audit list --resource-id="+id)
	}
}
