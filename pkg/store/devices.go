package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// deviceRow is a row of devices. Its names and lists are used only when it is written; when it is
// read, they are in namedRow.
type deviceRow struct {
	ID             int64 `gorm:"primaryKey"`
	Hostname       string
	HostnameKey    string
	IP             string
	names          []nameUse // of model, type, vendor and site
	Domains        string    // JSON, like all lists
	Connectivities string
	Remote         string
	Tags           string
	Enabled        bool
	CreatorID      int64
	Revision       int64
	CreatedAt      time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt      time.Time `gorm:"autoUpdateTime:false"`
}

func (deviceRow) TableName() string { return "devices" }

// namedRow is a device as it is read, with the labels of its names.
type namedRow struct {
	deviceRow
	Model, Type, Vendor, Site string
	Unseen                    bool
	lists                     deviceLists
}

// deviceLists are the lists of a device that is read.
type deviceLists struct {
	domains, tags  storedList[string]
	connectivities storedList[storedConnectivity]
	remote         storedList[storedRemote]
}

// deviceColumns selects the names by subqueries: with joins a planner may begin at the names.
const (
	deviceColumns = "id, hostname, ip, " + nameOf + "model_ref" + orNoName + ", " + nameOf + "type_ref" + orNoName +
		", " +
		nameOf + "vendor_ref" + orNoName + ", " + nameOf + "site_ref" + orNoName + ", " +
		"domains, connectivities, remote, tags, enabled, creator_id, revision, created_at, updated_at, " + notSeenYet
	nameOf   = "COALESCE((SELECT label FROM device_names WHERE ref = "
	orNoName = "), '')" // a device can be read although a name is missing
)

func (r *namedRow) key() *int64 { return &r.ID }

func (r *namedRow) fields() []any {
	return []any{
		&r.ID, &r.Hostname, &r.IP, &r.Model, &r.Type, &r.Vendor, &r.Site, &r.lists.domains, &r.lists.connectivities,
		&r.lists.remote, &r.lists.tags, &r.Enabled,
		&r.CreatorID, &r.Revision, &r.CreatedAt, &r.UpdatedAt, &r.Unseen,
	}
}

func (r *namedRow) entity() domain.Device {
	return domain.Device{
		ID: r.ID, Hostname: r.Hostname, IP: r.IP, Model: r.Model, Type: r.Type, Vendor: r.Vendor, Site: r.Site,
		Domains: r.lists.domains, Connectivities: each(r.lists.connectivities, storedConnectivity.entity),
		Remote: each(r.lists.remote, storedRemote.entity), Tags: r.lists.tags, Enabled: r.Enabled,
		CreatorID: r.CreatorID, Revision: r.Revision, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
}

type devices struct{ s *Store }

var deviceTable = listing{table: "devices", columns: deviceColumns}

// Get implements domain.Devices.
func (r devices) Get(ctx context.Context, id int64) (domain.Device, error) {
	return r.visibleOne(ctx, "id", id)
}

// Named implements domain.Devices.
func (r devices) Named(ctx context.Context, hostname string) (domain.Device, error) {
	if !storable(hostname) {
		return domain.Device{}, translate(gorm.ErrRecordNotFound, faults{})
	}
	return r.visibleOne(ctx, "hostname_key", domain.NameKey(hostname))
}

// Stored implements domain.Devices.
func (r devices) Stored(ctx context.Context, hostname string) (domain.Device, error) {
	found, err := r.named(ctx, r.s.read, keysOf([]string{hostname}))
	if err != nil {
		return domain.Device{}, err
	}
	device, ok := found[domain.NameKey(hostname)]
	if !ok {
		err = translate(gorm.ErrRecordNotFound, faults{})
	}
	return device, err
}

// Some implements domain.Devices.
func (r devices) Some(ctx context.Context, ids []int64) ([]domain.Device, error) {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	var list []domain.Device
	for batch := range slices.Chunk(ids, insertBatch) {
		rows, err := find[namedRow, domain.Device](
			ctx, r.s.read, "SELECT "+deviceColumns+" FROM devices WHERE id IN ?", []any{batch},
		)
		if err != nil {
			return nil, err
		}
		some, err := r.visible(ctx, rows)
		if err != nil {
			return nil, err
		}
		list = append(list, some...)
	}
	slices.SortFunc(list, func(a, b domain.Device) int { return cmp.Compare(a.ID, b.ID) })
	return list, nil
}

// lockDevices locks by ascending key, so that transactions can't deadlock.
const lockDevices = `SELECT hostname_key FROM devices WHERE hostname_key IN ? ORDER BY hostname_key COLLATE "C" FOR UPDATE`

// Lock implements domain.Devices. On PostgreSQL one statement locks the devices, and another reads
// them: a single statement would read the names as they were before it waited. On SQLite there is
// nothing to lock: there is one writer.
func (r devices) Lock(ctx context.Context, hostnames []string) (map[string]domain.Device, error) {
	keys := keysOf(hostnames)
	if r.s.engine == Postgres {
		slices.Sort(keys)
		var present []string
		for batch := range slices.Chunk(keys, insertBatch) {
			var locked []string
			if err := r.s.write.WithContext(ctx).Raw(lockDevices, batch).Scan(&locked).Error; err != nil {
				return nil, err
			}
			present = append(present, locked...)
		}
		keys = present
	}
	return r.named(ctx, r.s.write, keys)
}

func (r devices) named(ctx context.Context, db *gorm.DB, keys []string) (map[string]domain.Device, error) {
	found := map[string]domain.Device{}
	for batch := range slices.Chunk(keys, insertBatch) {
		rows, err := find[namedRow, domain.Device](
			ctx, db, "SELECT "+deviceColumns+" FROM devices WHERE hostname_key IN ?", []any{batch},
		)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			found[domain.NameKey(rows[i].Hostname)] = rows[i].entity()
		}
	}
	return found, nil
}

// keysOf are the keys of names, without those that no database can hold.
func keysOf(names []string) []string {
	keys := make([]string, 0, len(names))
	for _, name := range names {
		if storable(name) {
			keys = append(keys, domain.NameKey(name))
		}
	}
	return keys
}
