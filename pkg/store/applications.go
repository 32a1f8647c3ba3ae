package store

import (
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

var applicationTable = table[applicationRow, domain.Application]{
	list: listing{table: "pam_applications", columns: applicationColumns}, row: toApplicationRow,
	id:      func(a *domain.Application) *int64 { return &a.ID },
	updated: []string{"name", "name_key", "description", "enabled", "passing", "updated_at"},
	stored:  duplicated("name_key", "name"), deleted: faults{}.orForeign(domain.Rule, "id", domain.ReasonInUse),
}
