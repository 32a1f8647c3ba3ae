package store

import (
	"context"
	"strings"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type roleRow struct {
	ID        int64 `gorm:"primaryKey"`
	Name      string
	NameKey   string
	Scopes    storedList[permission]
	CreatedAt time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt time.Time `gorm:"autoUpdateTime:false"`
}

const roleColumns = "id, name, scopes, created_at, updated_at"

// permission is the form of a permission in the JSON of the column.
type permission struct {
	Name  domain.Scope `json:"name"`
	Read  bool         `json:"read"`
	Write bool         `json:"write"`
}

func (roleRow) TableName() string { return "roles" }

func (r *roleRow) key() *int64 { return &r.ID }

func (r *roleRow) fields() []any { return []any{&r.ID, &r.Name, &r.Scopes, &r.CreatedAt, &r.UpdatedAt} }

func (r *roleRow) entity() domain.Role {
	role := domain.Role{ID: r.ID, Name: r.Name, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC()}
	for _, p := range r.Scopes {
		role.Scopes = append(role.Scopes, domain.Permission{Scope: p.Name, Read: p.Read, Write: p.Write})
	}
	return role
}

func toRoleRow(r domain.Role) roleRow {
	list := make([]permission, len(r.Scopes))
	for i, p := range r.Scopes {
		list[i] = permission{Name: p.Scope, Read: p.Read, Write: p.Write}
	}
	return roleRow{
		ID: r.ID, Name: r.Name, NameKey: domain.NameKey(r.Name), Scopes: list, CreatedAt: micro(r.CreatedAt),
		UpdatedAt: micro(r.UpdatedAt),
	}
}

// qualified adds the name of a table to each column of a list.
func qualified(table, columns string) string {
	return table + "." + strings.ReplaceAll(columns, ", ", ", "+table+".")
}

type roles struct {
	records[roleRow, domain.Role, *roleRow]
}

var roleTable = table[roleRow, domain.Role]{
	list: listing{table: "roles", columns: roleColumns}, row: toRoleRow,
	id:      func(r *domain.Role) *int64 { return &r.ID },
	updated: []string{"name", "name_key", "scopes", "updated_at"},
	stored:  duplicated("name_key", "name"), deleted: faults{}.orForeign(domain.Rule, "id", domain.ReasonRoleInUse),
}

// Find implements domain.Roles.
func (r roles) Find(ctx context.Context, ids []int64) ([]domain.Role, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := find[roleRow, domain.Role](
		ctx, r.s.read, "SELECT "+roleColumns+" FROM roles WHERE id IN ? ORDER BY id", []any{ids},
	)
	found := make([]domain.Role, len(rows))
	for i := range rows {
		found[i] = rows[i].entity()
	}
	return found, err
}

// limitsOf selects the limits of all apikeys that have a role, and those of users, which are none,
// if users have it.
const limitsOf = `SELECT expires_at, allowed_ips, rate_limit, instances FROM apikeys WHERE id IN (SELECT apikey_id FROM apikey_roles WHERE role_id = ?)
	UNION SELECT NULL, '', 0, '' FROM user_roles WHERE role_id = ?`

// Limits implements domain.Roles.
func (r roles) Limits(ctx context.Context, id int64) ([]domain.Restrictions, error) {
	var list []domain.Restrictions
	err := returned(ctx, r.s.read, limitsOf, []any{id, id}, func(scan func(...any) error) error {
		var row apikeyRow
		err := scan(&row.ExpiresAt, &row.AllowedIPs, &row.RateLimit, &row.Instances)
		list = append(list, row.entity().Holder().Restrictions())
		return err
	})
	return list, err
}
