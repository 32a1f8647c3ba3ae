package vault

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
	"github.com/chaveiro/chaveiro/pkg/turns"
)

// Devices are the use cases of the devices of the vault.
type Devices struct {
	Store    domain.Store
	Recorder *audit.Recorder
	Scans    *turns.Turns
	Now      func() time.Time
	Log      *slog.Logger
	// PAMPresentEnables makes an upsert enable the device.
	PAMPresentEnables bool

	Recent  *RecentDevices
	Imports *ImportQueue
}

// Page lists devices.
func (s *Devices) Page(
	ctx context.Context, filter domain.DeviceFilter, req domain.PageRequest,
) (domain.Page[domain.Device], error) {
	return turns.Search(ctx, s.Scans, filter.Wide(), func(ctx context.Context) (domain.Page[domain.Device], error) {
		return s.Store.Devices().Page(ctx, filter, req)
	})
}

// pageOfAll is the page size for reading all items.
const pageOfAll = 500

// each calls fn with all devices that the filter selects, by ascending id.
func (s *Devices) each(ctx context.Context, filter domain.DeviceFilter, fn func(domain.Device) error) error {
	for cursor := int64(0); ; {
		page, err := s.Page(ctx, filter, domain.PageRequest{Cursor: cursor, Size: pageOfAll})
		if err != nil {
			return err
		}
		for _, d := range page.Items {
			if err := fn(d); err != nil {
				return err
			}
		}
		if page.Next == nil {
			return nil
		}
		cursor = *page.Next
	}
}

// ByID returns one device.
func (s *Devices) ByID(ctx context.Context, id int64) (domain.Device, error) {
	return s.Store.Devices().Get(ctx, id)
}

// Get returns the device with an id or a hostname. A reference that consists of digits is tried as
// an id first. Errors: *domain.Error with Missing, also for a device that the caller does not see.
func (s *Devices) Get(ctx context.Context, ref string) (domain.Device, error) {
	return visible(ctx, s.Store, ref)
}

func visible(ctx context.Context, tx domain.Store, ref string) (domain.Device, error) {
	device, err := find(ctx, tx, ref)
	if err != nil {
		return device, err
	}
	return device, seen(ctx, device)
}

// seen returns Missing for a device that the caller does not see.
func seen(ctx context.Context, d domain.Device) error {
	if !domain.PrincipalOf(ctx).Sees(d) {
		return domain.Fault(domain.Missing, "id", domain.ReasonNotFound)
	}
	return nil
}

// find tries the reference as an id only if it is written as ids are: digits without a sign, spaces
// or leading zeros.
func find(ctx context.Context, tx domain.Store, ref string) (domain.Device, error) {
	if id, err := strconv.ParseUint(ref, 10, 63); err == nil && strconv.FormatUint(id, 10) == ref {
		device, err := tx.Devices().Get(ctx, int64(id))
		if !domain.IsKind(err, domain.Missing) {
			return device, err
		}
	}
	return tx.Devices().Named(ctx, domain.CleanName(ref))
}

// Ref names a device by the path of a request and, optionally, by the hostname in its body.
type Ref struct{ Path, Hostname string }

// chosen returns the device of the hostname if there is one, and otherwise that of the path. If
// path and hostname are the same text, the path is not tried as an id.
func chosen(ctx context.Context, tx domain.Store, ref Ref) (domain.Device, error) {
	hostname := domain.CleanName(ref.Hostname)
	if hostname == "" {
		return visible(ctx, tx, ref.Path)
	}
	device, err := tx.Devices().Named(ctx, hostname)
	if domain.IsKind(err, domain.Missing) && domain.NameKey(domain.CleanName(ref.Path)) != domain.NameKey(hostname) {
		return visible(ctx, tx, ref.Path)
	}
	if err != nil {
		return device, err
	}
	return device, seen(ctx, device)
}

// Upsert creates the device of a hostname, or changes the existing one. Fields that the spec leaves
// out stay as they are.
func (s *Devices) Upsert(
	ctx context.Context, spec domain.DeviceSpec, nonce *domain.Nonce,
) (domain.DeviceChange, error) {
	plan, err := spec.Plan()
	if err != nil {
		return domain.DeviceChange{}, err
	}
	if s.PAMPresentEnables {
		plan.Enabled = new(true)
	}
	return s.save(ctx, nonce, func(ctx context.Context, tx domain.Store, sure bool) (domain.DeviceSave, error) {
		before, err := s.before(ctx, tx, plan.Hostname, sure)
		if err != nil {
			return domain.DeviceSave{}, err
		}
		if before.ID != 0 {
			if err := seen(ctx, before); err != nil {
				return domain.DeviceSave{}, err
			}
		}
		domains, err := findDeviceDomains(ctx, tx, []domain.DevicePlan{plan})
		if err != nil {
			return domain.DeviceSave{}, err
		}
		save := domain.DeviceSave{DeviceChange: s.planned(plan, before, domains), DomainIDs: domains.ids()}
		if save.Created() {
			save.After.CreatorID = domain.PrincipalOf(ctx).Creator()
		}
		return save, nil
	})
}

// before returns the device of a hostname, with the id 0 if there is none. Unless sure is set, it
// may be the guess of Recent.
func (s *Devices) before(ctx context.Context, tx domain.Store, hostname string, sure bool) (domain.Device, error) {
	if !sure {
		if device, ok := s.Recent.guess(hostname); ok {
			return device, nil
		}
	}
	device, err := tx.Devices().Stored(ctx, hostname)
	if domain.IsKind(err, domain.Missing) {
		return domain.Device{}, nil
	}
	return device, err
}

// stored takes a device that was found and returns it as it is to be changed: with what an
// unfinished import has stored.
func stored(ctx context.Context, tx domain.Store, found domain.Device, err error) (domain.Device, error) {
	if err != nil || !found.Earlier {
		return found, err
	}
	return tx.Devices().Stored(ctx, found.Hostname)
}

// planned applies a plan to a device. If before.ID is 0, the result is a new device.
func (s *Devices) planned(plan domain.DevicePlan, before domain.Device, domains deviceDomainNames) domain.DeviceChange {
	after := before
	if before.ID == 0 {
		after = domain.Device{Hostname: plan.Hostname, Enabled: true, CreatedAt: s.Now()}
	}
	plan.Apply(&after)
	if plan.Domains != nil {
		after.Domains = domains.of(plan.Domains)
	}
	return domain.DeviceChange{Before: before, After: after}
}

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
		save.After = save.Before
		return save, spend(ctx, tx, nonce)
	}
	save.After.UpdatedAt = s.Now()
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

// Disable disables a device. Errors: Missing, also for a device that is disabled already.
func (s *Devices) Disable(ctx context.Context, ref Ref, nonce *domain.Nonce) error {
	return s.enable(ctx, ref, nonce, false, domain.Fault(domain.Missing, "id", domain.ReasonNotFound))
}

// Enable enables a device. Errors: Missing; Rule for a device that is enabled already.
func (s *Devices) Enable(ctx context.Context, ref Ref, nonce *domain.Nonce) error {
	return s.enable(ctx, ref, nonce, true, domain.Fault(domain.Rule, "id", domain.ReasonActive))
}

func (s *Devices) enable(ctx context.Context, ref Ref, nonce *domain.Nonce, enabled bool, already error) error {
	_, err := s.save(ctx, nonce,
		func(ctx context.Context, tx domain.Store, _ bool) (save domain.DeviceSave, err error) {
			found, err := chosen(ctx, tx, ref)
			if save.Before, err = stored(ctx, tx, found, err); err != nil {
				return save, err
			}
			if save.Before.Enabled == enabled {
				return save, already
			}
			save.After = save.Before
			save.After.Enabled = enabled
			return save, nil
		})
	return err
}
