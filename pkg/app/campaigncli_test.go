package app_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// TestCampaign_Commands: what the commands print, and their exit codes.
func TestCampaign_Commands(t *testing.T) {
	t.Parallel()
	o := onSQLite(t)
	p := apptest.Start(t, o)
	c := login(t, p)
	ca := createCA(t, c, "ca-matriz")
	vpn := create(t, c, instancesPath, object{
		"ca_id": ca.ID, "name": "vpn-matriz", "network": "10.8.0.0/24", "remotes": []string{"vpn.example.com"},
	})
	for _, name := range []string{"site-rio", "site-lisboa"} {
		site := createClient(t, c, ca.ID, name)
		put := clientPath(site.ID, fmt.Sprintf("/configs/%d", vpn.ID))
		if err := c.Do(t.Context(), http.MethodPut, put, object{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	get(t, c, clientPath(1, "/profile"))
	for _, step := range []struct {
		line, in string
		code     int
		want     string
	}{
		{"show vpn-matriz", "", 3, `no campaign runs at the instance "vpn-matriz"`},
		{"show vpn-filial", "", 3, `there is no instance named "vpn-filial"`},
		{"rotate-key vpn-matriz", "", 4, `"Make another key of the control channel of the instance \"vpn-matriz\" (id 1)?"`},
		{"rotate-key VPN-MATRIZ --yes", "", 0, ""},
		{"rotate-key 1 --yes", "", 4, "a campaign changes the key already: end that first"},
		{"list vpn-matriz", "", 0, "1   2        control_key  true     "},
		{"show vpn-matriz --csv", "", 0, "1,1,1,2,control_key,udp://vpn.example.com:1194,1194,udp,tls-crypt-v2,true,"},
		{"sites vpn-matriz", "", 0, "1   site-rio     stale  1        "},
		{"sites vpn-matriz --state never", "", 0, "2   site-lisboa  never  0        -        -       -         -"},
		{"sites vpn-matriz --state old", "", 2, "--state must be one of"},
		{"links vpn-matriz --pin-stdin", "", 2, "there is no PIN on the standard input"},
		{"links vpn-matriz --pin-stdin --expires 100d", "1\n", 2, "pin: too short, it needs 4 characters"},
		{"links vpn-matriz --pin-stdin --external-url https://vpn.example.com/ --expires 1d", "4711\n", 0, "  https://vpn.example.com/enrol/"},
		{"links vpn-matriz", "", 0, "ID  CLIENT  EXPIRES  LINK  ERROR\n"},
		{"links vpn-matriz --state never --json", "", 0, `"client":"site-lisboa","enrolment_id":2,`},
		{"links vpn-matriz --client site-rio --client 2 --format cisco", "", 2, "format: not one of openvpn, "},
		{"end vpn-matriz", "", 4, `"End the campaign of the instance \"vpn-matriz\" (id 1)?"`},
		{"end vpn-matriz -y", "", 4, "sites that still have an earlier profile, and may be cut off: 1"},
		{"end vpn-matriz -y --force", "", 0, "forced           true\n"},
		{"show vpn-matriz 1", "", 0, "running          false\n"},
		{"show vpn-matriz 2", "", 3, ""},
	} {
		o.Stdin = step.in
		got := apptest.Command(t, o, append([]string{"campaign"}, strings.Fields(step.line)...)...)
		if got.Code != step.code || !strings.Contains(got.Stdout+got.Stderr, step.want) {
			t.Errorf("%s: %+v, want %d and %q", step.line, got, step.code, step.want)
		}
	}
}
