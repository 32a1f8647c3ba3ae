package vault

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
)

// DeviceDomains are the use cases of the domains that devices can be in.
type DeviceDomains struct {
	Store    domain.Store
	Recorder *audit.Recorder
	Now      func() time.Time
}

// Page lists domains.
func (s *DeviceDomains) Page(ctx context.Context, req domain.PageRequest) (domain.Page[domain.DeviceDomain], error) {
	return s.Store.DeviceDomains().Page(ctx, req)
}

// Get returns one domain.
func (s *DeviceDomains) Get(ctx context.Context, id int64) (domain.DeviceDomain, error) {
	return s.Store.DeviceDomains().Get(ctx, id)
}

// Create registers a domain.
func (s *DeviceDomains) Create(ctx context.Context, d domain.DeviceDomain) (domain.DeviceDomain, error) {
	return idempotency.Do(ctx, s.Recorder.Results, func() (domain.DeviceDomain, error) { return s.create(ctx, d) })
}

func (s *DeviceDomains) create(ctx context.Context, d domain.DeviceDomain) (domain.DeviceDomain, error) {
	d.Name, d.ShortName = domain.CleanName(d.Name), domain.CleanName(d.ShortName)
	if err := d.Validate(); err != nil {
		return d, err
	}
	now := s.Now()
	d.CreatedAt, d.UpdatedAt = now, now
	err := s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		if err := tx.DeviceDomains().Create(ctx, &d); err != nil {
			return none, err
		}
		return deviceDomains.Created(d), nil
	})
	return d, err
}

// Update changes the short name of a domain.
func (s *DeviceDomains) Update(
	ctx context.Context, id int64, update domain.DeviceDomainUpdate,
) (d domain.DeviceDomain, err error) {
	err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (done audit.Change, err error) {
		rows := tx.DeviceDomains()
		d, done, err = deviceDomains.Edit(ctx, id, rows.Lock, rows.Update, func(d *domain.DeviceDomain) error {
			d.UpdatedAt = s.Now()
			return update.Apply(d)
		})
		return done, err
	})
	return d, err
}

// Delete removes a domain that no device is in.
func (s *DeviceDomains) Delete(ctx context.Context, id int64) error {
	return s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (audit.Change, error) {
		return deviceDomains.Remove(ctx, id, tx.DeviceDomains().Lock, tx.DeviceDomains().Delete)
	})
}
