package store

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type deviceDomainRow struct {
	ID        int64 `gorm:"primaryKey"`
	Name      string
	NameKey   string
	ShortName string
	ShortKey  *string
	CreatedAt time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt time.Time `gorm:"autoUpdateTime:false"`
}

func (deviceDomainRow) TableName() string { return "device_domains" }

func (r *deviceDomainRow) key() *int64 { return &r.ID }

func (r *deviceDomainRow) fields() []any {
	return []any{&r.ID, &r.Name, &r.ShortName, &r.CreatedAt, &r.UpdatedAt}
}

func (r *deviceDomainRow) entity() domain.DeviceDomain {
	return domain.DeviceDomain{
		ID: r.ID, Name: r.Name, ShortName: r.ShortName, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
}

func toDeviceDomainRow(d domain.DeviceDomain) deviceDomainRow {
	row := deviceDomainRow{
		ID: d.ID, Name: d.Name, NameKey: domain.NameKey(d.Name), ShortName: d.ShortName, CreatedAt: micro(d.CreatedAt),
		UpdatedAt: micro(d.UpdatedAt),
	}
	if d.ShortName != "" {
		key := domain.NameKey(d.ShortName)
		row.ShortKey = &key
	}
	return row
}

type deviceDomains struct {
	records[deviceDomainRow, domain.DeviceDomain, *deviceDomainRow]
}

var deviceDomainTable = table[deviceDomainRow, domain.DeviceDomain]{
	list: listing{table: "device_domains", columns: "id, name, short_name, created_at, updated_at"},
	row:  toDeviceDomainRow, lock: forUpdate,
	id:      func(d *domain.DeviceDomain) *int64 { return &d.ID },
	updated: []string{"short_name", "short_key", "updated_at"}, stored: duplicated("name_key", "name"),
}

// Find implements domain.DeviceDomains.
func (r deviceDomains) Find(ctx context.Context, texts []string) (map[string][]domain.DeviceDomain, error) {
	query := "SELECT " + deviceDomainTable.list.columns + " FROM device_domains WHERE name_key IN ? OR short_key IN ?"
	if r.s.engine == Postgres && r.s.inTx {
		query += " ORDER BY id FOR SHARE"
	}
	rows := map[int64]domain.DeviceDomain{} // a domain may be in several batches
	for batch := range slices.Chunk(keysOf(texts), insertBatch) {
		some, err := find[deviceDomainRow, domain.DeviceDomain](ctx, r.s.read, query, []any{batch, batch})
		if err != nil {
			return nil, err
		}
		for i := range some {
			rows[some[i].ID] = some[i].entity()
		}
	}
	found := map[string][]domain.DeviceDomain{}
	for _, id := range slices.Sorted(maps.Keys(rows)) {
		if short := domain.NameKey(rows[id].ShortName); short != "" {
			found[short] = append(found[short], rows[id])
		}
	}
	for _, d := range rows { // a name takes precedence over the short name of another domain
		found[domain.NameKey(d.Name)] = []domain.DeviceDomain{d}
	}
	return found, nil
}

// Delete implements domain.DeviceDomains. It locks the row first: then nobody can put a device into
// the domain.
func (r deviceDomains) Delete(ctx context.Context, id int64) error {
	return r.s.atomic(ctx, func(tx *Store) error {
		db := tx.write.WithContext(ctx)
		var record deviceDomainRow
		if err := db.Clauses(forUpdate).Take(&record, id).Error; err != nil {
			return translate(err, faults{})
		}
		var used []int64
		if err := db.Raw("SELECT device_id FROM device_terms WHERE term = ? LIMIT 1", "d:"+record.NameKey).Scan(&used).
			Error; err != nil {
			return err
		}
		if len(used) == 0 { // a decided import may still put devices into it
			if err := db.Raw("SELECT id FROM device_imports WHERE decided LIMIT 1").Scan(&used).Error; err != nil {
				return err
			}
		}
		if len(used) > 0 {
			return domain.Fault(domain.Rule, "id", domain.ReasonInUse)
		}
		return changedOne(db.Delete(&deviceDomainRow{}, id), faults{})
	})
}
