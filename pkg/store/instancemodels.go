package store

import (
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type instanceModelRow struct {
	ID        int64 `gorm:"primaryKey"`
	Name      string
	NameKey   string
	Template  string
	CreatedAt time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt time.Time `gorm:"autoUpdateTime:false"`
}

func (instanceModelRow) TableName() string { return "instance_models" }

func (r *instanceModelRow) key() *int64 { return &r.ID }

func (r *instanceModelRow) fields() []any {
	return []any{&r.ID, &r.Name, &r.Template, &r.CreatedAt, &r.UpdatedAt}
}

func (r *instanceModelRow) entity() domain.InstanceModel {
	return domain.InstanceModel{
		ID: r.ID, Name: r.Name, Template: r.Template, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
}

func toInstanceModelRow(m domain.InstanceModel) instanceModelRow {
	return instanceModelRow{
		ID: m.ID, Name: m.Name, NameKey: domain.NameKey(m.Name), Template: m.Template, CreatedAt: micro(m.CreatedAt),
		UpdatedAt: micro(m.UpdatedAt),
	}
}

var instanceModelTable = table[instanceModelRow, domain.InstanceModel]{
	list: listing{table: "instance_models", columns: "id, name, template, created_at, updated_at"},
	row:  toInstanceModelRow, lock: forUpdate,
	id:      func(m *domain.InstanceModel) *int64 { return &m.ID },
	updated: []string{"name", "name_key", "template", "updated_at"}, stored: duplicated("name_key", "name"),
	deleted: faults{}.orForeign(domain.Rule, "id", domain.ReasonInUse),
}
