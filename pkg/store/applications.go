package store

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type applicationRow struct {
	ID          int64 `gorm:"primaryKey"`
	Name        string
	NameKey     string
	Description string
	Method      string
	Enabled     bool
	Passing     string
	CreatedAt   time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt   time.Time `gorm:"autoUpdateTime:false"`
}

const applicationColumns = "id, name, description, method, enabled, passing, created_at, updated_at"

func (applicationRow) TableName() string { return "pam_applications" }

func (r *applicationRow) key() *int64 { return &r.ID }

func (r *applicationRow) fields() []any {
	return []any{&r.ID, &r.Name, &r.Description, &r.Method, &r.Enabled, &r.Passing, &r.CreatedAt, &r.UpdatedAt}
}

func (r *applicationRow) entity() domain.Application {
	return domain.Application{
		ID: r.ID, Name: r.Name, Description: r.Description, Method: domain.AuthMethod(r.Method), Enabled: r.Enabled,
		Passing:   r.Passing,
		CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
}

func toApplicationRow(a domain.Application) applicationRow {
	return applicationRow{
		ID: a.ID, Name: a.Name, NameKey: domain.NameKey(a.Name), Description: a.Description, Method: string(a.Method),
		Enabled: a.Enabled, Passing: a.Passing,
		CreatedAt: micro(a.CreatedAt), UpdatedAt: micro(a.UpdatedAt),
	}
}

type applications struct{ s *Store }

var applicationTable = listing{table: "pam_applications", columns: applicationColumns}

// Page implements domain.Applications.
func (r applications) Page(ctx context.Context, req domain.PageRequest) (domain.Page[domain.Application], error) {
	return page[applicationRow, domain.Application](ctx, r.s.read, applicationTable, req)
}

// Get implements domain.Applications.
func (r applications) Get(ctx context.Context, id int64) (domain.Application, error) {
	return take[applicationRow, domain.Application](ctx, r.s.read, applicationTable, id)
}

// Create implements domain.Applications.
func (r applications) Create(ctx context.Context, a *domain.Application) error {
	return create(ctx, r.s.write, toApplicationRow(*a), &a.ID, duplicated("name_key", "name"))
}

// Update implements domain.Applications.
func (r applications) Update(ctx context.Context, a domain.Application) error {
	return update(
		ctx, r.s.write, toApplicationRow(a), duplicated("name_key", "name"),
		"name", "name_key", "description", "enabled", "passing", "updated_at",
	)
}

// Delete implements domain.Applications.
func (r applications) Delete(ctx context.Context, id int64) error {
	return changedOne(
		r.s.write.WithContext(ctx).Delete(&applicationRow{}, id),
		faults{}.orForeign(domain.Rule, "id", domain.ReasonInUse),
	)
}
