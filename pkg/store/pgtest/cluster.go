package pgtest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	startTimeout = 30 * time.Second
	// recoveryTimeout is how long a server may take that has to recover what it keeps.
	recoveryTimeout = 10 * time.Minute
	stopTimeout     = 10 * time.Second
	// orderTimeout is how long a server may take to write what is only in its memory.
	orderTimeout = 5 * time.Minute
)

// Config says how a cluster runs. The zero value is the quick one.
type Config struct {
	// Durable keeps fsync, synchronous commit and full-page writes on, as in
	// production. Measurements need it; tests only pay for it.
	Durable bool
	// Root is the directory that the cluster's own directory is made in, such as that of a small
	// file system. A socket's path has some hundred bytes at most, so it is a short one. Empty: a
	// fitting one of the system.
	Root string
	// Data is the server's data directory if that shall stay when the cluster stops, and be used
	// again by the next one. It is made if it isn't there. Stop then shuts the server down in
	// order, so that the next one has nothing to recover. Empty: a directory that Stop removes.
	Data string
	// Settings are more settings of the server, as name=value.
	Settings []string
}

// Cluster is one running PostgreSQL server and the directory that holds it.
type Cluster struct {
	dir    *workdir
	bin    programs
	owner  *account
	cfg    Config
	server *exec.Cmd
	exited chan struct{} // closed after the server process was reaped
}

// Start creates a cluster in a new directory and returns once it accepts
// connections. The error matches [ErrNotInstalled] when this machine has no
// PostgreSQL. The caller owns the cluster and must call [Cluster.Stop]; should
// its process be killed first, the kernel stops the server, and a later Start
// removes the directory.
func Start(ctx context.Context, cfg Config) (*Cluster, error) {
	patience := startTimeout
	if cfg.Data != "" {
		patience = recoveryTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	bin, err := findPrograms()
	if err != nil {
		return nil, err
	}
	owner, err := serverOwner()
	if err != nil {
		return nil, err
	}
	sweep(tempRoot)
	sweep(memoryRoot)
	dir, err := newWorkdir(rootFor(cfg), cfg.Data, owner)
	if err != nil {
		return nil, fmt.Errorf("pgtest: %w", err)
	}
	c := &Cluster{dir: dir, bin: bin, owner: owner, cfg: cfg, exited: make(chan struct{})}
	if err := c.boot(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("pgtest: %w", err), c.Stop())
	}
	return c, nil
}

// URL returns the address of a database of this cluster, in the form that pgx
// and libpq read. It does not ask whether the database exists.
func (c *Cluster) URL(database string) string {
	query := url.Values{"host": {c.dir.path}, "user": {superuser}}
	return (&url.URL{Scheme: "postgres", Path: "/" + database, RawQuery: query.Encode()}).String()
}

// Dir is the directory that the server's socket is in.
func (c *Cluster) Dir() string { return c.dir.path }

// Ended reports whether the server's process has ended.
func (c *Cluster) Ended() bool {
	select {
	case <-c.exited:
		return true
	default:
		return c.server == nil
	}
}

// Log is the end of what the server has logged since it was started.
func (c *Cluster) Log() string { return c.logTail() }

// CreateDatabase creates an empty database.
func (c *Cluster) CreateDatabase(ctx context.Context, name string) error {
	return c.admin(ctx, "CREATE DATABASE "+quote(name))
}

// DropDatabase removes a database, if there is one, and ends its connections.
func (c *Cluster) DropDatabase(ctx context.Context, name string) error { return c.drop(ctx, name) }

// Stop ends the server at once, without a checkpoint, and removes everything
// the cluster has written, unless that shall stay: see [Config]. Stopping twice is harmless.
func (c *Cluster) Stop() error {
	if c.server != nil && c.cfg.Data != "" {
		c.shutDown()
	}
	if c.server != nil {
		c.kill()
	}
	return c.dir.remove()
}

// shutDown ends the server in order: PostgreSQL calls SIGINT a fast shutdown.
func (c *Cluster) shutDown() {
	_ = c.server.Process.Signal(os.Interrupt) // an error means that it is gone
	select {
	case <-c.exited:
	case <-time.After(orderTimeout):
	}
}

// clone creates a database as a copy of template, to which nobody may be connected.
func (c *Cluster) clone(ctx context.Context, name, template string) error {
	return c.admin(ctx, "CREATE DATABASE "+quote(name)+" TEMPLATE "+quote(template))
}

// drop removes a database and disconnects whoever still uses it.
func (c *Cluster) drop(ctx context.Context, name string) error {
	return c.admin(ctx, "DROP DATABASE IF EXISTS "+quote(name)+" WITH (FORCE)")
}

func (c *Cluster) admin(ctx context.Context, statement string) error {
	conn, err := pgx.Connect(ctx, c.URL(superuser))
	if err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, statement); err != nil {
		return fmt.Errorf("pgtest: %s: %w", statement, err)
	}
	return nil
}

func (c *Cluster) boot(ctx context.Context) error {
	if _, err := os.Stat(filepath.Join(c.dir.data(), "PG_VERSION")); c.cfg.Data != "" && err == nil {
		return c.run(ctx)
	}
	if err := c.initdb(ctx, c.bin, c.owner, c.cfg); err != nil {
		return err
	}
	return c.run(ctx)
}

// run starts the server on what its directory holds.
func (c *Cluster) run(ctx context.Context) error {
	log, err := os.Create(c.dir.logFile())
	if err != nil {
		return err
	}
	defer log.Close()
	server := exec.Command(c.bin.postgres, c.serverArgs(c.cfg)...)
	server.Dir, server.Env, server.Stdout, server.Stderr = c.dir.path, environ(), log, log
	server.SysProcAttr = c.owner.procAttr()
	// SIGQUIT is PostgreSQL's immediate shutdown: the server takes its children along.
	if err := startTethered(server, syscall.SIGQUIT, c.exited); err != nil {
		return err
	}
	c.server = server
	return c.waitReady(ctx)
}

// initdb creates the data directory. The C locale makes sort order the same on
// every machine.
func (c *Cluster) initdb(ctx context.Context, bin programs, owner *account, cfg Config) error {
	args := []string{"-D", c.dir.data(), "-U", superuser, "--auth=trust", "--encoding=UTF8", "--no-locale"}
	if !cfg.Durable {
		args = append(args, "--no-sync")
	}
	cmd := exec.CommandContext(ctx, bin.initdb, args...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = c.dir.path, environ(), owner.procAttr()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return nil
}

// serverArgs keeps the server off the network and all it writes, dynamic
// shared memory included, inside the directory that Stop removes.
func (c *Cluster) serverArgs(cfg Config) []string {
	args := []string{
		"-D", c.dir.data(), "-k", c.dir.path,
		"-c", "listen_addresses=",
		"-c", "max_connections=200",
		"-c", "dynamic_shared_memory_type=mmap",
	}
	if !cfg.Durable {
		args = append(args, "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")
	}
	for _, setting := range cfg.Settings {
		args = append(args, "-c", setting)
	}
	return args
}

func (c *Cluster) waitReady(ctx context.Context) error {
	for {
		conn, err := pgx.Connect(ctx, c.URL(superuser))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-c.exited:
			return fmt.Errorf("the server ended while starting:\n%s", c.logTail())
		case <-ctx.Done():
			return fmt.Errorf("the server is not ready: %w\n%s", err, c.logTail())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (c *Cluster) kill() {
	for _, sig := range []os.Signal{syscall.SIGQUIT, os.Kill} {
		_ = c.server.Process.Signal(sig) // an error means that it is gone
		select {
		case <-c.exited:
			return
		case <-time.After(stopTimeout):
		}
	}
}

func (c *Cluster) logTail() string {
	const limit = 2000
	text, _ := os.ReadFile(c.dir.logFile())
	return string(text[max(0, len(text)-limit):])
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// environ is this process's environment without what would redirect the
// PostgreSQL programs (PGDATA, PGHOST …), and with their messages in English.
func environ() []string {
	env := []string{"LC_ALL=C"}
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "PG") && !strings.HasPrefix(entry, "LC_ALL=") {
			env = append(env, entry)
		}
	}
	return env
}
