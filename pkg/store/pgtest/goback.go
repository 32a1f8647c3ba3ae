package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
	if err := c.Down(); err != nil {
		return err
	}
	if err := errors.Join(os.RemoveAll(c.dir.data()), os.Rename(c.backup(), c.dir.data())); err != nil {
		return fmt.Errorf("pgtest: %w", err)
	}
	if recovery {
		if err := c.recoverAtStart(); err != nil {
			return fmt.Errorf("pgtest: %w", err)
		}
	}
	if err := c.Up(ctx); err != nil {
		return err
	}
	return c.await(ctx, "SELECT NOT pg_is_in_recovery()")
}

// recoverAtStart says that the backup alone is what there is to recover from.
func (c *Cluster) recoverAtStart() error {
	settings, err := os.OpenFile(filepath.Join(c.dir.data(), "postgresql.auto.conf"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	_, err = settings.WriteString(
		"restore_command = 'false'\nrecovery_target = 'immediate'\nrecovery_target_action = 'promote'\n",
	)
	signal := filepath.Join(c.dir.data(), "recovery.signal")
	err = errors.Join(err, settings.Close(), os.WriteFile(signal, nil, 0o600))
	if err == nil && c.owner != nil {
		err = os.Chown(signal, int(c.owner.uid), int(c.owner.gid))
	}
	return err
}
