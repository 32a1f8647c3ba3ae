package tasks

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// look moves the beat, and takes, ends and begins what is due.
func (r *Runner) look(ctx context.Context, now time.Time) error {
	bounded, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	if err := r.alive(bounded, now); err != nil {
		return err
	}
	list, err := r.list(bounded)
	if err != nil {
		return err
	}
	r.reap(list)
	var failed []error
	for _, w := range r.workers {
		one, there := list[w.Name]
		if there && !w.Everywhere && r.held[w.Name] == nil && time.Since(now) < queryTimeout {
			failed = append(failed, r.take(ctx, w, one, now))
		}
	}
	return errors.Join(failed...)
}

// alive moves the beat of this server. On an SQLite file there is one server, and nobody looks.
func (r *Runner) alive(ctx context.Context, now time.Time) error {
	due := now.Sub(r.live) >= r.Pace.Live
	if r.Store.OneWriter() && !r.live.IsZero() {
		if due {
			r.live = now
		}
		return nil
	}
	if !due {
		return nil
	}
	one := domain.Replica{ID: r.id, Version: r.Version, Schema: r.Schema, SeenAt: r.Now()}
	if err := r.Store.Leases().Live(ctx, one); err != nil {
		return err
	}
	r.live = now
	return nil
}

// list reads the tasks, and adds those that no server has done yet.
func (r *Runner) list(ctx context.Context) (map[string]domain.TaskLease, error) {
	for range 2 {
		rows, err := r.Store.Leases().List(ctx)
		if err != nil {
			return nil, err
		}
		list := map[string]domain.TaskLease{}
		for _, one := range rows {
			list[one.Task] = one
		}
		var missing []string
		for _, w := range r.workers {
			if _, there := list[w.Name]; !there && !w.Everywhere {
				missing = append(missing, w.Name)
			}
		}
		if len(missing) == 0 {
			return list, nil
		}
		if err := r.Store.Leases().Add(ctx, missing); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("tasks that were added are not there")
}

// reap ends what another server does now, and forgets what has ended.
func (r *Runner) reap(list map[string]domain.TaskLease) {
	holders := map[string]bool{}
	for _, one := range list {
		holders[one.Holder] = true
	}
	maps.DeleteFunc(r.seen, func(holder string, _ sighting) bool { return !holders[holder] })
	for task, h := range r.held {
		if list[task].Lease != h.lease {
			r.stop(task)
		}
		select {
		case <-h.done:
			r.forget(task)
		default:
		}
	}
}

func (r *Runner) stop(task string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut[task]()
}

func (r *Runner) forget(task string) {
	delete(r.held, task)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut[task]()
	delete(r.cut, task)
}

// take begins a task whose lease this server takes.
func (r *Runner) take(ctx context.Context, w *worker, seen domain.TaskLease, now time.Time) error {
	if !r.free(seen, now) {
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, takeTimeout)
	defer cancel()
	lease, ok, err := r.Store.Leases().Take(bounded, seen.Lease, r.id)
	if err == nil && ok {
		r.begin(ctx, w, lease)
	}
	return err
}

// free reports whether nobody alive has the lease.
func (r *Runner) free(seen domain.TaskLease, now time.Time) bool {
	if seen.Holder == "" || seen.Holder == r.id || r.Store.OneWriter() {
		return true
	}
	last, known := r.seen[seen.Holder]
	if !known || last.beat != seen.Beat {
		r.seen[seen.Holder] = sighting{seen.Beat, now}
		return false
	}
	return now.Sub(last.at) >= r.Pace.Life
}

func (r *Runner) begin(ctx context.Context, w *worker, lease domain.Lease) {
	ctx, cut := context.WithCancel(domain.WithLease(ctx, lease))
	h := &holding{lease: lease, done: make(chan struct{})}
	r.held[w.Name] = h
	r.mu.Lock()
	r.cut[w.Name] = cut
	r.mu.Unlock()
	w.hold(true)
	go func() {
		defer close(h.done)
		defer w.hold(false)
		w.run(ctx)
	}()
}
