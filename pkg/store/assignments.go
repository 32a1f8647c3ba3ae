package store

import (
	"context"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// assignments is the table that says which roles somebody has.
type assignments struct{ table, holder string }

var (
	apikeyRoles = assignments{table: "apikey_roles", holder: "apikey_id"}
	userRoles   = assignments{table: "user_roles", holder: "user_id"}
)

// of returns the roles of each holder, by ascending id.
func (a assignments) of(ctx context.Context, db *gorm.DB, holders []int64) (map[int64][]domain.Role, error) {
	if len(holders) == 0 {
		return nil, nil
	}
	query := "SELECT " + qualified("r", roleColumns) + ", a." + a.holder + " FROM " + a.table +
		" a JOIN roles r ON r.id = a.role_id" +
		" WHERE a." + a.holder + " IN ? ORDER BY r.id"
	rows, err := db.WithContext(ctx).Raw(query, holders).Rows()
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	roles := map[int64][]domain.Role{}
	for rows.Next() {
		var one roleRow
		var holder int64
		if err := rows.Scan(append(one.fields(), &holder)...); err != nil {
			return nil, err
		}
		roles[holder] = append(roles[holder], one.entity())
	}
	return roles, rows.Err()
}

func (a assignments) add(ctx context.Context, db *gorm.DB, holder int64, roles []domain.Role) error {
	for _, role := range roles {
		err := db.WithContext(ctx).
			Exec("INSERT INTO "+a.table+" ("+a.holder+", role_id) VALUES (?, ?)", holder, role.ID).Error
		if err != nil {
			return translate(err, faults{}.orForeign(domain.NotFound, "roles", domain.ReasonNotFound))
		}
	}
	return nil
}

func (a assignments) replace(ctx context.Context, db *gorm.DB, holder int64, roles []domain.Role) error {
	if err := db.WithContext(ctx).Exec("DELETE FROM "+a.table+" WHERE "+a.holder+" = ?", holder).Error; err != nil {
		return err
	}
	return a.add(ctx, db, holder, roles)
}
