package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
)

// socketName is the socket of the server in its directory; 5432 is PostgreSQL's default port.
const socketName = ".s.PGSQL.5432"

// Standby makes an asynchronous streaming standby of a cluster. It follows until [Cluster.Lag], and
// takes the place of the first at [Cluster.TakeOver]. The caller owns it and must call
// [Cluster.Stop].
func (c *Cluster) Standby(ctx context.Context) (*Cluster, error) { return c.StandbyOf(ctx, c.cfg) }

// StandbyOf is [Cluster.Standby] with another configuration than that of the primary. Whether it is
// durable has to be the same.
func (c *Cluster) StandbyOf(ctx context.Context, cfg Config) (*Cluster, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	dir, err := newWorkdir(rootFor(cfg), "", c.owner)
	if err != nil {
		return nil, fmt.Errorf("pgtest: %w", err)
	}
	s := &Cluster{dir: dir, bin: c.bin, owner: c.owner, cfg: cfg, exited: make(chan struct{})}
	if err := c.copyTo(ctx, dir.data(), "-R"); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	if err := s.run(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("pgtest: %w", err), s.Stop())
	}
	return s, nil
}

// copyTo makes a base backup.
func (c *Cluster) copyTo(ctx context.Context, path string, args ...string) error {
	return c.Run(ctx, "pg_basebackup", append(args, "-D", path, "-X", "stream", "-c", "fast", "--no-sync")...)
}

// Lag waits until the standby has all that the primary has, and stops its receiver: whatever is
// answered afterwards is lost when it takes over.
func (c *Cluster) Lag(ctx context.Context, primary *Cluster) error {
	var end string
	if err := primary.scan(ctx, "SELECT pg_current_wal_insert_lsn()::text", &end); err != nil {
		return err
	}
	if err := c.await(ctx, fmt.Sprintf("SELECT pg_last_wal_replay_lsn() >= '%s'::pg_lsn", end)); err != nil {
		return err
	}
	for _, statement := range []string{"ALTER SYSTEM SET primary_conninfo = ''", "SELECT pg_reload_conf()"} {
		if err := c.admin(ctx, statement); err != nil {
			return err
		}
	}
	return c.await(ctx, "SELECT NOT EXISTS (SELECT FROM pg_stat_wal_receiver)")
}

// TakeOver kills the primary's process, promotes the standby, and puts it at the primary's address.
func (c *Cluster) TakeOver(ctx context.Context, primary *Cluster) error {
	if err := primary.Die(); err != nil {
		return err
	}
	if err := c.Promote(ctx); err != nil {
		return err
	}
	address := filepath.Join(primary.dir.path, socketName)
	if err := os.Remove(address); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.Symlink(filepath.Join(c.dir.path, socketName), address)
}

// Die kills the server's process without a warning, and returns when it is gone. Its children see
// that and end by themselves.
func (c *Cluster) Die() error {
	if err := c.server.Process.Kill(); err != nil {
		return err
	}
	select {
	case <-c.exited:
		return nil
	case <-time.After(stopTimeout):
		return errors.New("pgtest: the server does not end")
	}
}

// Promote makes the standby a primary, and returns when it accepts writes.
func (c *Cluster) Promote(ctx context.Context) error {
	if err := c.admin(ctx, "SELECT pg_promote(true, 20)"); err != nil {
		return err
	}
	return c.await(ctx, "SELECT NOT pg_is_in_recovery()")
}

// Synchronous says whether a commit waits for the standby. If so, it returns when the standby has
// all that the primary has, and a commit does wait.
func (c *Cluster) Synchronous(ctx context.Context, on bool) error {
	names := map[bool]string{true: "*", false: ""}[on]
	for _, statement := range []string{
		"ALTER SYSTEM SET synchronous_standby_names = '" + names + "'", "SELECT pg_reload_conf()",
	} {
		if err := c.admin(ctx, statement); err != nil {
			return err
		}
	}
	if !on {
		return c.await(ctx, "SELECT current_setting('synchronous_standby_names') = ''")
	}
	return c.await(ctx, "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')")
}

// await asks until the answer is true.
func (c *Cluster) await(ctx context.Context, query string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for done := false; !done; time.Sleep(20 * time.Millisecond) {
		if err := c.scan(ctx, query, &done); err != nil {
			return err
		}
	}
	return nil
}

func (c *Cluster) scan(ctx context.Context, query string, to any) error {
	conn, err := pgx.Connect(ctx, c.URL(superuser))
	if err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if err := conn.QueryRow(ctx, query).Scan(to); err != nil {
		return fmt.Errorf("pgtest: %s: %w", query, err)
	}
	return nil
}
