package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/openvpn/netnstest"
)

// company is a head office and two sites, each with a LAN, in network namespaces:
//
//	hub 10.77.0.1 ─┬─ rio 10.77.0.10 ─ rio-lan 192.168.10.10
//	               └─ lisboa 10.77.0.20 ─ lisboa-lan 192.168.20.10
type company struct {
	*demo
	net     *netnstest.Network
	hub     *netnstest.Program
	id      int64             // of the instance
	sites   map[string]record // by host
	tunnels map[string]*netnstest.Program
	gone    time.Time // when the site was revoked
}

// port is where the hosts of the LANs answer.
const port = "7000"

// addresses are those of the hosts of the LANs.
var addresses = map[string]string{"rio-lan": "192.168.10.10", "lisboa-lan": "192.168.20.10"}

// companySteps makes the networks and returns the steps in them; without is why this machine has
// no such networks.
func (d *demo) companySteps() (list []step, without, err error) {
	if without := netnstest.Check(); without != nil {
		return nil, without, nil
	}
	if err := netnstest.Sweep(); err != nil { // what a demo that was killed has left
		return nil, nil, err
	}
	n, err := netnstest.New("hub", "rio", "rio-lan", "lisboa", "lisboa-lan")
	if err != nil {
		return nil, nil, err
	}
	d.closers = append(d.closers, n.Close)
	c := &company{demo: d, net: n, sites: map[string]record{}, tunnels: map[string]*netnstest.Program{}}
	return c.steps(), nil, errors.Join(
		n.Bridge("hub", "wan0", "10.77.0.1/24"), n.Router("hub"), n.Listen("hub", port),
		c.house("rio", "10.77.0.10/24", "192.168.10."), c.house("lisboa", "10.77.0.20/24", "192.168.20."),
	)
}

// house joins a site and its LAN to the networks.
func (c *company) house(site, wan, lan string) error {
	host := site + "-lan"
	return errors.Join(
		c.net.Wire(site, "wan0", []string{wan}, "hub", "to-"+site, nil),
		c.net.In("hub", "ip", "link", "set", "to-"+site, "master", "wan0"),
		c.net.Wire(site, "lan0", []string{lan + "1/24"}, host, "eth0", []string{lan + "10/24"}),
		c.net.Router(site), c.net.Default(host, lan+"1"), c.net.Listen(host, port),
	)
}

// stepLimit is the longest that a step may take.
const stepLimit = 15 * time.Second

func (c *company) steps() []step {
	list := []step{c.plan, c.serve, c.connectSites, c.reach, c.revokeSite, c.replaceBundle, c.refuseSite}
	for i, one := range list {
		list[i] = func(ctx context.Context) (string, error) {
			ctx, cancel := context.WithTimeout(ctx, stepLimit)
			defer cancel()
			return one(ctx)
		}
	}
	return list
}

// plan makes the instance and its two sites.
func (c *company) plan(ctx context.Context) (string, error) {
	var made record
	err := c.api.Do(ctx, http.MethodPost, instancesPath, map[string]any{
		"ca_id": c.ca.ID, "name": "vpn-matriz", "network": "10.8.0.0/24", "remotes": []string{"10.77.0.1"},
		"push_routes": []string{"192.168.10.0/24", "192.168.20.0/24"}, "keepalive_interval": 1, "keepalive_timeout": 4,
	}, &made)
	c.id = made.ID
	for _, site := range []string{"rio", "lisboa"} {
		err = errors.Join(err, c.addSite(ctx, site))
	}
	return fmt.Sprintf(
		"POST %s: instance %q, id %d; site-rio has the LAN 192.168.10.0/24, site-lisboa 192.168.20.0/24.",
		instancesPath, made.Name, made.ID,
	), err
}

func (c *company) addSite(ctx context.Context, site string) error {
	var made record
	in := map[string]any{"ca_id": c.ca.ID, "name": "site-" + site, "email": site + "@empresa.com.br"}
	if err := c.api.Do(ctx, http.MethodPost, clientsPath, in, &made); err != nil {
		return err
	}
	c.sites[site] = made
	lan := strings.TrimSuffix(addresses[site+"-lan"], "10") + "0/24"
	config := map[string]any{"iroutes": []string{lan}}
	return c.api.Do(ctx, http.MethodPut, c.sitePath(site, fmt.Sprintf("/configs/%d", c.id)), config, nil)
}

func (c *company) sitePath(site, part string) string {
	return fmt.Sprintf("%s/%d%s", clientsPath, c.sites[site].ID, part)
}

// folder is where a machine has its files.
func (c *company) folder(host string) string { return filepath.Join(c.dir, host) }

// bundle unpacks the bundle of the instance on its machine.
func (c *company) bundle(ctx context.Context, path string) (size int, err error) {
	archive, err := c.api.Bytes(ctx, path)
	if err != nil {
		return 0, err
	}
	return len(archive), errors.Join(os.MkdirAll(c.folder("hub"), 0o700), apptest.Untar(archive, c.folder("hub")))
}

// profileOf puts the profile of a site on its machine.
func (c *company) profileOf(ctx context.Context, site string) error {
	profile, err := c.api.Bytes(ctx, c.sitePath(site, "/profile"))
	if err != nil {
		return err
	}
	path := filepath.Join(c.folder(site), "site-"+site+".ovpn")
	return errors.Join(os.MkdirAll(c.folder(site), 0o700), os.WriteFile(path, profile, 0o600))
}

// run starts OpenVPN on a machine and waits until it is ready.
func (c *company) run(ctx context.Context, host string, args ...string) (*netnstest.Program, error) {
	p, err := c.net.Start(host, c.folder(host), append([]string{"openvpn"}, args...)...)
	if err != nil {
		return nil, err
	}
	return p, p.Await(ctx, "Initialization Sequence Completed", 1)
}

func (c *company) serve(ctx context.Context) (string, error) {
	path := fmt.Sprintf("%s/%d/bundle", instancesPath, c.id)
	size, err := c.bundle(ctx, path)
	if err != nil {
		return "", err
	}
	if c.hub, err = c.run(ctx, "hub", "--config", "server.conf"); err != nil {
		return "", err
	}
	return fmt.Sprintf("GET %s: %d bytes; openvpn --config server.conf runs from it alone, process %d.",
		path, size, c.hub.PID()), nil
}

func (c *company) connectSites(ctx context.Context) (text string, err error) {
	text = "GET …/profile for each site; openvpn --config site-….ovpn:"
	for _, site := range []string{"rio", "lisboa"} {
		began := time.Now()
		if err = c.profileOf(ctx, site); err != nil {
			return "", err
		}
		if c.tunnels[site], err = c.run(ctx, site, "--config", "site-"+site+".ovpn"); err != nil {
			return "", err
		}
		text += fmt.Sprintf("\nsite-%s is CONNECTED after %d ms.", site, time.Since(began).Milliseconds())
	}
	return text, nil
}

// reach connects by TCP from each LAN to the other.
func (c *company) reach(ctx context.Context) (string, error) {
	text := "TCP from LAN to LAN:"
	for _, way := range [][2]string{{"rio-lan", "lisboa-lan"}, {"lisboa-lan", "rio-lan"}} {
		from, to := addresses[way[0]], addresses[way[1]]
		if err := c.net.Reaches(ctx, way[0], to+":"+port, from); err != nil {
			return "", err
		}
		text += fmt.Sprintf("\n%s reaches %s:%s, which sees it as %s.", from, to, port, from)
	}
	return text, nil
}

func (c *company) revokeSite(ctx context.Context) (string, error) {
	err := c.api.Do(ctx, http.MethodDelete, c.sitePath("lisboa", ""), nil, nil)
	c.gone = time.Now()
	return fmt.Sprintf("DELETE %s: site-lisboa is revoked.", c.sitePath("lisboa", "")), err
}

// replaceBundle puts a new bundle in place. OpenVPN reads a list again when the second of its file
// has changed.
func (c *company) replaceBundle(ctx context.Context) (string, error) {
	time.Sleep(1100 * time.Millisecond)
	path := fmt.Sprintf("%s/%d/bundle?key=false", instancesPath, c.id)
	_, err := c.bundle(ctx, path)
	return fmt.Sprintf("GET %s: its crl.pem is in place at the running server.", path), err
}

// refuseSite: the revoked site does not come back, and the other one stays.
func (c *company) refuseSite(ctx context.Context) (string, error) {
	c.tunnels["lisboa"].Stop()
	again, err := c.net.Start("lisboa", c.folder("lisboa"), "openvpn", "--config", "site-lisboa.ovpn",
		"--hand-window", "4", "--connect-retry-max", "1")
	if err != nil {
		return "", err
	}
	defer again.Stop()
	if err := c.hub.Await(ctx, "certificate revoked", 1); err != nil {
		return "", err
	}
	took := time.Since(c.gone)
	if _, err := c.net.Dial("rio-lan", addresses["lisboa-lan"]+":"+port); err == nil {
		return "", errors.New("the LAN of the revoked site is still reached")
	}
	err = c.net.Reaches(ctx, "rio-lan", "10.8.0.1:"+port, addresses["rio-lan"])
	return fmt.Sprintf("site-lisboa connects anew: REFUSED %d ms after the DELETE, by the same process %d: certificate revoked.\n"+
		"Its LAN is not reached any more; that of site-rio still reaches the server, 10.8.0.1.", took.Milliseconds(), c.hub.PID()), err
}
