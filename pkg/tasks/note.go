package tasks

import (
	"context"
	"errors"
)

// note stores again and again what was done, and removes the servers that are gone.
func (r *Runner) note(ctx context.Context) {
	gone := map[string]int64{}
	for {
		sleep(ctx, r.Pace.Note)
		if ctx.Err() != nil {
			return
		}
		err := errors.Join(r.noteDone(ctx), r.sweep(ctx, gone))
		if err != nil && ctx.Err() == nil {
			r.Log.WarnContext(ctx, "what was done in the background was not noted", "error", err)
		}
	}
}

func (r *Runner) noteDone(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	var done []string
	for _, w := range r.workers {
		if !w.Everywhere && w.said() {
			done = append(done, w.Name)
		}
	}
	return r.Store.Leases().Done(ctx, r.id, done, r.Now())
}

// sweep removes the servers whose beat is as it was at the last call.
func (r *Runner) sweep(ctx context.Context, before map[string]int64) error {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	list, err := r.Store.Leases().Replicas(ctx)
	if err != nil {
		return err
	}
	var failed []error
	now := map[string]int64{}
	for _, one := range list {
		if beat, known := before[one.ID]; known && beat == one.Beat && one.ID != r.id {
			failed = append(failed, r.Store.Leases().Remove(ctx, one.ID, one.Beat))
			continue
		}
		now[one.ID] = one.Beat
	}
	clear(before)
	for id, beat := range now {
		before[id] = beat
	}
	return errors.Join(failed...)
}
