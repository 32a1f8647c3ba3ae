package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// campaign is one run.
type campaign struct {
	settings settings
	out      io.Writer
	dir      string
	binary   string
	database *database
	replicas [replicaCount]*replica
	findings *findings
	ledger   *ledger
	tally    *tally
	healing  *healing
	logs     *logScan
	hooks    *hooks

	admin       string // "Bearer " and a token that may do everything
	authorities []*authority
	central     int64   // the instance whose sites have configs
	tunnelSites []int64 // its sites, one for each writer
	probes      [replicaCount]string
	vault       vaultKeys
	begin, end  weight // of the replica that is never killed

	mu     sync.Mutex // guards bearer
	bearer struct {
		token string
		until time.Time
	}
}

// vaultKeys are the credentials of an authorization of the vault.
type vaultKeys struct {
	ID     string `json:"client_id"`
	Secret string `json:"client_secret"`
}

// run makes everything, breaks things, and looks at what is left.
func run(ctx context.Context, s settings, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("/tmp", "chaveiro-faults-") // a socket's path has some hundred bytes at most
	if err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil { // the account of the database passes through
		return err
	}
	defer os.RemoveAll(dir)
	c := &campaign{
		settings: s, out: out, dir: dir, findings: newFindings(), ledger: newLedger(), tally: newTally(),
		healing: newHealing(),
	}
	c.logs = &logScan{ledger: c.ledger, keep: s.keep}
	defer func() { err = errors.Join(err, c.close(err != nil)) }()
	if err := c.prepare(ctx); err != nil {
		return fmt.Errorf("before the first fault: %w", err)
	}
	faults := plan(s)
	if c.database.noDisk != nil {
		fmt.Fprintln(out, "full disks are left out:", c.database.noDisk)
		faults = without(faults, full)
	}
	fmt.Fprintf(out, "seed %d: %d faults under %d writers and %d readers\n", s.seed, len(faults), s.writers, s.readers)
	if err := c.survive(ctx, faults); err != nil {
		return err
	}
	if err := c.check(ctx); err != nil {
		return err
	}
	c.report()
	return nil
}

// prepare starts the database and the replicas, and makes what writers and readers need.
func (c *campaign) prepare(ctx context.Context) (err error) {
	if err := c.build(ctx); err != nil {
		return err
	}
	if c.database, err = newDatabase(ctx, c.dir); err != nil {
		return err
	}
	if c.hooks, err = newHooks(); err != nil {
		return err
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // it never fails
	text := "1:" + base64.StdEncoding.EncodeToString(key)
	c.ledger.secrets = append(c.ledger.secrets, text[2:])
	if err := c.newReplicas(text); err != nil {
		return err
	}
	if err := c.command(ctx, "migrate", "up"); err != nil {
		return err
	}
	if err := c.database.follow(ctx); err != nil {
		return err
	}
	for _, r := range c.replicas {
		if err := r.start(ctx); err != nil {
			return err
		}
	}
	token, err := c.replicas[0].now().Token(ctx, "faults")
	if err != nil {
		return err
	}
	c.admin = "Bearer " + token
	c.ledger.secrets = append(c.ledger.secrets, token)
	return c.furnish(ctx)
}

func (c *campaign) build(ctx context.Context) error {
	c.binary = c.settings.binary
	if c.binary != "" {
		return nil
	}
	c.binary = filepath.Join(c.dir, "chaveiro")
	if c.settings.counts[clock] > 0 {
		return buildMovable(ctx, c.dir)
	}
	return apptest.Build(ctx, c.dir)
}

// command runs a command beside the servers, which must succeed.
func (c *campaign) command(ctx context.Context, args ...string) error {
	outcome, err := apptest.Execute(ctx, c.binary, c.replicas[0].options, args...)
	if err == nil && outcome.Code != 0 {
		err = fmt.Errorf("code %d: %s%s", outcome.Code, outcome.Stdout, outcome.Stderr)
	}
	if err != nil {
		return fmt.Errorf("chaveiro %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

// furnish makes what writers and readers share.
func (c *campaign) furnish(ctx context.Context) error {
	for _, name := range []string{"ca-matriz", "ca-filial"} {
		if err := c.newAuthority(ctx, name); err != nil {
			return err
		}
	}
	var made struct{ ID int64 }
	if err := c.make(ctx, instancePath, object{
		"ca_id": c.authorities[0].id, "name": "central", "network": "10.8.0.0/16", "remotes": []string{"vpn.example.com"},
	}, &made); err != nil {
		return err
	}
	c.central = made.ID
	for i := range c.settings.writers + replicaCount {
		in := object{"ca_id": c.authorities[0].id, "name": fmt.Sprintf("tunnel-%d", i), "email": "site@example.com"}
		if err := c.make(ctx, clientPath, in, &made); err != nil {
			return err
		}
		if i < replicaCount {
			c.probes[i] = fmt.Sprintf("%s/%d", clientPath, made.ID)
		} else {
			c.tunnelSites = append(c.tunnelSites, made.ID)
		}
	}
	if err := c.make(ctx, webhookPath, object{"name": "faults", "url": c.hooks.url}, nil); err != nil {
		return err
	}
	if err := c.make(ctx, "/api/pam/applications", object{"name": "faults", "method": "oauth2"}, &made); err != nil {
		return err
	}
	return c.make(ctx, "/api/pam/authorizations", object{"application_id": made.ID, "name": "faults", "write": true}, &c.vault)
}

func (c *campaign) make(ctx context.Context, path string, in object, out any) error {
	return c.must(ctx, call{method: http.MethodPost, path: path, token: c.admin, in: in, out: out})
}

func (c *campaign) newAuthority(ctx context.Context, name string) error {
	var made struct{ ID int64 }
	if err := c.make(ctx, caPath, object{"name": name, "email": "ca@example.com"}, &made); err != nil {
		return err
	}
	var text []byte
	path := fmt.Sprintf("%s/%d/certificate", caPath, made.ID)
	if err := c.must(ctx, call{method: http.MethodGet, path: path, token: c.admin, out: &text}); err != nil {
		return err
	}
	ca := &authority{id: made.ID, hashes: map[int64][32]byte{}}
	c.authorities = append(c.authorities, ca)
	var err error
	ca.issuer, err = newIssuer(text)
	return err
}

// vaultToken is the Authorization of requests to the vault. It is renewed long before it ends.
func (c *campaign) vaultToken() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Now().Before(c.bearer.until) {
		return c.bearer.token
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var made struct {
		Token string `json:"access_token"`
	}
	in := object{"grant_type": "client_credentials", "client_id": c.vault.ID, "client_secret": c.vault.Secret}
	if err := c.must(ctx, call{method: http.MethodPost, path: "/iso/oauth2/token", in: in, out: &made}); err != nil {
		c.find("no token for the vault: %v", err)
		return ""
	}
	c.ledger.note("", func() { c.ledger.secrets = append(c.ledger.secrets, made.Token) })
	c.bearer.token, c.bearer.until = "Bearer "+made.Token, time.Now().Add(5*time.Minute)
	return c.bearer.token
}

// close ends everything that was started. The logs of a campaign that has failed are kept, if that
// was asked for.
func (c *campaign) close(failed bool) error {
	var err error
	for _, r := range c.replicas {
		if r == nil || r.now() == nil {
			continue
		}
		r.now().Kill()
		if failed {
			err = errors.Join(err, c.logs.save(r))
		}
	}
	if c.hooks != nil {
		err = errors.Join(err, c.hooks.server.Close())
	}
	if c.database != nil {
		err = errors.Join(err, c.database.close())
	}
	return err
}
