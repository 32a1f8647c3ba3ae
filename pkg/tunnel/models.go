package tunnel

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
)

// Models are the use cases of the templates of servers' configurations.
type Models struct {
	Store    domain.Store
	Recorder *audit.Recorder
	Now      func() time.Time
}

// DefaultModelName is the name of the model of instances that name none.
const DefaultModelName = "default"

// Default returns the model of instances that name none. It is no record, and has no id.
func (s *Models) Default() domain.InstanceModel {
	return domain.InstanceModel{Name: DefaultModelName, Template: defaultTemplate}
}

// Page lists models.
func (s *Models) Page(
	ctx context.Context, page domain.PageRequest,
) (domain.Page[domain.InstanceModel], error) {
	return s.Store.InstanceModels().Page(ctx, page)
}

// Get returns one model.
func (s *Models) Get(ctx context.Context, id int64) (domain.InstanceModel, error) {
	return s.Store.InstanceModels().Get(ctx, id)
}

// Create keeps a model. Errors: those of its fields; *domain.Error with Invalid on template if it
// does not render, with line and column.
func (s *Models) Create(ctx context.Context, m domain.InstanceModel) (domain.InstanceModel, error) {
	return idempotency.Do(ctx, s.Recorder.Results, func() (domain.InstanceModel, error) { return s.create(ctx, m) })
}

func (s *Models) create(ctx context.Context, m domain.InstanceModel) (domain.InstanceModel, error) {
	m.Name = domain.CleanName(m.Name)
	if err := m.Validate(); err != nil {
		return m, err
	}
	if err := checkTemplate(m.Template); err != nil {
		return m, err
	}
	now := s.Now()
	m.CreatedAt, m.UpdatedAt = now, now
	err := s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (none audit.Change, err error) {
		if err := tx.InstanceModels().Create(ctx, &m); err != nil {
			return none, err
		}
		return models.Created(m), nil
	})
	return m, err
}

// Update changes a model. It is refused where an instance that has it would have no configuration
// any more.
func (s *Models) Update(
	ctx context.Context, id int64, update domain.InstanceModelUpdate,
) (m domain.InstanceModel, err error) {
	err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (done audit.Change, err error) {
		rows := tx.InstanceModels()
		m, done, err = models.Edit(ctx, id, rows.Lock, rows.Update, func(m *domain.InstanceModel) error {
			before := m.Template
			m.UpdatedAt = s.Now()
			if err := update.Apply(m); err != nil || m.Template == before {
				return err
			}
			return checkUses(ctx, tx, *m)
		})
		return done, err
	})
	return m, err
}

// checkUses renders a model, also for every instance that has it.
func checkUses(ctx context.Context, tx domain.Store, m domain.InstanceModel) error {
	if err := checkTemplate(m.Template); err != nil {
		return err
	}
	uses, err := tx.Instances().OfModel(ctx, m.ID)
	if err != nil {
		return err
	}
	for _, i := range uses {
		if fault := templateFault(renderCheck(m.Template, i)); fault != nil {
			return domain.Fault(domain.Rule, "template", domain.ReasonTemplateOf, append([]any{i.Name}, fault...)...)
		}
	}
	return nil
}

// Delete removes a model that no instance has.
func (s *Models) Delete(ctx context.Context, id int64) error {
	return s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (audit.Change, error) {
		return models.Remove(ctx, id, tx.InstanceModels().Lock, tx.InstanceModels().Delete)
	})
}
