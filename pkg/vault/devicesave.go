package vault

import (
	"context"
	"errors"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
)

// saveAttempts bounds the attempts at a change while others change the same device between the read
// and the save.
const saveAttempts = 100

var errDeviceContention = errors.New("vault: the device was changed by others too many times")

// deviceStep computes a change from the state in tx. If sure is false, it may use a guess of that
// state.
type deviceStep func(ctx context.Context, tx domain.Store, sure bool) (domain.DeviceSave, error)

// save stores what next makes of the present state. It tries again, with sure set, if another
// caller has changed the device meanwhile, if the caller's rights have changed, or if next had
// guessed wrong: so no change is lost. A result without a change also counts only if sure was set.
func (s *Devices) save(ctx context.Context, nonce *domain.Nonce, next deviceStep) (domain.DeviceChange, error) {
	for attempt := range saveAttempts {
		var done domain.DeviceSave
		err := s.quietly(ctx, attempt, func(tx domain.Store) (_ any, err error) {
			done, err = s.attempt(ctx, tx, nonce, next, attempt > 0)
			return &done.After, err
		})
		if errors.Is(err, errDeviceMoved) || errors.Is(err, domain.ErrNamesMoved) {
			continue
		}
		if err == nil && done.Changed() {
			s.Recent.keep(done.After, done.Created())
			s.Recorder.Tell(
				ctx, audit.Change{
					Action: done.Event.Action, Resource: done.Event.Resource, ID: done.After.ID,
					Name: done.After.Hostname,
				},
			)
		}
		return done.DeviceChange, err
	}
	return domain.DeviceChange{}, &domain.Unavailable{Err: errDeviceContention}
}

// quietly is audit.Quietly, and keeps the result of fn if the request has a key.
func (s *Devices) quietly(ctx context.Context, attempt int, fn func(tx domain.Store) (any, error)) error {
	if idempotency.Keyed(ctx) {
		return s.Recorder.Results.Transact(ctx, fn)
	}
	return audit.Quietly(ctx, s.Store, attempt, func(tx domain.Store) error {
		_, err := fn(tx)
		return err
	})
}

// errDeviceMoved says that nothing was stored and that the device has to be read again.
var errDeviceMoved = errors.New("vault: the device or the caller's rights have changed since they were read")

// attempt makes one attempt at a change and stores it together with the nonce. If sure is set, it
// reads the caller's rights again first.
func (s *Devices) attempt(
	ctx context.Context, tx domain.Store, nonce *domain.Nonce, next deviceStep, sure bool,
) (save domain.DeviceSave, err error) {
	if sure {
		if ctx, err = s.Recorder.Again(ctx, tx); err != nil {
			return save, err
		}
	}
	if save, err = next(ctx, tx, sure); err != nil {
		return save, err
	}
	if !save.Changed() {
		if !sure {
			return save, errDeviceMoved
		}
		if domain.OriginOf(ctx).DryRun {
			return save, s.Recorder.WouldDo(ctx, tx, audit.Change{})
		}
		save.After = save.Before
		return save, spend(ctx, tx, nonce)
	}
	save.After.UpdatedAt = s.Now()
	if domain.OriginOf(ctx).DryRun {
		return save, s.Recorder.WouldDo(ctx, tx, told(save.DeviceChange))
	}
	if save.Event, err = s.Recorder.Event(ctx, told(save.DeviceChange)); err != nil {
		return save, err
	}
	save.Nonce = nonce
	saved, err := tx.Devices().Save(ctx, &save)
	if err == nil && !saved {
		err = errDeviceMoved
	}
	return save, replayed(err)
}

// told returns a change as the audit and the log describe it.
func told(c domain.DeviceChange) audit.Change {
	if c.Created() {
		return devices.Created(c.After)
	}
	return devices.Changed(domain.ActionUpdate, c.Before, c.After)
}
