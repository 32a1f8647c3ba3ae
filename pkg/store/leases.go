package store

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type leases struct{ s *Store }

// Live implements domain.Leases.
func (r leases) Live(ctx context.Context, one domain.Replica) error {
	const query = `INSERT INTO replicas (id, version, schema, beat, seen_at) VALUES (?, ?, ?, 1, ?)
		ON CONFLICT (id) DO UPDATE SET beat = replicas.beat + 1, seen_at = excluded.seen_at`
	return r.s.write.WithContext(ctx).Exec(query, one.ID, one.Version, one.Schema, one.SeenAt.UTC()).Error
}

const allReplicas = "SELECT id, version, schema, beat, seen_at FROM replicas ORDER BY id"

func readReplica(scan func(...any) error) (one domain.Replica, err error) {
	err = scan(&one.ID, &one.Version, &one.Schema, &one.Beat, &one.SeenAt)
	one.SeenAt = one.SeenAt.UTC()
	return one, err
}

// Replicas implements domain.Leases.
func (r leases) Replicas(ctx context.Context) (all []domain.Replica, err error) {
	err = returned(ctx, r.s.read, allReplicas, nil, func(scan func(...any) error) error {
		one, err := readReplica(scan)
		all = append(all, one)
		return err
	})
	return all, err
}

// Remove implements domain.Leases.
func (r leases) Remove(ctx context.Context, id string, beat int64) error {
	return r.s.write.WithContext(ctx).Exec("DELETE FROM replicas WHERE id = ? AND beat = ?", id, beat).Error
}

const allTasks = `SELECT l.task, l.holder, l.token, l.done_at, COALESCE(r.beat, 0) FROM task_leases l
	LEFT JOIN replicas r ON r.id = l.holder ORDER BY l.task`

func readTask(scan func(...any) error) (one domain.TaskLease, err error) {
	var done *time.Time
	err = scan(&one.Task, &one.Holder, &one.Token, &done, &one.Beat)
	one.DoneAt = orZero(done)
	return one, err
}

// List implements domain.Leases.
func (r leases) List(ctx context.Context) (all []domain.TaskLease, err error) {
	err = returned(ctx, r.s.read, allTasks, nil, func(scan func(...any) error) error {
		one, err := readTask(scan)
		all = append(all, one)
		return err
	})
	return all, err
}

// Add implements domain.Leases.
func (r leases) Add(ctx context.Context, tasks []string) error {
	return r.s.atomic(ctx, func(tx *Store) error {
		for _, task := range tasks {
			const query = "INSERT INTO task_leases (task, holder, token) VALUES (?, '', 0) ON CONFLICT (task) DO NOTHING"
			if err := tx.write.WithContext(ctx).Exec(query, task).Error; err != nil {
				return err
			}
		}
		return nil
	})
}

// Take implements domain.Leases.
func (r leases) Take(ctx context.Context, seen domain.Lease, holder string) (domain.Lease, bool, error) {
	const query = `UPDATE task_leases SET holder = ?, token = token + 1 WHERE task = ? AND holder = ? AND token = ?
		RETURNING token`
	lease := domain.Lease{Task: seen.Task, Holder: holder}
	err := scan(ctx, r.s.write, []any{&lease.Token}, query, holder, seen.Task, seen.Holder, seen.Token)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return domain.Lease{}, false, nil
	}
	return lease, err == nil, err
}

// Release implements domain.Leases.
func (r leases) Release(ctx context.Context, holder string) error {
	return r.s.atomic(ctx, func(tx *Store) error {
		db := tx.write.WithContext(ctx)
		return errors.Join(
			db.Exec("UPDATE task_leases SET holder = '' WHERE holder = ?", holder).Error,
			db.Exec("DELETE FROM replicas WHERE id = ?", holder).Error,
		)
	})
}

// Done implements domain.Leases.
func (r leases) Done(ctx context.Context, holder string, tasks []string, at time.Time) error {
	if len(tasks) == 0 {
		return nil
	}
	const query = "UPDATE task_leases SET done_at = ? WHERE holder = ? AND task IN ?"
	return r.s.write.WithContext(ctx).Exec(query, at.UTC(), holder, tasks).Error
}

// Leases lists the servers, and the tasks that they do.
func (r *Reading) Leases(ctx context.Context) (replicas []domain.Replica, tasks []domain.TaskLease, err error) {
	err = r.each(ctx, allReplicas, nil, func(scan func(...any) error) error {
		one, err := readReplica(scan)
		replicas = append(replicas, one)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	err = r.each(ctx, allTasks, nil, func(scan func(...any) error) error {
		one, err := readTask(scan)
		tasks = append(tasks, one)
		return err
	})
	return replicas, tasks, err
}

// Engine returns the kind of database.
func (r *Reading) Engine() Engine { return r.engine }

// checkLease returns domain.ErrLeaseLost when the transaction has a lease that another process has
// taken. Until the transaction ends nobody can take it: on SQLite nobody else writes.
func (s *Store) checkLease(ctx context.Context) error {
	lease, ok := domain.LeaseOf(ctx)
	if !ok {
		return nil
	}
	query := "SELECT token FROM task_leases WHERE task = ? AND holder = ? AND token = ?"
	if s.engine == Postgres {
		query += " FOR SHARE"
	}
	err := scan(ctx, s.write, []any{new(int64)}, query, lease.Task, lease.Holder, lease.Token)
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return domain.ErrLeaseLost
	}
	return err
}
