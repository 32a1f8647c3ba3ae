package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Backup keeps the state of a cluster for [Cluster.GoBack].
func (c *Cluster) Backup(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return c.copyTo(ctx, c.backup())
}

func (c *Cluster) backup() string { return filepath.Join(c.dir.path, "backup") }

// GoBack ends the server at once and starts it again with the state of [Cluster.Backup], which it
// then no longer has. A recovery begins a new timeline, as one to a point in time does; without it
// the server goes on as if nothing had happened, as one does whose disk was set back.
func (c *Cluster) GoBack(ctx context.Context, recovery bool) error {
	if !recovery {
		return c.goBack(ctx, c.backup(), nil)
	}
	return c.goBack(ctx, c.backup(), []string{
		"restore_command = 'false'", "recovery_target = 'immediate'", "recovery_target_action = 'promote'",
	})
}

// RecoverFrom ends the server at once and starts it again on a base backup, which is moved, with
// these settings of its recovery, a line each. It returns when the recovery has ended.
func (c *Cluster) RecoverFrom(ctx context.Context, base string, settings ...string) error {
	return c.goBack(ctx, base, settings)
}

func (c *Cluster) goBack(ctx context.Context, base string, settings []string) error {
	if err := c.Down(); err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(c.dir.data()), os.Rename(base, c.dir.data())); err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	if settings != nil {
		if err := c.recoverAtStart(settings); err != nil {
			return fmt.Errorf("pgtest: %w", err)
		}
	}
	if err := c.Up(ctx); err != nil {
		return err
	}
	return c.await(ctx, "SELECT NOT pg_is_in_recovery()")
}

// recoverAtStart says how the next start recovers.
func (c *Cluster) recoverAtStart(lines []string) error {
	settings, err := os.OpenFile(filepath.Join(c.dir.data(), "postgresql.auto.conf"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = settings.WriteString(strings.Join(lines, "\n") + "\n")
	signal := filepath.Join(c.dir.data(), "recovery.signal")
	err = errors.Join(err, settings.Close(), os.WriteFile(signal, nil, 0o600))
	if err == nil && c.owner != nil {
		err = os.Chown(signal, int(c.owner.uid), int(c.owner.gid))
	}
	return err
}

// Folder makes a directory beside the server's data that its account may write to, and that ends
// with the cluster.
func (c *Cluster) Folder(name string) (string, error) {
	path := filepath.Join(c.dir.path, name)
	err := os.Mkdir(path, 0o700)
	if err == nil && c.owner != nil {
		err = os.Chown(path, int(c.owner.uid), int(c.owner.gid))
	}
	return path, err
}

// Run runs one of PostgreSQL's programs to its end, as the server's account. It reaches the server
// without being told where it is.
func (c *Cluster) Run(ctx context.Context, name string, args ...string) error {
	program, err := Program(name)
	if err != nil {
		return err
	}
	run := exec.CommandContext(ctx, program, args...)
	run.Dir, run.SysProcAttr = c.dir.path, c.owner.procAttr()
	run.Env = append(environ(), "PGHOST="+c.dir.path, "PGUSER="+superuser)
	if out, err := run.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

// Archived waits until the archive has all that is written up to now.
func (c *Cluster) Archived(ctx context.Context) error {
	var last string
	if err := c.scan(ctx, "SELECT pg_walfile_name(pg_switch_wal())", &last); err != nil {
		return err
	}
	return c.await(ctx, "SELECT coalesce(last_archived_wal, '') >= '"+last+"' FROM pg_stat_archiver")
}
