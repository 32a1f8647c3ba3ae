package vault

import (
	"context"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
)

// Update makes the changes of the update to one device. Errors: *domain.Error with Missing.
func (s *Devices) Update(ctx context.Context, id int64, update domain.DeviceUpdate) (domain.Device, error) {
	done, err := s.save(ctx, nil, func(ctx context.Context, tx domain.Store, _ bool) (domain.DeviceSave, error) {
		found, err := tx.Devices().Get(ctx, id)
		before, err := stored(ctx, tx, found, err)
		if err != nil {
			return domain.DeviceSave{}, err
		}
		plan, err := update.Plan(before)
		if err != nil {
			return domain.DeviceSave{}, err
		}
		domains, err := findDeviceDomains(ctx, tx, []domain.DevicePlan{plan})
		if err != nil {
			return domain.DeviceSave{}, onField("domains", err)
		}
		return domain.DeviceSave{DeviceChange: s.planned(plan, before, domains), DomainIDs: domains.ids()}, nil
	})
	return done.After, err
}

// SetEnabled enables or disables a device. It does nothing if the device is so already. Errors:
// *domain.Error with Missing.
func (s *Devices) SetEnabled(ctx context.Context, id int64, enabled bool) (domain.Device, error) {
	return idempotency.Do(ctx, s.Recorder.Results, func() (domain.Device, error) {
		return s.Update(ctx, id, domain.DeviceUpdate{Enabled: &enabled})
	})
}

// onField sets the field of all faults of an error.
func onField(field string, err error) error {
	for _, fault := range domain.Faults(err) {
		fault.Field = field
	}
	return err
}
