package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	chaveiro "github.com/chaveiro/chaveiro/gen/sdk/go"
	"github.com/chaveiro/chaveiro/pkg/agent"
	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/openvpn/management"
	"github.com/chaveiro/chaveiro/pkg/spans"
	"github.com/chaveiro/chaveiro/pkg/telemetry"
)

type agentCommands struct {
	Run    agentRun    `cmd:"" help:"Keep the OpenVPN servers of this machine current, and end the sessions of those who are revoked."`
	Once   agentOnce   `cmd:"" help:"Bring the OpenVPN servers of this machine up to date once."`
	Status agentStatus `cmd:"" help:"Show how current the OpenVPN servers of this machine are; exit code 1 when something is wrong."`
	Verify agentVerify `cmd:"" help:"Check the files of the OpenVPN servers of this machine as OpenVPN reads them."`
	Unit   agentUnit   `cmd:"" help:"Print a unit of systemd that runs the agent with the same flags."`
}

// agentPlaces are the instances on this machine.
type agentPlaces struct {
	Instance []string `required:"" env:"CHAVEIRO_AGENT_INSTANCES" placeholder:"ID=DIR" help:"An instance and the directory of its server, as 1=/etc/openvpn/server/vpn; may be repeated."`
}

// agentPlace is an instance and its directory.
type agentPlace struct {
	id  int64
	dir string
}

func (p agentPlaces) places() ([]agentPlace, error) {
	var list []agentPlace
	for _, text := range p.Instance {
		left, dir, _ := strings.Cut(text, "=")
		id, err := strconv.ParseInt(left, 10, 64)
		if err != nil || id < 1 || !filepath.IsAbs(dir) {
			return nil, misuse("%q is no instance: it has the form ID=DIR, with the whole path of a directory", text)
		}
		for _, other := range list {
			if other.id == id || other.dir == filepath.Clean(dir) {
				return nil, misuse("%q: each instance has a directory of its own", text)
			}
		}
		list = append(list, agentPlace{id, filepath.Clean(dir)})
	}
	return list, nil
}

// agentService says where the service is, and how the agent works beside OpenVPN.
type agentService struct {
	agentPlaces
	Server     string        `required:"" env:"CHAVEIRO_URL" placeholder:"URL" help:"Address of the service, as https://chaveiro.example.com."`
	TokenFile  string        `name:"apikey-file" required:"" env:"CHAVEIRO_AGENT_APIKEY_FILE" placeholder:"FILE" help:"File with the token of the apikey."`
	CAFile     string        `name:"ca-file" env:"CHAVEIRO_AGENT_CA_FILE" placeholder:"FILE" help:"Certificates (PEM) that the one of the service may be signed with (default: those of the system)."`
	Plain      bool          `name:"plain-http" env:"CHAVEIRO_AGENT_PLAIN_HTTP" help:"Take an address of http://: others can read the apikey and the keys of the server."`
	Interval   time.Duration `default:"1s" least:"100ms" env:"CHAVEIRO_AGENT_INTERVAL" help:"How long at least from one change to the next, 100ms or more; the service is asked to tell of each."`
	Report     time.Duration `default:"30s" least:"0s" most:"1h" env:"CHAVEIRO_AGENT_REPORT" help:"How often at least the service is told who is connected: whole seconds, 1h at most; with 0 never."`
	Management string        `default:"/run/openvpn-server/{unit}.sock" empty:"none" env:"CHAVEIRO_AGENT_MANAGEMENT" placeholder:"SOCKET" help:"Management interface of OpenVPN: a Unix socket, or host and port on the loopback. {unit} is the name of the unit. Empty: no session is ended, and nothing reloaded."`
	Password   string        `name:"management-key-file" env:"CHAVEIRO_AGENT_MANAGEMENT_KEY_FILE" placeholder:"FILE" help:"File with the password of the management interface."`
	Restart    string        `name:"restart-command" default:"systemctl restart openvpn-server@{unit}" env:"CHAVEIRO_AGENT_RESTART_COMMAND" placeholder:"COMMAND" help:"Command that restarts OpenVPN where it has dropped its privileges. It is not run by a shell."`
	Group      string        `env:"CHAVEIRO_AGENT_GROUP" placeholder:"GROUP" help:"Group that may read the keys (default: nobody but root)."`
	Serials    bool          `name:"crl-dir" env:"CHAVEIRO_AGENT_CRL_DIR" help:"Also keep a directory crl with a file for each revoked serial number, for OpenVPN with --crl-verify crl dir."`
	Metrics    string        `env:"CHAVEIRO_AGENT_METRICS" placeholder:"HOST:PORT" help:"Where the metrics are served, on the loopback, as 127.0.0.1:9464 (default: nowhere)."`
}

// program assembles the agent.
func (c *agentService) program(sent *telemetry.Telemetry) (*agent.Program, error) {
	places, err := c.places()
	if err != nil {
		return nil, err
	}
	if c.Report%time.Second != 0 {
		return nil, misuse("--report is in whole seconds, up to 1h")
	}
	sdk, err := c.sdk()
	if err != nil {
		return nil, err
	}
	address := management.Address{Path: c.Management}
	if c.Password != "" {
		if address.Password, err = firstOf(c.Password); err != nil {
			return nil, err
		}
	}
	gid, err := groupID(c.Group)
	if err != nil {
		return nil, err
	}
	log := sent.Log
	p := &agent.Program{
		Interval: c.Interval, ReportEvery: c.Report, Version: buildVersion(), Metrics: c.Metrics, Now: app.Now,
		Log: log,
	}
	for _, one := range places {
		p.Instances = append(p.Instances, &agent.Instance{
			Place: agent.Place{
				ID: one.id, Dir: one.dir, Management: address, Restart: strings.Fields(c.Restart), GID: gid,
				Serials: c.Serials,
			},
			Source: agent.Service{SDK: sdk, Time: callTime, Spans: sent.Spans}, Now: app.Now, Log: log,
		})
	}
	return p, nil
}

// callTime is how long a question to the service may take.
const callTime = 15 * time.Second

func (c *agentService) sdk() (*chaveiro.SDK, error) {
	if u, err := url.Parse(c.Server); err == nil && u.Scheme == "http" && !c.Plain && !loopback(u.Hostname()) {
		return nil, misuse("the address is not of https://: --plain-http takes it all the same")
	}
	token, err := firstOf(c.TokenFile)
	if err != nil {
		return nil, err
	}
	config := chaveiro.Config{
		URL: c.Server, Auth: chaveiro.APIKey(token), Language: "en", UserAgent: "chaveiro-agent", Timeout: callTime,
		Retries: chaveiro.NoRetries, Headers: spans.Inject,
	}
	if c.CAFile != "" {
		if config.CABundle, err = os.ReadFile(c.CAFile); err != nil {
			return nil, err
		}
	}
	return chaveiro.New(config)
}

func loopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}

// firstOf reads a file of one line.
func firstOf(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" || strings.ContainsAny(secret, "\r\n") {
		return "", fmt.Errorf("%s has not one line", path)
	}
	return secret, nil
}

// groupID returns the id of a group; -1 is none.
func groupID(name string) (int, error) {
	if name == "" {
		return -1, nil
	}
	group, err := user.LookupGroup(name)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(group.Gid)
}

// with assembles the agent and lets it do something. Spans and lines of its log go to a collector
// if the variables of OpenTelemetry say so.
func (c *agentService) with(ctx context.Context, do func(*agent.Program, context.Context) error) error {
	settings := telemetry.Settings{Version: buildVersion(), Getenv: os.Getenv, Name: "chaveiro-agent"}
	sent, err := telemetry.Start(ctx, settings, logger(slog.LevelInfo))
	if err != nil {
		return err
	}
	p, err := c.program(sent)
	if err == nil {
		err = do(p, ctx)
	}
	return errors.Join(err, sent.Close())
}

type agentRun struct{ agentService }

// Run runs the agent until a signal ends it.
func (c *agentRun) Run(ctx context.Context) error {
	return c.with(ctx, (*agent.Program).Run)
}

type agentOnce struct{ agentService }

// Run brings everything up to date once.
func (c *agentOnce) Run(ctx context.Context) error {
	return c.with(ctx, (*agent.Program).Once)
}

type agentVerify struct{ agentPlaces }

// Run prints what is wrong.
func (c *agentVerify) Run() error {
	places, err := c.places()
	if err != nil {
		return err
	}
	for _, one := range places {
		faults, verifyErr := agent.Verify(one.id, one.dir, app.Now())
		for _, fault := range faults {
			fmt.Printf("instance %d: %s\n", one.id, fault)
		}
		if len(faults) > 0 {
			err = errors.New("OpenVPN would not run as the service wants")
		}
		err = errors.Join(err, verifyErr)
	}
	return err
}
