package store

import (
	"context"
	"math/bits"
	"slices"
	"strings"

	"gorm.io/gorm"
)

// insertBatch is how many rows go in one statement at most: both databases bound its parameters.
const insertBatch = 512

// batchOf is how many of n rows go in the next statement. Many go by powers of two, so that few different statements are prepared.
func batchOf(n int) int {
	const few = 32
	if n <= few {
		return n
	}
	return min(1<<(bits.Len(uint(n))-1), insertBatch)
}

// insertRows inserts rows of values by as few statements as can be. suffix is what follows the values; read, if not nil, is called for each row
// that the statement returns.
func insertRows(ctx context.Context, db *gorm.DB, table, columns string, values [][]any, suffix string, read func(scan func(...any) error) error) error {
	for len(values) > 0 {
		batch := values[:batchOf(len(values))]
		values = values[len(batch):]
		place := "(?" + strings.Repeat(", ?", len(batch[0])-1) + ")"
		query := "INSERT INTO " + table + " (" + columns + ") VALUES " + place + strings.Repeat(", "+place, len(batch)-1) + suffix
		args := slices.Concat(batch...)
		if read == nil {
			if err := db.WithContext(ctx).Exec(query, args...).Error; err != nil {
				return err
			}
			continue
		}
		if err := returned(ctx, db, query, args, read); err != nil {
			return err
		}
	}
	return nil
}

func returned(ctx context.Context, db *gorm.DB, query string, args []any, read func(scan func(...any) error) error) error {
	rows, err := db.WithContext(ctx).Raw(query, args...).Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := read(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
