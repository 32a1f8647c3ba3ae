package vault

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/turns"
)

// Devices are the use cases of the devices of the vault.
type Devices struct {
	Store    domain.Store
	Recorder *audit.Recorder
	Scans    *turns.Turns
	Now      func() time.Time
	Log      *slog.Logger
	// PAMPresentEnables makes an upsert take the device into use again.
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

// pageOfAll is how many devices are read at once when all are wanted.
const pageOfAll = 500

// each calls fn with all devices of a filter, by ascending id.
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

// Get returns the device of an id or a hostname: of digits alone the id goes first. Errors:
// *domain.Error with Missing, also for one that the caller does not see.
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

// seen refuses a device that the caller does not see.
func seen(ctx context.Context, d domain.Device) error {
	if !domain.PrincipalOf(ctx).Sees(d) {
		return domain.Fault(domain.Missing, "id", domain.ReasonNotFound)
	}
	return nil
}

// find looks for an id only where the reference is one as ids are written: digits without a sign, a
// space or a zero before them.
func find(ctx context.Context, tx domain.Store, ref string) (domain.Device, error) {
	if id, err := strconv.ParseUint(ref, 10, 63); err == nil && strconv.FormatUint(id, 10) == ref {
		device, err := tx.Devices().Get(ctx, int64(id))
		if !domain.IsKind(err, domain.Missing) {
			return device, err
		}
	}
	return tx.Devices().Named(ctx, domain.CleanName(ref))
}

// Ref names a device: by what the path of a request says, and by the hostname that its body may
// name beside that.
type Ref struct{ Path, Hostname string }

// chosen is the device of the hostname, where there is one, and otherwise that of the path. A path
// that is the same text is that hostname, and no id.
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

// Upsert makes the device of a hostname, or changes the one there is. What the spec leaves out
// stays.
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

// before is the device of a hostname, which has the id 0 when there is none. It may be guessed
// unless the caller wants to be sure.
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

// stored is a device that was found, as it has to be changed.
func stored(ctx context.Context, tx domain.Store, found domain.Device, err error) (domain.Device, error) {
	if err != nil || !found.Earlier {
		return found, err
	}
	return tx.Devices().Stored(ctx, found.Hostname)
}

// planned is what a plan makes of a device; of none, whose id is 0, a new one.
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

// saveAttempts is how often a device may be changed by others between the look and the change.
const saveAttempts = 100

var errDeviceContention = errors.New("vault: the device was changed by others too many times")

// deviceStep makes a change of what tx has. It may guess that unless it has to be sure.
type deviceStep func(ctx context.Context, tx domain.Store, sure bool) (domain.DeviceSave, error)

// save stores what next makes of the present state. When somebody else has changed that meanwhile,
// or the rights of the caller, or next had guessed it wrong, it asks again, and wants to be sure:
// no change is lost. That nothing is to be changed has to be sure, too.
func (s *Devices) save(ctx context.Context, nonce *domain.Nonce, next deviceStep) (domain.DeviceChange, error) {
	for attempt := range saveAttempts {
		var done domain.DeviceSave
		err := audit.Quietly(ctx, s.Store, attempt, func(tx domain.Store) (err error) {
			done, err = s.attempt(ctx, tx, nonce, next, attempt > 0)
			return err
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

// errDeviceMoved says that nothing was stored, and that it has to be looked at again.
var errDeviceMoved = errors.New("vault: the device, or who may change it, is not as it was when it was read")

// attempt makes one change and stores it, with the nonce. One that is sure reads the rights of the
// caller again.
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

// told is a change as the audit and the log tell of it.
func told(c domain.DeviceChange) audit.Change {
	if c.Created() {
		return devices.Created(c.After)
	}
	return devices.Changed(domain.ActionUpdate, c.Before, c.After)
}

// Disable takes a device out of use. Errors: Missing, also for one that is out of use already.
func (s *Devices) Disable(ctx context.Context, ref Ref, nonce *domain.Nonce) error {
	return s.enable(ctx, ref, nonce, false, domain.Fault(domain.Missing, "id", domain.ReasonNotFound))
}

// Enable takes a device into use again. Errors: Missing, Rule for one that is in use.
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
