package store

import (
	"context"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// assignments is the table of the roles that the holders of one kind have. The holders are apikeys
// or users.
type assignments[T any] struct {
	table, holder string
	roles         func(*T) *[]domain.Role
}

// of returns the roles of each holder, by ascending id of the role.
func (a assignments[T]) of(ctx context.Context, db *gorm.DB, holders []int64) (map[int64][]domain.Role, error) {
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

func (a assignments[T]) add(ctx context.Context, db *gorm.DB, holder int64, roles []domain.Role) error {
	for _, role := range roles {
		err := db.WithContext(ctx).
			Exec("INSERT INTO "+a.table+" ("+a.holder+", role_id) VALUES (?, ?)", holder, role.ID).Error
		if err != nil {
			return translate(err, faults{}.orForeign(domain.NotFound, "roles", domain.ReasonNotFound))
		}
	}
	return nil
}

func (a assignments[T]) replace(ctx context.Context, db *gorm.DB, holder int64, roles []domain.Role) error {
	if err := db.WithContext(ctx).Exec("DELETE FROM "+a.table+" WHERE "+a.holder+" = ?", holder).Error; err != nil {
		return err
	}
	return a.add(ctx, db, holder, roles)
}

// holders is the repository of a kind of records that have roles. Its methods read and store a
// record together with its roles.
type holders[R, T any, P record[R, T]] struct {
	records[R, T, P]
	assigned *assignments[T]
}

func holdersOf[R, T any, P record[R, T]](
	s *Store, kept *table[R, T], assigned *assignments[T],
) holders[R, T, P] {
	return holders[R, T, P]{of[R, T, P](s, kept), assigned}
}

// assign reads the roles of holders that were read without them.
func (r holders[R, T, P]) assign(ctx context.Context, list ...*T) error {
	ids := make([]int64, len(list))
	for i, one := range list {
		ids[i] = *r.kept.id(one)
	}
	roles, err := r.assigned.of(ctx, r.s.read, ids)
	for i, one := range list {
		*r.assigned.roles(one) = roles[ids[i]]
	}
	return err
}

// Page returns one page of all holders.
func (r holders[R, T, P]) Page(ctx context.Context, req domain.PageRequest) (domain.Page[T], error) {
	found, err := r.records.Page(ctx, req)
	if err != nil {
		return found, err
	}
	list := make([]*T, len(found.Items))
	for i := range found.Items {
		list[i] = &found.Items[i]
	}
	return found, r.assign(ctx, list...)
}

// Get returns one holder.
func (r holders[R, T, P]) Get(ctx context.Context, id int64) (T, error) {
	one, err := r.records.Get(ctx, id)
	if err == nil {
		err = r.assign(ctx, &one)
	}
	return one, err
}

// Create stores a holder with its roles, and sets its id.
func (r holders[R, T, P]) Create(ctx context.Context, one *T) error {
	stored := *one
	err := r.s.atomic(ctx, func(tx *Store) error {
		if err := of[R, T, P](tx, r.kept).Create(ctx, &stored); err != nil {
			return err
		}
		return r.assigned.add(ctx, tx.write, *r.kept.id(&stored), *r.assigned.roles(one))
	})
	if err == nil {
		*one = stored
	}
	return err
}

// Update stores the columns of a holder that may change, and replaces its roles.
func (r holders[R, T, P]) Update(ctx context.Context, one T) error {
	return r.s.atomic(ctx, func(tx *Store) error {
		if err := of[R, T, P](tx, r.kept).Update(ctx, one); err != nil {
			return err
		}
		return r.assigned.replace(ctx, tx.write, *r.kept.id(&one), *r.assigned.roles(&one))
	})
}
