package vault

import (
	"context"
	"crypto/rand"

	"github.com/chaveiro/chaveiro/pkg/access"
	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
)

// Applications are the use cases of the programs that use the vault.
type Applications struct {
	Control *access.Control
}

// Page lists applications.
func (s *Applications) Page(ctx context.Context, req domain.PageRequest) (domain.Page[domain.Application], error) {
	return s.Control.Store.Applications().Page(ctx, req)
}

// Get returns one application.
func (s *Applications) Get(ctx context.Context, id int64) (domain.Application, error) {
	return s.Control.Store.Applications().Get(ctx, id)
}

// Create makes an application.
func (s *Applications) Create(ctx context.Context, a domain.Application) (domain.Application, error) {
	return idempotency.Do(ctx, s.Control.Recorder.Results, func() (domain.Application, error) {
		return s.create(ctx, a)
	})
}

func (s *Applications) create(ctx context.Context, a domain.Application) (domain.Application, error) {
	a.Name = domain.CleanName(a.Name)
	if err := a.Validate(); err != nil {
		return a, err
	}
	now := s.Control.Now()
	a.Passing, a.CreatedAt, a.UpdatedAt = rand.Text(), now, now
	err := s.Control.Change(ctx, func(ctx context.Context, tx domain.Store) (none audit.Change, err error) {
		if err := tx.Applications().Create(ctx, &a); err != nil {
			return none, err
		}
		return applications.Created(a), nil
	})
	return a, err
}

// Update changes an application.
func (s *Applications) Update(
	ctx context.Context, id int64, update domain.ApplicationUpdate,
) (a domain.Application, err error) {
	err = s.Control.Change(ctx, func(ctx context.Context, tx domain.Store) (none audit.Change, err error) {
		before, err := tx.Applications().Get(ctx, id)
		if err != nil {
			return none, err
		}
		a = before
		if err := update.Apply(&a); err != nil || applications.Same(before, a) {
			return none, err
		}
		if !before.Enabled && a.Enabled {
			if err := mayEnable(ctx, tx, a); err != nil {
				return none, err
			}
		}
		if before.Enabled && !a.Enabled { // ends the tokens of all its authorizations
			a.Passing = rand.Text()
		}
		a.UpdatedAt = s.Control.Now()
		if err := tx.Applications().Update(ctx, a); err != nil {
			return none, err
		}
		return applications.Changed(domain.ActionUpdate, before, a), nil
	})
	return a, err
}

// mayEnable refuses a caller that may not enable all authorizations of the application.
func mayEnable(ctx context.Context, tx domain.Store, a domain.Application) error {
	for cursor := int64(0); ; {
		page, err := tx.PAMAuthorizations().Page(ctx, a.ID, domain.PageRequest{Cursor: cursor, Size: pageOfAll})
		if err != nil {
			return err
		}
		for _, one := range page.Items {
			if mayAuthorize(ctx, one) != nil {
				return domain.Fault(domain.Forbidden, "enabled", domain.ReasonBeyondOwn)
			}
			if one.Enabled && access.MayFree(ctx, domain.Restrictions{}, one.Holder().Restrictions(), true) != nil {
				return domain.Fault(domain.Forbidden, "enabled", domain.ReasonBeyondLimits)
			}
		}
		if page.Next == nil {
			return nil
		}
		cursor = *page.Next
	}
}

// Delete removes an application that has no authorizations.
func (s *Applications) Delete(ctx context.Context, id int64) error {
	return s.Control.Change(ctx, func(ctx context.Context, tx domain.Store) (audit.Change, error) {
		return applications.Remove(ctx, id, tx.Applications().Get, tx.Applications().Delete)
	})
}
