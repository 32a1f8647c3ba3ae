package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// apply puts the bundle in place as it is now, and restarts the server.
func (c *company) apply() {
	c.t.Helper()
	c.programs["hub"].Stop()
	c.check(apptest.Untar(get(c.t, c.c, fmt.Sprintf("%s/%d/bundle", instancesPath, c.hub.ID)), c.dirs["hub"]))
	c.programs["hub"] = c.start("hub", c.dirs["hub"], "openvpn", "--config", "server.conf")
	c.programs["hub"].wait(c.t, "Initialization Sequence Completed", 1)
}

// campaign runs a command on the instance.
func (c *company) campaign(args ...string) apptest.Outcome {
	c.t.Helper()
	return apptest.Command(c.t, c.o, append([]string{"campaign"}, args...)...)
}

// state is the state of the profile of a site, as the command tells it.
func (c *company) state(site string) (state string) {
	c.t.Helper()
	for line := range strings.Lines(c.campaign("sites", "vpn-matriz", "--json").Stdout) {
		var one struct{ Client, State string }
		c.check(json.Unmarshal([]byte(line), &one))
		if one.Client == site {
			state = one.State
		}
	}
	return state
}

// moveRio brings Rio over by a link that the command has made.
func (c *company) moveRio() {
	c.t.Helper()
	made := c.campaign("links", "vpn-matriz", "--client", "site-rio", "--external-url", c.url, "--json")
	var link struct{ Link string }
	c.check(json.Unmarshal([]byte(made.Stdout), &link))
	if got := c.state("site-rio"); got != "linked" {
		c.t.Errorf("the profile of site-rio is %q", got)
	}
	dir := c.t.TempDir()
	apptest.MustCommand(c.t, apptest.Options{}, "enrol", "--plain-http", "--no-start", "--dir", dir, link.Link)
	config := read(c.t, dir, "site-rio.conf")
	write(c.t, dir, "site-rio.conf", []byte(strings.Replace(config, "server-poll-timeout 10", "server-poll-timeout 2", 1)))
	c.programs["rio"].Stop()
	c.dirs["rio"] = dir
	c.connect("rio", "--config", "site-rio.conf")
}

// TestCampaign: another key, another port and fewer remotes, with two sites up. The one with the
// earlier profile stays up until the campaign ends; the one with the new profile stays up.
func TestCampaign(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.found()
	c.serve()
	c.enrol()
	c.fetch()
	if got := c.campaign("rotate-key", "vpn-matriz", "--yes"); got.Code != 0 {
		t.Fatalf("%+v", got)
	}
	path := fmt.Sprintf("%s/%d", instancesPath, c.hub.ID)
	moved := object{"port": 1195, "remotes": []string{"10.77.0.1"}}
	c.check(c.c.Do(t.Context(), http.MethodPut, path, moved, nil))
	t.Log("the earlier profile comes in, by the earlier port")
	c.apply()
	c.in("hub", "nft", "-f", c.dirs["hub"]+"/earlier-port.nft")
	c.programs["lisboa"].wait(t, "Initialization Sequence Completed", 2)
	c.reaches("lisboa-lan", "10.0.1.10:7000", "172.20.20.10")
	c.moveRio()
	c.reaches("rio-lan", "10.0.1.10:7000", "172.20.10.10")

	t.Log("the end")
	if got := c.campaign("end", "vpn-matriz", "--yes"); got.Code != 4 || !strings.Contains(got.Stderr, "cut off: 1") {
		t.Errorf("with a site that has the earlier profile: %+v", got)
	}
	if got := c.campaign("end", "vpn-matriz", "--yes", "--force"); got.Code != 0 {
		t.Errorf("%+v", got)
	}
	c.programs["lisboa"].Stop()
	c.apply()
	c.programs["rio"].wait(t, "Initialization Sequence Completed", 2)
	c.reaches("rio-lan", "10.0.1.10:7000", "172.20.10.10")
	old := c.start("lisboa", c.dirs["lisboa"], "openvpn", "--config", "site-lisboa.ovpn", "--askpass", "password")
	c.programs["hub"].wait(t, "can not extract tls-crypt-v2 client key from [AF_INET]10.77.0.20", 1)
	time.Sleep(time.Second)
	if strings.Contains(old.Log(), "Initialization Sequence Completed") {
		t.Error("the earlier profile comes in after the campaign")
	}
}
