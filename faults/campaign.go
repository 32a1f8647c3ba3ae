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
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// campaign is one run.
type campaign struct {
	settings settings
	out      io.Writer
	dir      string
	database *database // nil: on SQLite
	home     *home     // nil: on PostgreSQL
	keys     *keyStore
	replicas []*replica
	findings *findings
	ledger   *ledger
	tally    *tally
	healing  *healing
	logs     *logScan
	hooks    *hooks

	admin       string // "Bearer " and a token that may do everything
	authorities []*authority
	stored      *authority   // the last of them: its key is in the key store
	former      *former      // a CA whose certificates have ended
	visits      atomic.Int64 // see visitor
	offClocks   atomic.Int64 // how many clocks are off
	farJumps    atomic.Int64 // how often a clock was put far off, or set right after that
	setRight    atomic.Int64 // when one was last set right, in nanoseconds
	central     int64        // the instance whose sites have configs
	tunnelSites []int64      // its sites, one for each writer
	linkSites   []int64      // and those that get links
	probes      []string     // a site for each replica
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
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // the account of the database passes through
		return err
	}
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
	if why := c.noDisk(); why != nil {
		fmt.Fprintln(out, "full disks are left out:", why)
		faults = without(faults, full)
	}
	fmt.Fprintf(out, "\nOn %s, seed %d: %d faults under %d writers and %d readers\n", s.engine, s.seed, len(faults), s.writers,
		s.readers)
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
	if c.settings.engine == sqlite {
		c.home = newHome(c.dir)
	} else if c.database, err = newDatabase(ctx, c.dir); err != nil {
		return err
	}
	if c.hooks, err = newHooks(c); err != nil {
		return err
	}
	if c.keys, err = newKeyStore(c.dir); err != nil {
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
	if c.database != nil {
		if err := c.database.follow(ctx); err != nil {
			return err
		}
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

// command runs a command beside the servers, which must succeed.
func (c *campaign) command(ctx context.Context, args ...string) error {
	outcome, err := apptest.Execute(ctx, c.settings.binary, c.replicas[0].options, args...)
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
	for _, store := range []string{"", "", storeName} {
		if err := c.newAuthority(ctx, store); err != nil {
			return err
		}
	}
	c.stored = c.authorities[len(c.authorities)-1]
	if err := c.newFormer(ctx); err != nil {
		return err
	}
	var made struct{ ID int64 }
	if err := c.make(ctx, instancePath, object{
		"ca_id": c.authorities[0].id, "name": "central", "network": "10.8.0.0/16", "remotes": []string{"vpn.example.com"},
	}, &made); err != nil {
		return err
	}
	c.central = made.ID
	if err := c.makeSites(ctx); err != nil {
		return err
	}
	if err := c.make(ctx, webhookPath, object{"name": "faults", "url": c.hooks.url}, nil); err != nil {
		return err
	}
	if err := c.make(ctx, "/api/pam/applications", object{"name": "faults", "method": "oauth2"}, &made); err != nil {
		return err
	}
	return c.make(ctx, "/api/pam/authorizations", object{"application_id": made.ID, "name": "faults", "write": true}, &c.vault)
}

// makeSites makes the sites that are not issued by writers: of the replicas, which are changed to
// see whether they are healthy, and of the writers at the central instance.
func (c *campaign) makeSites(ctx context.Context) error {
	for i := range len(c.replicas) + 2*c.settings.writers {
		var made struct{ ID int64 }
		in := object{"ca_id": c.authorities[0].id, "name": fmt.Sprintf("tunnel-%d", i), "email": "site@example.com"}
		if err := c.make(ctx, clientPath, in, &made); err != nil {
			return err
		}
		switch {
		case i < len(c.replicas):
			c.probes = append(c.probes, fmt.Sprintf("%s/%d", clientPath, made.ID))
		case len(c.linkSites) < c.settings.writers:
			c.linkSites = append(c.linkSites, made.ID)
			path := fmt.Sprintf("%s/%d/configs/%d", clientPath, made.ID, c.central)
			if err := c.must(ctx, call{method: http.MethodPut, path: path, token: c.admin, in: object{}}); err != nil {
				return err
			}
		default:
			c.tunnelSites = append(c.tunnelSites, made.ID)
		}
	}
	return nil
}

func (c *campaign) make(ctx context.Context, path string, in object, out any) error {
	return c.must(ctx, call{method: http.MethodPost, path: path, token: c.admin, in: in, out: out})
}

// newAuthority makes a CA whose key is in a key store; empty: in the database.
func (c *campaign) newAuthority(ctx context.Context, store string) error {
	var made struct{ ID int64 }
	in := object{"name": fmt.Sprintf("ca-%d", len(c.authorities)), "email": "ca@example.com"}
	if store != "" {
		in["key_store"] = store
	}
	if err := c.make(ctx, caPath, in, &made); err != nil {
		return err
	}
	ca, err := c.authorityOf(ctx, made.ID)
	c.authorities = append(c.authorities, ca)
	return err
}

// authorityOf reads the certificate of a CA.
func (c *campaign) authorityOf(ctx context.Context, id int64) (*authority, error) {
	var text []byte
	path := fmt.Sprintf("%s/%d/certificate", caPath, id)
	if err := c.must(ctx, call{method: http.MethodGet, path: path, token: c.admin, out: &text}); err != nil {
		return nil, err
	}
	issuer, err := newIssuer(text)
	return &authority{id: id, issuer: issuer, hashes: map[int64][32]byte{}}, err
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

// forgetToken lets the next request to the vault get another token: clocks were moved.
func (c *campaign) forgetToken() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bearer.until = time.Time{}
}

// close ends everything that was started. The logs of a campaign that has failed are kept, if that
// was asked for.
func (c *campaign) close(failed bool) error {
	var err error
	for _, r := range c.replicas {
		if r.door != nil {
			r.door.close()
		}
		if r.now() == nil {
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
	if c.keys != nil {
		err = errors.Join(err, c.keys.close())
	}
	if c.database != nil {
		err = errors.Join(err, c.database.close())
	}
	if c.home != nil {
		err = errors.Join(err, c.home.close())
	}
	return err
}
