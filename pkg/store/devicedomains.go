package store

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

type domainRow struct {
	ID        int64 `gorm:"primaryKey"`
	Name      string
	NameKey   string
	ShortName string
	ShortKey  *string
	CreatedAt time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt time.Time `gorm:"autoUpdateTime:false"`
}

func (domainRow) TableName() string { return "device_domains" }

func (r *domainRow) key() int64 { return r.ID }

func (r *domainRow) fields() []any {
	return []any{&r.ID, &r.Name, &r.ShortName, &r.CreatedAt, &r.UpdatedAt}
}

func (r *domainRow) entity() domain.DeviceDomain {
	return domain.DeviceDomain{ID: r.ID, Name: r.Name, ShortName: r.ShortName, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC()}
}

func toDomainRow(d domain.DeviceDomain) domainRow {
	row := domainRow{
		ID: d.ID, Name: d.Name, NameKey: domain.NameKey(d.Name), ShortName: d.ShortName, CreatedAt: micro(d.CreatedAt), UpdatedAt: micro(d.UpdatedAt),
	}
	if d.ShortName != "" {
		key := domain.NameKey(d.ShortName)
		row.ShortKey = &key
	}
	return row
}

type deviceDomains struct{ s *Store }

var domainTable = listing{table: "device_domains", columns: "id, name, short_name, created_at, updated_at"}

var domainFaults = faults{duplicated: map[string]string{"name_key": "name"}}

// Page implements domain.DeviceDomains.
func (r deviceDomains) Page(ctx context.Context, req domain.PageRequest) (domain.Page[domain.DeviceDomain], error) {
	return page[domainRow, domain.DeviceDomain](ctx, r.s.read, domainTable, req)
}

// Get implements domain.DeviceDomains.
func (r deviceDomains) Get(ctx context.Context, id int64) (domain.DeviceDomain, error) {
	return take[domainRow, domain.DeviceDomain](ctx, r.s.read, domainTable, id)
}

// Lock implements domain.DeviceDomains.
func (r deviceDomains) Lock(ctx context.Context, id int64) (domain.DeviceDomain, error) {
	var found domainRow
	err := r.s.write.WithContext(ctx).Clauses(forUpdate).Take(&found, id).Error
	return found.entity(), translate(err, faults{})
}

// Find implements domain.DeviceDomains.
func (r deviceDomains) Find(ctx context.Context, texts []string) (map[string][]domain.DeviceDomain, error) {
	query := "SELECT " + domainTable.columns + " FROM device_domains WHERE name_key IN ? OR short_key IN ?"
	if r.s.engine == Postgres && r.s.inTx {
		query += " ORDER BY id FOR SHARE"
	}
	rows := map[int64]domain.DeviceDomain{} // a domain may be in several batches
	for batch := range slices.Chunk(keysOf(texts), insertBatch) {
		some, err := find[domainRow, domain.DeviceDomain](ctx, r.s.read, query, []any{batch, batch})
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
	for _, d := range rows { // a name goes before a short name
		found[domain.NameKey(d.Name)] = []domain.DeviceDomain{d}
	}
	return found, nil
}

// Create implements domain.DeviceDomains.
func (r deviceDomains) Create(ctx context.Context, d *domain.DeviceDomain) error {
	record := toDomainRow(*d)
	record.ID = 0 // the database gives it, also when this is tried again
	if err := r.s.write.WithContext(ctx).Create(&record).Error; err != nil {
		return translate(err, domainFaults)
	}
	d.ID = record.ID
	return nil
}

// Update implements domain.DeviceDomains.
func (r deviceDomains) Update(ctx context.Context, d domain.DeviceDomain) error {
	record := toDomainRow(d)
	done := r.s.write.WithContext(ctx).Model(&record).Select("short_name", "short_key", "updated_at").Updates(&record)
	return changedOne(done, domainFaults)
}

// Delete implements domain.DeviceDomains: with the row locked nobody can put a device into the domain.
func (r deviceDomains) Delete(ctx context.Context, id int64) error {
	return r.s.atomic(ctx, func(tx *Store) error {
		db := tx.write.WithContext(ctx)
		var record domainRow
		if err := db.Clauses(forUpdate).Take(&record, id).Error; err != nil {
			return translate(err, faults{})
		}
		var used []int64
		if err := db.Raw("SELECT device_id FROM device_terms WHERE term = ? LIMIT 1", "d:"+record.NameKey).Scan(&used).Error; err != nil {
			return err
		}
		if len(used) == 0 { // imports that were decided may put devices into it
			if err := db.Raw("SELECT id FROM device_imports WHERE decided LIMIT 1").Scan(&used).Error; err != nil {
				return err
			}
		}
		if len(used) > 0 {
			return domain.Fault(domain.Rule, "id", domain.ReasonInUse)
		}
		return changedOne(db.Delete(&domainRow{}, id), faults{})
	})
}

type nonces struct{ s *Store }

const spendNonce = "INSERT INTO nonces (public_key, token, at, nonce) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"

// Spend implements domain.Nonces.
func (r nonces) Spend(ctx context.Context, n domain.Nonce) error {
	args := []any{n.Key, n.Token, micro(n.At), n.Value}
	if r.s.engine == SQLite && r.s.inTx {
		done, err := r.s.execDirect(ctx, spendNonce, args...)
		if err != nil {
			return err
		}
		spent, err := done.RowsAffected()
		if err == nil && spent == 0 {
			err = usedNonce()
		}
		return err
	}
	done := r.s.write.WithContext(ctx).Exec(spendNonce, args...)
	if done.Error == nil && done.RowsAffected == 0 {
		return usedNonce()
	}
	return done.Error
}

func usedNonce() error { return domain.Fault(domain.Duplicated, "oauth_nonce", domain.ReasonNonce) }

// Purge implements domain.Nonces.
func (r nonces) Purge(ctx context.Context, before time.Time, keep time.Duration) error {
	var newest []time.Time
	err := returned(ctx, r.s.read, "SELECT at FROM nonces ORDER BY at DESC LIMIT 1", nil, func(scan func(...any) error) error {
		var at time.Time
		err := scan(&at)
		newest = append(newest, at)
		return err
	})
	if err != nil || len(newest) == 0 {
		return err
	}
	if kept := newest[0].Add(-keep); kept.Before(before) {
		before = kept
	}
	return r.s.write.WithContext(ctx).Exec("DELETE FROM nonces WHERE at < ?", micro(before)).Error
}
