package store

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type deviceImportRow struct {
	ID      int64 `gorm:"primaryKey"`
	Author  string
	Decided bool
	AliveAt time.Time
}

func (deviceImportRow) TableName() string { return "device_imports" }

type deviceImports struct{ s *Store }

// Begin implements domain.DeviceImports.
func (r deviceImports) Begin(ctx context.Context, i *domain.DeviceImport) error {
	row := deviceImportRow{Author: i.Author, Decided: i.Decided, AliveAt: micro(i.AliveAt)}
	err := r.s.write.WithContext(ctx).Create(&row).Error
	i.ID = row.ID
	return err
}

// Stage implements domain.DeviceImports.
func (r deviceImports) Stage(ctx context.Context, id int64, rows []domain.StagedRow) error {
	values := make([][]any, len(rows))
	for i, row := range rows {
		values[i] = []any{id, row.Place, row.Spec}
	}
	return r.s.atomic(ctx, func(tx *Store) error {
		return tx.insertRows(ctx, insertion{"device_import_rows", "import_id, place, spec", ""}, values, nil)
	})
}

// Decide implements domain.DeviceImports.
func (r deviceImports) Decide(ctx context.Context, id int64, now time.Time) error {
	return changedOne(r.s.write.WithContext(ctx).Exec("UPDATE device_imports SET decided = true, alive_at = ? WHERE id = ?", micro(now), id), faults{})
}

// Touch implements domain.DeviceImports.
func (r deviceImports) Touch(ctx context.Context, id int64, now time.Time) (bool, error) {
	done := r.s.write.WithContext(ctx).Exec("UPDATE device_imports SET alive_at = ? WHERE id = ?", micro(now), id)
	return done.RowsAffected == 1, done.Error
}

// Rows implements domain.DeviceImports.
func (r deviceImports) Rows(ctx context.Context, id int64, n int) (rows []domain.StagedRow, err error) {
	query := "SELECT place, spec FROM device_import_rows WHERE import_id = ? ORDER BY place LIMIT ?"
	err = returned(ctx, r.s.write, query, []any{id, n}, func(scan func(...any) error) error {
		var row domain.StagedRow
		err := scan(&row.Place, &row.Spec)
		rows = append(rows, row)
		return err
	})
	return rows, err
}

// Remove implements domain.DeviceImports.
func (r deviceImports) Remove(ctx context.Context, id, place int64) error {
	return r.s.write.WithContext(ctx).Exec("DELETE FROM device_import_rows WHERE import_id = ? AND place <= ?", id, place).Error
}

// Abandon implements domain.DeviceImports.
func (r deviceImports) Abandon(ctx context.Context, id int64) (bool, error) {
	done := r.s.write.WithContext(ctx).Exec("DELETE FROM device_imports WHERE id = ? AND NOT decided", id)
	return done.RowsAffected == 1, done.Error
}

// Abandoned implements domain.DeviceImports.
func (r deviceImports) Abandoned(ctx context.Context) (ids []int64, err error) {
	query := "SELECT DISTINCT import_id FROM device_import_rows WHERE import_id NOT IN (SELECT id FROM device_imports) ORDER BY import_id"
	err = r.s.read.WithContext(ctx).Raw(query).Scan(&ids).Error
	return ids, err
}

// Finish implements domain.DeviceImports.
func (r deviceImports) Finish(ctx context.Context, id int64) error {
	return r.s.write.WithContext(ctx).Exec("DELETE FROM device_imports WHERE id = ?", id).Error
}

// Unfinished implements domain.DeviceImports.
func (r deviceImports) Unfinished(ctx context.Context) (list []domain.DeviceImport, err error) {
	var rows []deviceImportRow
	err = r.s.read.WithContext(ctx).Order("id").Find(&rows).Error
	for _, row := range rows {
		list = append(list, domain.DeviceImport{ID: row.ID, Author: row.Author, Decided: row.Decided, AliveAt: row.AliveAt.UTC()})
	}
	return list, err
}
