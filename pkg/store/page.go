package store

import (
	"context"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// row is a record of a table that is listed in pages.
type row[T any] interface {
	key() int64
	entity() T
}

// paged is a row with the id after which the previous page begins.
type paged[R any] struct {
	Row      R `gorm:"embedded"`
	Previous *int64
}

// page reads one page of the rows that restrict selects, by ascending id: one statement of two index ranges, size+1 rows
// forward for the page and size backward for the cursor of the page before it. No count, no offset from the start.
func page[R row[T], T any](ctx context.Context, db *gorm.DB, restrict func(*gorm.DB) *gorm.DB, columns string, req domain.PageRequest) (domain.Page[T], error) {
	model := new(R)
	base := func() *gorm.DB { return restrict(db.WithContext(ctx).Model(model)) }
	before := func() *gorm.DB {
		return base().Select("id").Where("id <= ?", req.Cursor).Order("id DESC").Offset(req.Size).Limit(1)
	}
	query := base().Where("id > ?", req.Cursor).Order("id").Limit(req.Size + 1)
	if req.Cursor > 0 {
		query = query.Select(columns+", (?) AS previous", before())
	} else {
		query = query.Select(columns)
	}
	var rows []paged[R]
	if err := query.Find(&rows).Error; err != nil {
		return domain.Page[T]{}, err
	}
	result := assemble[R, T](rows, req)
	if len(rows) == 0 && req.Cursor > 0 { // past the end there is no row to carry it
		return result, before().Scan(result.Previous).Error
	}
	return result, nil
}

func assemble[R row[T], T any](rows []paged[R], req domain.PageRequest) domain.Page[T] {
	result := domain.Page[T]{Current: req.Cursor}
	if req.Cursor > 0 {
		first := int64(0)
		if len(rows) > 0 && rows[0].Previous != nil {
			first = *rows[0].Previous
		}
		result.Previous = &first
	}
	if len(rows) > req.Size {
		rows = rows[:req.Size]
		next := rows[req.Size-1].Row.key()
		result.Next = &next
	}
	result.Items = make([]T, len(rows))
	for i, r := range rows {
		result.Items[i] = r.Row.entity()
	}
	return result
}
