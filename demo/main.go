// Command demo shows the main job from end to end, with nothing simulated. With an apikey that has
// only the rights for these steps, Chaveiro makes a CA and a client's certificate. A real OpenVPN
// server lets the client in, one DELETE revokes the certificate, and the server, which keeps
// running, refuses it. As root on Linux, two sites then reach each other's LAN through a server
// that runs from the bundle of an instance, until one of them is revoked. The audit shows who did
// what. The demo runs on temporary data, on free ports of the loopback interface and in network
// namespaces, and leaves nothing behind. It exits with 1 when any step fails.
package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/openvpn/openvpntest"
)

// binary is what `make build` builds.
const binary = "bin/chaveiro"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "\nThe demo failed:", err)
		os.Exit(1)
	}
	fmt.Println("\nDone. All processes were stopped and their data was removed.")
}

func run(ctx context.Context) error {
	if _, err := openvpntest.Find(); err != nil {
		return errors.New("there is no OpenVPN on this machine; on Debian and Ubuntu: apt-get install openvpn")
	}
	if _, err := os.Stat(binary); err != nil {
		return fmt.Errorf("%s does not exist; run `make demo` in the directory of the Makefile", binary)
	}
	dir, err := os.MkdirTemp("", "chaveiro-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	options := apptest.Options{DataDir: filepath.Join(dir, "data")}
	service, err := apptest.Launch(ctx, binary, options)
	if err != nil {
		return err
	}
	defer service.Kill()
	d := &demo{dir: dir, options: options, service: service}
	defer d.close()
	if err := d.play(ctx); err != nil {
		return fmt.Errorf("%w\n\nthe log of Chaveiro:\n%s", err, service.Log())
	}
	return service.Stop()
}

// demo holds what the steps pass to each other.
type demo struct {
	dir     string
	options apptest.Options
	service *apptest.Process
	admin   *apptest.Client // may do everything
	api     *apptest.Client // may do what the steps need
	ca      record
	client  record
	server  *openvpntest.Server
	profile []byte
	revoked time.Time
	closers []func() // what ends what the demo has started, besides the server
}

// step does one thing and says what.
type step func(context.Context) (string, error)

// record is what the demo reads of a CA or a client.
type record struct {
	ID     int64  `json:"id"`
	Name   string `json:"name"`
	Expiry string `json:"expiry_date"`
}

// play runs the steps in their order.
func (d *demo) play(ctx context.Context) error {
	steps := []step{
		d.authenticate, d.createCA, d.createClient, d.startServer, d.writeProfile, d.connect, d.revoke, d.replaceCRL,
		d.refuse,
	}
	lans, without, err := d.companySteps()
	if err != nil {
		return err
	}
	steps = append(append(steps, lans...), d.trail, d.verify)
	for i, step := range steps {
		text, err := step(ctx)
		if err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
		fmt.Printf("%-2d %s\n", i+1, strings.ReplaceAll(text, "\n", "\n   "))
	}
	if without != nil {
		fmt.Printf("\nTwo sites that reach each other's LAN are not shown: %s.\n", without)
	}
	return nil
}

func (d *demo) authenticate(ctx context.Context) (string, error) {
	token, err := d.service.Token(ctx, "admin")
	if err != nil {
		return "", err
	}
	d.admin = &apptest.Client{URL: d.service.URL, Token: token}
	var role record
	scopes := []map[string]any{
		{"name": "openvpn.cas", "read": true, "write": true}, {"name": "openvpn.clients", "read": true, "write": true},
		{"name": "openvpn.keys", "read": true, "write": false},
		{"name": "openvpn.instances", "read": true, "write": true},
	}
	if err := d.admin.Do(
		ctx, http.MethodPost, rolesPath, map[string]any{"name": "matriz", "scopes": scopes}, &role,
	); err != nil {
		return "", err
	}
	token, err = d.command(ctx, "apikey", "create", "--name", "demo", "--role", strconv.FormatInt(role.ID, 10))
	if err != nil {
		return "", err
	}
	d.api = &apptest.Client{URL: d.service.URL, Token: token}
	return fmt.Sprintf("Chaveiro serves on %s, with SQLite in %s.\nchaveiro apikey create --role %d: the token is %.16s…; it may manage CAs, clients and instances, no more.",
		d.service.URL, d.dir, role.ID, token), nil
}

// command runs the program beside the server and returns the last line that it prints.
func (d *demo) command(ctx context.Context, args ...string) (string, error) {
	outcome, err := apptest.Execute(ctx, binary, d.options, args...)
	if err == nil && outcome.Code != 0 {
		err = fmt.Errorf("chaveiro %s: %s%s", strings.Join(args, " "), outcome.Stdout, outcome.Stderr)
	}
	lines := strings.Split(strings.TrimSpace(outcome.Stdout), "\n")
	return lines[len(lines)-1], err
}

const (
	casPath     = "/api/openvpn/cas"
	clientsPath = "/api/openvpn/clients/site2site"
	rolesPath   = "/api/roles"
	eventsPath  = "/api/audit/events"
	// instancesPath is that of the servers.
	instancesPath = "/api/openvpn/instances"
)

func (d *demo) createCA(ctx context.Context) (string, error) {
	err := d.api.Do(
		ctx, http.MethodPost, casPath, map[string]any{"name": "ca-matriz", "email": "ca@empresa.com.br"}, &d.ca,
	)
	return fmt.Sprintf("POST %s: CA %q, id %d, good until %.10s.", casPath, d.ca.Name, d.ca.ID, d.ca.Expiry), err
}

func (d *demo) createClient(ctx context.Context) (string, error) {
	in := map[string]any{"ca_id": d.ca.ID, "name": "filial-lisboa", "email": "lisboa@empresa.com.br", "expiration": 365}
	err := d.api.Do(ctx, http.MethodPost, clientsPath, in, &d.client)
	return fmt.Sprintf(
		"POST %s: client %q, id %d, good until %.10s.", clientsPath, d.client.Name, d.client.ID, d.client.Expiry,
	), err
}

func (d *demo) startServer(ctx context.Context) (string, error) {
	authority, err := d.api.Bytes(ctx, d.caPath("/certificate"))
	if err != nil {
		return "", err
	}
	crl, err := d.api.Bytes(ctx, d.caPath("/crl"))
	if err != nil {
		return "", err
	}
	d.server, err = openvpntest.StartServer(ctx, openvpntest.ServerConfig{ClientCA: authority, CRL: crl})
	if err != nil {
		return "", err
	}
	return fmt.Sprintf(
		"openvpn --server … --crl-verify …: it runs with the CA's certificate and CRL, process %d.", d.server.PID(),
	), nil
}

func (d *demo) writeProfile(ctx context.Context) (string, error) {
	certificate, err := d.api.Bytes(ctx, d.clientPath("/certificate"))
	if err != nil {
		return "", err
	}
	key, err := d.api.Bytes(ctx, d.clientPath("/key"))
	if err != nil {
		return "", err
	}
	if d.profile, err = d.server.Profile(certificate, key).Render(); err != nil {
		return "", err
	}
	path := filepath.Join(d.dir, d.client.Name+".ovpn")
	return fmt.Sprintf("GET …/certificate and …/key: the profile is %s, %d bytes.", path, len(d.profile)),
		os.WriteFile(path, d.profile, 0o600)
}

func (d *demo) connect(ctx context.Context) (string, error) {
	begin := time.Now()
	result, err := d.server.ConnectProfile(ctx, d.profile, "")
	if err == nil && !result.Connected {
		err = fmt.Errorf("refused: %s", result.Reason)
	}
	return fmt.Sprintf(
		"openvpn --config %s.ovpn: CONNECTED after %d ms.", d.client.Name, time.Since(begin).Milliseconds(),
	), err
}

func (d *demo) revoke(ctx context.Context) (string, error) {
	begin := time.Now()
	err := d.api.Do(ctx, http.MethodDelete, d.clientPath(""), nil, nil)
	d.revoked = time.Now()
	return fmt.Sprintf("DELETE %s: answered after %d ms.", d.clientPath(""), d.revoked.Sub(begin).Milliseconds()), err
}

func (d *demo) replaceCRL(ctx context.Context) (string, error) {
	crl, err := d.api.Bytes(ctx, d.caPath("/crl"))
	if err != nil {
		return "", err
	}
	block, _ := pem.Decode(crl)
	if block == nil {
		return "", errors.New("the CRL is not PEM")
	}
	list, err := x509.ParseRevocationList(block.Bytes)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("GET %s: number %d, %d revoked; given to the running server.", d.caPath("/crl"), list.Number,
		len(list.RevokedCertificateEntries)), d.server.SetCRL(crl)
}

func (d *demo) refuse(ctx context.Context) (string, error) {
	pid := d.server.PID()
	result, err := d.server.ConnectProfile(ctx, d.profile, "")
	took := time.Since(d.revoked).Milliseconds()
	switch {
	case err != nil:
		return "", err
	case result.Connected:
		return "", errors.New("the revoked client was let in")
	case !strings.Contains(result.Reason, "certificate revoked"):
		return "", fmt.Errorf("refused, but because of: %s", result.Reason)
	}
	return fmt.Sprintf("openvpn --config %s.ovpn: REFUSED %d ms after the DELETE, by process %d, which says:\n%s",
		d.client.Name, took, pid, result.Reason), nil
}

// trail shows the events of the client in the audit. The apikey of the other steps may not read the
// audit.
func (d *demo) trail(ctx context.Context) (string, error) {
	path := fmt.Sprintf("%s?resource=openvpn.clients&resource_id=%d", eventsPath, d.client.ID)
	if refused, ok := errors.AsType[*apptest.StatusError](d.api.Do(ctx, http.MethodGet, path, nil, nil)); !ok ||
		refused.Status != http.StatusForbidden {
		return "", errors.New("an apikey without the right to it was not refused")
	}
	var page struct {
		Events []struct {
			At, Action, Operation, Address string
			Actor                          struct{ Type, Name string }
		}
	}
	err := d.admin.Do(ctx, http.MethodGet, path, nil, &page)
	text := fmt.Sprintf("GET %s:", eventsPath)
	for _, e := range page.Events {
		text += fmt.Sprintf(
			"\n%.23s  %-6s  by %s %q from %s (%s)", e.At, e.Action, e.Actor.Type, e.Actor.Name, e.Address, e.Operation,
		)
	}
	if n := len(page.Events); err == nil && (n != 2 || page.Events[n-1].Action != "revoke") {
		err = fmt.Errorf("the audit has %+v of the client", page.Events)
	}
	return text, err
}

func (d *demo) verify(ctx context.Context) (string, error) {
	verdict, err := d.command(ctx, "audit", "verify")
	return "chaveiro audit verify: " + verdict + ".", err
}

// close ends what the demo has started.
func (d *demo) close() {
	for _, end := range d.closers {
		end()
	}
	if d.server != nil {
		d.server.Stop()
	}
}

func (d *demo) caPath(part string) string { return fmt.Sprintf("%s/%d%s", casPath, d.ca.ID, part) }
func (d *demo) clientPath(part string) string {
	return fmt.Sprintf("%s/%d%s", clientsPath, d.client.ID, part)
}
