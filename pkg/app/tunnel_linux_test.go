package app_test

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/openvpn/openvpntest"
)

// company is a head office and two sites, as a new user would make them: the server runs on the
// bundle alone, each site on its profile. The LANs of the sites have the same addresses, so they
// are mapped.
//
//	hq 10.0.1.10 ─ hub ─ wan 10.77.0.0/24 ─┬─ rio ─ rio-lan 192.168.30.10, fd10::10,
//	               10.77.0.1, 10.77.0.5    │        and 192.168.10.10, seen as 172.20.10.10
//	                                       └─ lisboa ─ lisboa-lan 192.168.10.10,
//	                                          seen as 172.20.20.10
type company struct {
	*network
	t        *testing.T
	c        *apptest.Client
	o        apptest.Options
	url      string
	ca, hub  record
	sites    map[string]record
	dirs     map[string]string
	programs map[string]*daemon
}

func newCompany(t *testing.T) *company {
	t.Helper()
	openvpntest.Require(t)
	n := newNetwork(t, "wan", "hub", "hq", "rio", "rio-lan", "lisboa", "lisboa-lan")
	n.check(n.Bridge("wan", "br0"))
	for host, addresses := range map[string][]string{
		"hub": {"10.77.0.1/24", "10.77.0.5/24"}, "rio": {"10.77.0.10/24"}, "lisboa": {"10.77.0.20/24"},
	} {
		n.check(n.Wire(host, "wan0", addresses, "wan", "to-"+host, nil))
		n.in("wan", "ip", "link", "set", "to-"+host, "master", "br0")
		n.check(n.Router(host))
	}
	n.check(errors.Join(
		n.Wire("hub", "lan0", []string{"10.0.1.1/24", "fd01::1/64"}, "hq", "eth0", []string{"10.0.1.10/24", "fd01::10/64"}),
		n.Wire("rio", "lan0", []string{"192.168.10.1/24", "192.168.30.1/24", "fd10::1/64"},
			"rio-lan", "eth0", []string{"192.168.10.10/24", "192.168.30.10/24", "fd10::10/64"}),
		n.Wire("lisboa", "lan0", []string{"192.168.10.1/24"}, "lisboa-lan", "eth0", []string{"192.168.10.10/24"}),
	))
	for host, gateways := range map[string][]string{
		"hq": {"10.0.1.1", "fd01::1"}, "rio-lan": {"192.168.10.1", "fd10::1"}, "lisboa-lan": {"192.168.10.1"},
	} {
		n.check(errors.Join(n.Default(host, gateways...), n.Listen(host, "7000")))
	}
	o := onSQLite(t)
	p := apptest.Start(t, o)
	return &company{
		network: n, t: t, c: login(t, p), o: o, url: p.URL, sites: map[string]record{}, dirs: map[string]string{},
		programs: map[string]*daemon{},
	}
}

// found makes the CA, the instance and the sites.
func (c *company) found() {
	c.t.Helper()
	c.ca = createCA(c.t, c.c, "ca-matriz")
	c.hub = create(c.t, c.c, instancesPath, object{
		"ca_id": c.ca.ID, "name": "vpn-matriz", "network": "10.8.0.0/24", "network_v6": "fd00:8::/64",
		"remotes":            []string{"10.77.0.1", "10.77.0.5"},
		"push_routes":        []string{"10.0.1.0/24", "192.168.10.0/25", "192.168.30.0/24", "172.20.0.0/16", "fd01::/64", "fd10::/64"},
		"keepalive_interval": 1, "keepalive_timeout": 4,
	})
	c.sites["rio"] = createClient(c.t, c.c, c.ca.ID, "site-rio")
	c.sites["lisboa"] = create(c.t, c.c, clients, object{
		"ca_id": c.ca.ID, "name": "site-lisboa", "email": "a@example.com", "password": "senha do site",
	})
	c.config("rio", object{
		"iroutes": []string{"192.168.30.0/24", "fd10::/64", "192.168.10.0/24"},
		"nat":     []object{{"network": "192.168.10.0/24", "mapped": "172.20.10.0/24"}},
	})
	c.refuseOverlap()
	c.config("lisboa", object{
		"iroutes": []string{"192.168.10.0/24"}, "allow_overlap": true,
		"nat": []object{{"network": "192.168.10.0/24", "mapped": "172.20.20.0/24"}},
	})
}

func (c *company) config(site string, config object) {
	c.t.Helper()
	if err := c.put(site, config); err != nil {
		c.t.Fatal(err)
	}
}

func (c *company) put(site string, config object) error {
	path := clientPath(c.sites[site].ID, fmt.Sprintf("/configs/%d", c.hub.ID))
	return c.c.Do(c.t.Context(), http.MethodPut, path, config, nil)
}

// refuseOverlap: a LAN that another site has is refused, with the names of both.
func (c *company) refuseOverlap() {
	c.t.Helper()
	err := c.put("lisboa", object{"iroutes": []string{"192.168.30.0/25"}})
	var refused *apptest.StatusError
	if !errors.As(err, &refused) || refused.Status != http.StatusConflict ||
		!strings.Contains(refused.Body, "site-rio") || !strings.Contains(refused.Body, "site-lisboa") {
		c.t.Errorf("the LAN of another site: %v", err)
	}
}

// serve unpacks the bundle and starts the server from it.
func (c *company) serve() {
	c.t.Helper()
	c.dirs["hub"] = c.t.TempDir()
	c.check(apptest.Untar(get(c.t, c.c, fmt.Sprintf("%s/%d/bundle", instancesPath, c.hub.ID)), c.dirs["hub"]))
	c.programs["hub"] = c.start("hub", c.dirs["hub"], "openvpn", "--config", "server.conf")
	c.programs["hub"].wait(c.t, "Initialization Sequence Completed", 1)
}

// enrol brings Rio up as the person there would: the key is made on the machine.
func (c *company) enrol() {
	c.t.Helper()
	var link struct{ Path string }
	path := clientPath(c.sites["rio"].ID, "/enrolments")
	err := c.c.Do(c.t.Context(), http.MethodPost, path, object{"instance_id": c.hub.ID, "pin": "4711"}, &link)
	if err != nil {
		c.t.Fatal(err)
	}
	dir := c.t.TempDir()
	o := apptest.Options{Stdin: "4711\n"}
	args := []string{"enrol", "--plain-http", "--no-start", "--pin-stdin", "--dir", dir, c.url + link.Path}
	apptest.MustCommand(c.t, o, args...)
	if again := apptest.Command(c.t, o, args...); again.Code != 4 {
		c.t.Errorf("enrolled twice: %+v", again)
	}
	c.dirs["rio"] = dir
	c.in("rio", "nft", "-f", filepath.Join(dir, "site-rio.nft"))
	c.connect("rio", "--config", "site-rio.conf")
}

// fetch brings Lisboa up from its profile, with a password and with the mapping of its LAN.
func (c *company) fetch() {
	c.t.Helper()
	c.dirs["lisboa"] = c.t.TempDir()
	c.check(apptest.Unzip(get(c.t, c.c, clientPath(c.sites["lisboa"].ID, "/profile")), c.dirs["lisboa"]))
	write(c.t, c.dirs["lisboa"], "password", []byte("senha do site\n"))
	c.in("lisboa", "nft", "-f", filepath.Join(c.dirs["lisboa"], "site-lisboa.nft"))
	c.connect("lisboa", "--config", "site-lisboa.ovpn", "--askpass", "password")
}

func (c *company) connect(site string, args ...string) {
	c.t.Helper()
	c.programs[site] = c.start(site, c.dirs[site], append([]string{"openvpn"}, args...)...)
	c.programs[site].wait(c.t, "Initialization Sequence Completed", 1)
}

// TestTunnel: two sites and a head office, whose LANs reach each other, come up from what the
// service hands out, and from nothing else.
func TestTunnel(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	c.found()
	c.serve()
	c.enrol()
	c.fetch()
	t.Log("LANs reach each other")
	c.reaches("hq", "192.168.30.10:7000", "10.0.1.10")
	c.reaches("rio-lan", "[fd01::10]:7000", "fd10::10")
	c.reaches("hq", "[fd10::10]:7000", "fd01::10")
	t.Log("equal LANs reach each other by the mapping")
	c.reaches("lisboa-lan", "10.0.1.10:7000", "172.20.20.10")
	c.reaches("hq", "172.20.20.10:7000", "10.0.1.10")
	c.reaches("rio-lan", "172.20.20.10:7000", "172.20.10.10")
	c.reaches("lisboa-lan", "172.20.10.10:7000", "172.20.20.10")

	c.refuseWithoutKey()
	c.renewUnderway()

	t.Log("the second remote takes over")
	c.in("hub", "ip", "addr", "del", "10.77.0.1/24", "dev", "wan0")
	c.in("hub", "ip", "addr", "replace", "10.77.0.5/24", "dev", "wan0")
	c.programs["rio"].wait(t, "Initialization Sequence Completed", 2)
	c.reaches("rio-lan", "10.0.1.10:7000", "172.20.10.10")

	c.revokeLisboa()
}

// refuseWithoutKey: a site without the key of the control channel never comes to TLS.
func (c *company) refuseWithoutKey() {
	c.t.Helper()
	dir := c.t.TempDir()
	c.check(apptest.Unzip(get(c.t, c.c, clientPath(c.sites["rio"].ID, "/profile?key=false")), dir))
	profile := read(c.t, dir, "site-rio.ovpn")
	before, rest, _ := strings.Cut(profile, "<tls-crypt-v2>")
	_, after, _ := strings.Cut(rest, "</tls-crypt-v2>")
	profile = strings.Replace(before+after, "site-rio.key", filepath.Join(c.dirs["rio"], "site-rio.key"), 1)
	write(c.t, dir, "bare.ovpn", []byte(profile))
	bare := c.start("rio", dir, "openvpn", "--config", "bare.ovpn", "--dev", "null", "--connect-retry-max", "1",
		"--hand-window", "3", "--ifconfig-noexec", "--route-noexec")
	defer bare.Stop()
	bare.wait(c.t, "TLS Error: TLS key negotiation failed", 1)
	if strings.Contains(bare.Log(), "VERIFY OK") {
		c.t.Error("a site without the key came to TLS")
	}
	c.programs["hub"].wait(c.t, "tls-crypt", 1)
}

// renewUnderway: a renewal leaves the tunnel alone, and the site comes back with the new
// certificate.
func (c *company) renewUnderway() {
	c.t.Helper()
	change(c.t, c.c, c.sites["lisboa"], "/renew", object{"overlap": "P1D", "password": "senha do site"})
	c.reaches("lisboa-lan", "10.0.1.10:7000", "172.20.20.10")
	c.programs["lisboa"].Stop()
	c.fetch()
	c.reaches("lisboa-lan", "10.0.1.10:7000", "172.20.20.10")
}

// revokeLisboa: with the list of a new bundle in place a revoked site does not come back, and the
// other one stays.
func (c *company) revokeLisboa() {
	c.t.Helper()
	revoke(c.t, c.c, c.sites["lisboa"].ID)
	time.Sleep(1100 * time.Millisecond) // OpenVPN looks at the second of the file
	c.check(apptest.Untar(get(c.t, c.c, fmt.Sprintf("%s/%d/bundle?key=false", instancesPath, c.hub.ID)), c.dirs["hub"]))
	c.programs["lisboa"].Stop()
	again := c.start("lisboa", c.dirs["lisboa"], "openvpn", "--config", "site-lisboa.ovpn", "--askpass", "password",
		"--hand-window", "4", "--connect-retry-max", "1")
	defer again.Stop()
	c.programs["hub"].wait(c.t, "certificate revoked", 1)
	c.reaches("hq", "172.20.10.10:7000", "10.0.1.10")
}
