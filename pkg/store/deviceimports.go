package store

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type deviceImportRow struct {
	ID      int64 `gorm:"primaryKey"`
	Author  string
	Domains string
	Decided bool
	Done    int64
	AliveAt time.Time
}

func (deviceImportRow) TableName() string { return "device_imports" }

type deviceImports struct{ s *Store }

// Begin implements domain.DeviceImports.
func (r deviceImports) Begin(ctx context.Context, i *domain.DeviceImport) error {
	row := deviceImportRow{Author: i.Author, Domains: i.Domains, Decided: i.Decided, AliveAt: micro(i.AliveAt)}
	err := r.s.write.WithContext(ctx).Create(&row).Error
	i.ID = row.ID
	return err
}

// Stage implements domain.DeviceImports.
func (r deviceImports) Stage(ctx context.Context, id int64, part domain.ImportPart) error {
	return r.s.write.WithContext(ctx).
		Exec("INSERT INTO device_import_rows (import_id, place, spec) VALUES (?, ?, ?)", id, part.Place, part.Text).
		Error
}

// Parts implements domain.DeviceImports.
func (r deviceImports) Parts(ctx context.Context, id int64) (parts []domain.ImportPart, err error) {
	query := "SELECT place, spec FROM device_import_rows WHERE import_id = ? ORDER BY place"
	err = returned(ctx, r.s.read, query, []any{id}, func(scan func(...any) error) error {
		var part domain.ImportPart
		err := scan(&part.Place, &part.Text)
		parts = append(parts, part)
		return err
	})
	return parts, err
}

// Decide implements domain.DeviceImports. On PostgreSQL two concurrent calls would not see each
// other; the caller excludes them by Audit.Reserve.
func (r deviceImports) Decide(ctx context.Context, id int64, now time.Time) (bool, error) {
	const query = `UPDATE device_imports SET decided = true, alive_at = ? WHERE id = ?
		AND NOT EXISTS (SELECT 1 FROM device_imports other WHERE other.decided)`
	done := r.s.write.WithContext(ctx).Exec(query, micro(now), id)
	if done.Error != nil || done.RowsAffected == 1 {
		return done.RowsAffected == 1, done.Error
	}
	var there int
	return false,
		translate(scan(ctx, r.s.write, []any{&there}, "SELECT 1 FROM device_imports WHERE id = ?", id), faults{})
}

// Touch implements domain.DeviceImports.
func (r deviceImports) Touch(ctx context.Context, id int64, now time.Time) (bool, error) {
	done := r.s.write.WithContext(ctx).Exec("UPDATE device_imports SET alive_at = ? WHERE id = ?", micro(now), id)
	return done.RowsAffected == 1, done.Error
}

// Advance implements domain.DeviceImports.
func (r deviceImports) Advance(ctx context.Context, id, before, n int64, now time.Time) (bool, error) {
	done := r.s.write.WithContext(ctx).
		Exec(
			"UPDATE device_imports SET done = ?, alive_at = ? WHERE id = ? AND done = ?", before+n, micro(now), id,
			before,
		)
	return done.RowsAffected == 1, done.Error
}

// Abandon implements domain.DeviceImports.
func (r deviceImports) Abandon(ctx context.Context, id int64) (bool, error) {
	done := r.s.write.WithContext(ctx).Exec("DELETE FROM device_imports WHERE id = ? AND NOT decided", id)
	return done.RowsAffected == 1, done.Error
}

// Finish implements domain.DeviceImports.
func (r deviceImports) Finish(ctx context.Context, id int64) error {
	return r.s.write.WithContext(ctx).Exec("DELETE FROM device_imports WHERE id = ?", id).Error
}

// Left implements domain.DeviceImports.
func (r deviceImports) Left(ctx context.Context) (ids []int64, err error) {
	const query = `SELECT import_id FROM device_import_rows WHERE import_id NOT IN (SELECT id FROM device_imports)
		UNION SELECT import_id FROM device_befores WHERE import_id NOT IN (SELECT id FROM device_imports) ORDER BY import_id`
	err = r.s.read.WithContext(ctx).Raw(query).Scan(&ids).Error
	return ids, err
}

// clearings each delete a part of what an import has left.
var clearings = []string{
	"DELETE FROM device_import_rows WHERE import_id = ? AND place IN (SELECT place FROM device_import_rows WHERE import_id = ? ORDER BY place LIMIT 4)",
	"DELETE FROM device_befores WHERE import_id = ? AND id IN (SELECT id FROM device_befores WHERE import_id = ? ORDER BY id LIMIT 2000)",
}

// Clear implements domain.DeviceImports.
func (r deviceImports) Clear(ctx context.Context, id int64) (bool, error) {
	for _, clearing := range clearings {
		if done := r.s.write.WithContext(ctx).Exec(clearing, id, id); done.Error != nil || done.RowsAffected > 0 {
			return done.Error == nil, done.Error
		}
	}
	return false, nil
}

// Unfinished implements domain.DeviceImports.
func (r deviceImports) Unfinished(ctx context.Context) (list []domain.DeviceImport, err error) {
	var rows []deviceImportRow
	err = r.s.read.WithContext(ctx).Order("id").Find(&rows).Error
	for _, row := range rows {
		list = append(list, domain.DeviceImport{
			ID: row.ID, Author: row.Author, Domains: row.Domains, Decided: row.Decided, Done: row.Done,
			AliveAt: row.AliveAt.UTC(),
		})
	}
	return list, err
}
