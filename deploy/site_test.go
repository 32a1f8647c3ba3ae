package deploy_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/openvpn/openvpntest"
)

// site is a server with an agent, of which something is asked all the time.
type site struct {
	server   *apptest.Process
	client   *apptest.Client
	agentURL string
	request  []byte // of OCSP
	made     int
}

type object = map[string]any

const clients = "/api/openvpn/clients/site2site"

func newSite(t *testing.T) *site {
	t.Helper()
	o := apptest.Options{DataDir: filepath.Join(t.TempDir(), "data")}
	s := &site{server: apptest.Start(t, o)}
	token, err := s.server.Token(t.Context(), "test")
	check(t, err)
	s.client = &apptest.Client{URL: s.server.URL, Token: token}
	s.post(t, "/api/openvpn/cas", object{"name": `matriz "norte"`, "email": "ca@example.com"})
	s.post(t, "/api/openvpn/instances", object{"ca_id": 1, "name": "vpn", "network": "10.8.0.0/24", "remotes": []string{"vpn.example.com"}})
	for range 4 {
		s.issue(t)
	}
	check(t, s.client.Do(t.Context(), http.MethodDelete, clients+"/2", nil, nil))
	s.post(t, clients+"/3/suspend", nil)
	s.prepareOCSP(t)
	s.runAgent(t, o)
	return s
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (s *site) post(t *testing.T, path string, body any) {
	t.Helper()
	check(t, s.client.Do(t.Context(), http.MethodPost, path, body, nil))
}

func (s *site) issue(t *testing.T) {
	t.Helper()
	s.made++
	s.post(t, clients, object{"ca_id": 1, "name": fmt.Sprintf("site-%d", s.made), "email": "site@example.com"})
}

// runAgent starts the agent of the instance, and an OpenVPN beside it.
func (s *site) runAgent(t *testing.T, o apptest.Options) {
	t.Helper()
	apptest.MustCommand(t, o, "role", "create", "--name", "agents", "--scope", "openvpn.agent:rw")
	token := apptest.MustCommand(
		t, o, "apikey", "create", "--name", "agent", "--role", "agents", "--instance", "1", "--expires", "90d",
	)
	dir, address := t.TempDir(), freeAddress(t)
	file, socket := filepath.Join(dir, "token"), filepath.Join(dir, "vpn.sock")
	authority, err := s.client.Bytes(t.Context(), "/api/openvpn/cas/1/certificate")
	check(t, err)
	openvpntest.Start(t, openvpntest.ServerConfig{
		ClientCA: authority, Options: []string{"--management", socket, "unix"},
	})
	check(t, os.WriteFile(file, []byte(token), 0o600))
	start(t, apptest.Binary(t), o, "agent", "run", "--server", s.server.URL, "--apikey-file", file,
		"--instance", "1="+filepath.Join(dir, "vpn"), "--management", socket, "--metrics", address)
	s.agentURL = "http://" + address + "/metrics"
	await(t, s.agentURL)
}

// prepareOCSP makes the request that asks for the status of the first client.
func (s *site) prepareOCSP(t *testing.T) {
	t.Helper()
	text, err := s.client.Bytes(t.Context(), clients+"/1/certificate")
	check(t, err)
	var chain []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		cert, err := x509.ParseCertificate(block.Bytes)
		check(t, err)
		chain = append(chain, cert)
	}
	if len(chain) < 2 {
		t.Fatalf("%d certificates", len(chain))
	}
	s.request, err = ocsp.CreateRequest(chain[0], chain[1], nil)
	check(t, err)
}

// work asks for a status, issues, and is refused, as anybody is now and then.
func (s *site) work(t *testing.T) {
	t.Helper()
	response, err := http.Post(s.server.URL+"/ocsp/1", "application/ocsp-request", bytes.NewReader(s.request))
	check(t, err)
	_, err = io.Copy(io.Discard, response.Body)
	check(t, err)
	check(t, response.Body.Close())
	if s.made < 20 {
		s.issue(t)
	}
	if s.made%5 == 0 {
		nobody := &apptest.Client{URL: s.server.URL, Token: "wrong"}
		if err := nobody.Do(t.Context(), http.MethodGet, clients, nil, nil); err == nil {
			t.Error("a wrong token is good")
		}
	}
}

// figures are what Prometheus has to find: what was done, and nothing else.
var figures = []string{
	`sum(chaveiro_certificates{ca="1",state="suspended"}) == 1`,
	`sum(chaveiro_certificates{ca="1",state="revoked"}) == 1`,
	`sum(chaveiro_certificates{ca="1",state="expired"}) == 0`,
	`sum(chaveiro_certificates{ca="1",state="active"}) > 2`,
	`sum(chaveiro_crl_entries{ca="1"}) == 2`,
	`sum(chaveiro_ready) == count(chaveiro_ready)`,
	`sum(chaveiro_agents{state="ok"}) == 1`,
	`count(chaveiro_ca_info{name="matriz \"norte\""}) == 1`,
	`chaveiro_apikey_next_expiry_timestamp_seconds - time() > 89 * 86400 < 90 * 86400`,
	`chaveiro_crl_next_update_timestamp_seconds{ca="1"} - time() > 29 * 86400`,
	`chaveiro_certificates_next_expiry_timestamp_seconds{ca="1"} - time() > 300 * 86400`,
	`chaveiro_agent_crl_life_seconds > 30 * 86400 < 31 * 86400`,
	`sum(chaveiro_refusals_total) > 0`,
	`sum(chaveiro_ocsp_requests_total{ca="1",status="good"}) > 0`,
	`sum(chaveiro_events_total{type="certificate.revoked"}) == 1`,
	`sum(chaveiro_events_total{type="certificate.suspended"}) == 1`,
}

// start starts a program that ends with the test.
func start(t *testing.T, binary string, o apptest.Options, args ...string) {
	t.Helper()
	process, err := apptest.SpawnCommand(binary, o, args...)
	check(t, err)
	t.Cleanup(func() {
		process.Kill()
		if t.Failed() {
			t.Logf("%s:\n%s", binary, process.Log())
		}
	})
}

// freeAddress is one of the loopback on which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

// await waits until a URL answers.
func await(t *testing.T, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		_, err := get(ctx, url)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("%s does not answer: %v", url, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func get(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = status(response.StatusCode)
	}
	return string(body), err
}

const prometheusConfig = `global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [%s]
scrape_configs:
  - {job_name: chaveiro, static_configs: [{targets: ['%s']}]}
  - {job_name: chaveiro-agent, static_configs: [{targets: ['%s']}]}
`

// startPrometheus starts one that scrapes the site every second.
func startPrometheus(t *testing.T, s *site) prometheus {
	t.Helper()
	binary, dir, address := program(t, "prometheus"), t.TempDir(), freeAddress(t)
	rules, err := filepath.Abs(rulesFile)
	check(t, err)
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf(prometheusConfig, rules, host(s.server.URL), host(s.agentURL))
	check(t, os.WriteFile(config, []byte(text), 0o600))
	start(t, binary, apptest.Options{DataDir: dir}, "--config.file", config, "--storage.tsdb.path",
		filepath.Join(dir, "data"), "--web.listen-address", address, "--log.level", "warn")
	p := prometheus{"http://" + address}
	await(t, p.url+"/-/ready")
	return p
}
