package masterkey

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/seal"
)

const (
	// batchRows is how many values are in memory at once, and stored by a transaction.
	batchRows = 500
	// maxRest bounds the rest after a batch, which is as long as the batch has taken.
	maxRest = time.Second
	// morePasses is how often rows are gone through that others have held or changed meanwhile,
	// passRest how long it waits before.
	morePasses = 20
	passRest   = 500 * time.Millisecond
	// noteInterval is how old the count of what is left may be in the database.
	noteInterval = 2 * time.Second
)

// Progress is how far it has come.
type Progress struct {
	Kind        domain.SealedKind
	Done, Total int64 // values
}

// DamagedError says that values do not open with any of the keys. They stay as they are.
type DamagedError struct {
	Count int
	First string // where the first of them is
}

// Error names the first value.
func (e *DamagedError) Error() string {
	return fmt.Sprintf("%d values do not open with any master key, the first: %s", e.Count, e.First)
}

// resealing is one run of [Rotation.Reseal].
type resealing struct {
	*Rotation
	progress Progress
	show     func(Progress)
	header   []byte
	noted    time.Time
	left     int // values of this pass that are still under another version
	damaged  *DamagedError
}

// Reseal seals all values anew that another version than the present one has sealed, in batches
// with rests, while others read and write. It goes over the rows again until there is nothing left.
// Where it begins does not matter: a value says which key it is under. It can be broken off at any
// point and begun again. Errors: *DamagedError, after all other values are sealed anew.
func (r *Rotation) Reseal(ctx context.Context, show func(Progress)) (Progress, error) {
	counts, err := Count(ctx, r.Store)
	if err != nil {
		return Progress{}, err
	}
	return r.passes(ctx, counts.Under(r.Keys.Version()), show)
}

// Sweep is Reseal for few values: it does not count them before.
func (r *Rotation) Sweep(ctx context.Context) (Progress, error) { return r.passes(ctx, 0, nil) }

func (r *Rotation) passes(ctx context.Context, total int64, show func(Progress)) (Progress, error) {
	run := &resealing{Rotation: r, show: show, header: seal.Header(r.Keys.Version()), noted: time.Now()}
	run.progress.Total = total
	for pass := range morePasses {
		if pass > 0 {
			if err := pause(ctx, passRest); err != nil {
				return run.progress, err
			}
		}
		run.left, run.damaged = 0, nil
		for _, kind := range domain.SealedKinds() {
			if err := run.kind(ctx, kind); err != nil {
				return run.progress, fmt.Errorf("seal the %s anew: %w", kind, err)
			}
		}
		if run.left == 0 {
			break
		}
	}
	return run.progress, run.end()
}

func (r *resealing) end() error {
	switch {
	case r.damaged != nil:
		return r.damaged
	case r.left > 0:
		return fmt.Errorf("%d values are held or changed by others all the time: rotate once more", r.left)
	}
	return nil
}

// kind seals the values of a kind anew.
func (r *resealing) kind(ctx context.Context, kind domain.SealedKind) error {
	r.progress.Kind = kind
	var last domain.SealedRow
	for {
		begin := time.Now()
		list, next, err := r.Store.SealedValues().Others(ctx, kind, last, batchRows, r.header)
		if err != nil {
			return err
		}
		if err := r.batch(ctx, kind, list); err != nil {
			return err
		}
		if last = next; last == nil {
			return nil
		}
		if !r.Hurry {
			if err := pause(ctx, min(time.Since(begin), maxRest)); err != nil {
				return err
			}
		}
	}
}

// batch seals values anew, and stores those that are as they were read.
func (r *resealing) batch(ctx context.Context, kind domain.SealedKind, list []domain.SealedValue) error {
	changes := make([]domain.SealedChange, 0, len(list))
	for _, v := range list {
		where := r.Contexts[kind](v.Place)
		plain, err := r.Keys.Open(v.Sealed, where)
		if errors.Is(err, seal.ErrSealed) || errors.Is(err, seal.ErrUnknownKeyVersion) {
			r.damage(kind, v, err)
			continue
		}
		changes = append(changes, domain.SealedChange{Row: v.Row, Before: v.Sealed, After: r.Keys.Seal(plain, where)})
	}
	replaced, err := r.Store.SealedValues().Replace(ctx, kind, changes)
	if err != nil {
		return err
	}
	r.left += len(changes) - replaced
	r.progress.Done += int64(replaced)
	return r.tell(ctx)
}

func (r *resealing) damage(kind domain.SealedKind, v domain.SealedValue, cause error) {
	if r.damaged == nil {
		r.damaged = &DamagedError{First: fmt.Sprintf("%s, row %v: %v", kind, []any(v.Row), cause)}
	}
	r.damaged.Count++
}

// tell shows how far it is, and now and then stores what is left.
func (r *resealing) tell(ctx context.Context) error {
	r.progress.Total = max(r.progress.Total, r.progress.Done)
	if r.show != nil {
		r.show(r.progress)
	}
	if time.Since(r.noted) < noteInterval {
		return nil
	}
	r.noted = time.Now()
	return r.Store.MasterKeys().Note(ctx, r.Keys.Version(), r.progress.Total-r.progress.Done, time.Time{})
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
