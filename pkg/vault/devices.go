package vault

import (
	"context"
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
	// PAMPresentEnables makes an upsert enable the device.
	PAMPresentEnables bool

	Recent  *RecentDevices
	Imports *ImportQueue
}

// Page lists devices.
func (s *Devices) Page(
	ctx context.Context, filter domain.DeviceFilter, req domain.PageRequest,
) (domain.Page[domain.Device], error) {
	list := func(ctx context.Context, from domain.Store) (domain.Page[domain.Device], error) {
		return from.Devices().Page(ctx, filter, req)
	}
	return turns.Search(ctx, s.Scans, filter.Wide(), func(ctx context.Context) (domain.Page[domain.Device], error) {
		return domain.Stale(ctx, s.Store, list)
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
