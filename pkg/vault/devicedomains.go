package vault

import (
	"context"
	"log/slog"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// DeviceDomains are the use cases of the domains that devices can be in.
type DeviceDomains struct {
	Store    domain.Store
	Recorder *audit.Recorder
	Now      func() time.Time
	Log      *slog.Logger
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
	d.Name, d.ShortName = domain.CleanName(d.Name), domain.CleanName(d.ShortName)
	if err := d.Validate(); err != nil {
		return d, err
	}
	now := s.Now()
	d.CreatedAt, d.UpdatedAt = now, now
	err := s.Store.Transact(ctx, func(tx domain.Store) error {
		if err := tx.DeviceDomains().Create(ctx, &d); err != nil {
			return err
		}
		return s.record(ctx, tx, domain.ActionCreate, nil, &d)
	})
	return d, err
}

// Update changes the short name of a domain.
func (s *DeviceDomains) Update(ctx context.Context, id int64, update domain.DeviceDomainUpdate) (d domain.DeviceDomain, err error) {
	err = s.Store.Transact(ctx, func(tx domain.Store) error {
		before, err := tx.DeviceDomains().Lock(ctx, id)
		if err != nil {
			return err
		}
		d = before
		if err := update.Apply(&d); err != nil || d == before {
			return err
		}
		d.UpdatedAt = s.Now()
		if err := tx.DeviceDomains().Update(ctx, d); err != nil {
			return err
		}
		return s.record(ctx, tx, domain.ActionUpdate, &before, &d)
	})
	return d, err
}

// Delete removes a domain that no device is in.
func (s *DeviceDomains) Delete(ctx context.Context, id int64) error {
	return s.Store.Transact(ctx, func(tx domain.Store) error {
		d, err := tx.DeviceDomains().Lock(ctx, id)
		if err != nil {
			return err
		}
		if err := tx.DeviceDomains().Delete(ctx, id); err != nil {
			return err
		}
		return s.record(ctx, tx, domain.ActionDelete, &d, nil)
	})
}

func (s *DeviceDomains) record(ctx context.Context, tx domain.Store, action domain.Action, before, after *domain.DeviceDomain) error {
	c := audit.Change{Action: action, Resource: domain.ScopeDomains}
	if before != nil {
		c.ID, c.Name, c.Before = before.ID, before.Name, deviceDomainFacts(*before)
	}
	if after != nil {
		c.ID, c.Name, c.After = after.ID, after.Name, deviceDomainFacts(*after)
	}
	s.Log.InfoContext(ctx, "device domain changed", "action", action, "domain_id", c.ID, "principal", domain.PrincipalOf(ctx).Name)
	return s.Recorder.Record(ctx, tx, c)
}

func deviceDomainFacts(d domain.DeviceDomain) audit.Facts {
	return audit.Facts{"name": d.Name, "short_name": d.ShortName}
}
