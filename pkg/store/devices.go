package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// deviceRow is a device as the table has it; names are references.
type deviceRow struct {
	ID             int64 `gorm:"primaryKey"`
	Hostname       string
	HostnameKey    string
	IP             string
	names          []nameUse // four, of a row that is written; a row that is read has none
	Domains        string    // JSON, as all lists
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

// namedRow is a device as it is read: with its names.
type namedRow struct {
	deviceRow
	Model, Type, Vendor, Site string
	Unseen                    bool
}

// deviceColumns reads the names of each row by themselves: with joins a planner may begin at the names.
const (
	deviceColumns = "id, hostname, ip, " + nameOf + "model_ref" + orNoName + ", " + nameOf + "type_ref" + orNoName + ", " +
		nameOf + "vendor_ref" + orNoName + ", " + nameOf + "site_ref" + orNoName + ", " +
		"domains, connectivities, remote, tags, enabled, creator_id, revision, created_at, updated_at, " + notSeenYet
	nameOf   = "COALESCE((SELECT label FROM device_names WHERE ref = "
	orNoName = "), '')" // a list is read also where a name is missing
)

func (r *namedRow) key() int64 { return r.ID }

func (r *namedRow) fields() []any {
	return []any{
		&r.ID, &r.Hostname, &r.IP, &r.Model, &r.Type, &r.Vendor, &r.Site, &r.Domains, &r.Connectivities, &r.Remote, &r.Tags, &r.Enabled,
		&r.CreatorID, &r.Revision, &r.CreatedAt, &r.UpdatedAt, &r.Unseen,
	}
}

func (r *namedRow) entity() domain.Device {
	return domain.Device{
		ID: r.ID, Hostname: r.Hostname, IP: r.IP, Model: r.Model, Type: r.Type, Vendor: r.Vendor, Site: r.Site,
		Domains: readList[string](r.Domains), Connectivities: readList[domain.Connectivity](r.Connectivities),
		Remote: readList[domain.RemoteExpression](r.Remote), Tags: readList[string](r.Tags), Enabled: r.Enabled,
		CreatorID: r.CreatorID, Revision: r.Revision, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
}

// readList reads what writeList wrote; anything else is an empty list.
func readList[T any](text string) []T {
	var list []T
	_ = json.Unmarshal([]byte(text), &list)
	return list
}

func writeList[T any](list []T) (string, error) {
	if len(list) == 0 {
		return "[]", nil
	}
	text, err := json.Marshal(list)
	return string(text), err
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
	var list []domain.Device
	for batch := range slices.Chunk(ids, insertBatch) {
		rows, err := find[namedRow, domain.Device](ctx, r.s.read, "SELECT "+deviceColumns+" FROM devices WHERE id IN ?", []any{batch})
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

// lockDevices locks in an order that all share, so that nobody waits for one who waits for them.
const lockDevices = `SELECT hostname_key FROM devices WHERE hostname_key IN ? ORDER BY hostname_key COLLATE "C" FOR UPDATE`

// Lock implements domain.Devices. PostgreSQL reads the devices after it has locked them: one statement for both would miss those whose names
// are changed while it waits. SQLite has one writer.
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
		rows, err := find[namedRow, domain.Device](ctx, db, "SELECT "+deviceColumns+" FROM devices WHERE hostname_key IN ?", []any{batch})
		if err != nil {
			return nil, err
		}
		for i := range rows {
			found[domain.NameKey(rows[i].Hostname)] = rows[i].entity()
		}
	}
	return found, nil
}

// keysOf are the keys of names, without those that no row can have.
func keysOf(names []string) []string {
	keys := make([]string, 0, len(names))
	for _, name := range names {
		if storable(name) {
			keys = append(keys, domain.NameKey(name))
		}
	}
	return keys
}

// Insert implements domain.Devices.
func (r devices) Insert(ctx context.Context, list []domain.Device) (lost []int, err error) {
	err = r.s.atomic(ctx, func(tx *Store) error {
		lost, err = devices{tx}.insert(ctx, list)
		return err
	})
	return lost, err
}

const insertedDevice = "hostname, hostname_key, ip, model_ref, type_ref, vendor_ref, site_ref, domains, connectivities, remote, tags, enabled, creator_id, revision, created_at, updated_at"

func (r devices) insert(ctx context.Context, list []domain.Device) (lost []int, err error) {
	rows, err := r.rows(ctx, list)
	if err != nil {
		return nil, err
	}
	values := make([][]any, len(rows))
	for i, row := range rows {
		values[i] = row.inserted(row.refs())
	}
	slices.SortFunc(values, func(a, b []any) int { return strings.Compare(a[1].(string), b[1].(string)) }) // as Lock does
	ids := map[string]int64{}
	scan := func(scan func(...any) error) error {
		var id int64
		var key string
		err := scan(&id, &key)
		ids[key] = id
		return err
	}
	into := insertion{"devices", insertedDevice, " ON CONFLICT (hostname_key) DO NOTHING RETURNING id, hostname_key"}
	if len(list) > 0 && list[0].ImportID != 0 { // of one that inserts many all have the same
		into.columns += ", import_id"
		for i := range values {
			values[i] = append(values[i], list[0].ImportID)
		}
	}
	if err := r.s.insertRows(ctx, into, values, scan); err != nil {
		return nil, err
	}
	var terms [][]any
	for i := range list {
		id, stored := ids[rows[i].HostnameKey]
		if !stored {
			lost = append(lost, i)
			continue
		}
		list[i].ID, list[i].Revision = id, 1
		terms = append(terms, termRows(id, list[i].Terms())...)
	}
	slices.SortFunc(terms, func(a, b []any) int { // as the index has them
		return cmp.Or(strings.Compare(a[0].(string), b[0].(string)), cmp.Compare(a[1].(int64), b[1].(int64)))
	})
	return lost, r.s.insertRows(ctx, insertion{"device_terms", "term, device_id", ""}, terms, nil)
}

// inserted are the values of insertedDevice, with what the statement needs for the names.
func (r deviceRow) inserted(names []any) []any {
	return slices.Concat([]any{r.Hostname, r.HostnameKey, r.IP}, names, []any{
		r.Domains, r.Connectivities, r.Remote, r.Tags, r.Enabled, r.CreatorID, int64(1), r.CreatedAt, r.UpdatedAt,
	})
}

func termRows(id int64, terms []string) [][]any {
	rows := make([][]any, len(terms))
	for i, term := range terms {
		rows[i] = []any{term, id}
	}
	return rows
}

// Update implements domain.Devices.
func (r devices) Update(ctx context.Context, changes []domain.DeviceChange) error {
	return r.s.atomic(ctx, func(tx *Store) error { return devices{tx}.update(ctx, changes) })
}

func (r devices) update(ctx context.Context, changes []domain.DeviceChange) error {
	after := make([]domain.Device, len(changes))
	for i, change := range changes {
		after[i] = change.After
	}
	rows, err := r.rows(ctx, after)
	if err != nil {
		return err
	}
	if err := r.keepBefores(ctx, changes); err != nil {
		return err
	}
	for i, row := range rows {
		changes[i].After = after[i]
		changes[i].After.Revision++
		done := r.s.write.WithContext(ctx).Exec("UPDATE devices SET "+updatedInBulk+", import_id = ? WHERE id = ?", append(row.updated(row.refs()), after[i].ImportID, row.ID)...)
		if err := changedOne(done, faults{}); err != nil {
			return err
		}
		if err := r.moveTerms(ctx, changes[i]); err != nil {
			return err
		}
	}
	return nil
}

// What a change writes, with the references of names checked by nameThere or by nameAsRead.
const (
	updatedInBulk = updatedBefore + "model_ref = " + nameThere + ", type_ref = " + nameThere + ", vendor_ref = " + nameThere + ", site_ref = " +
		nameThere + updatedBehind
	updatedDevice = updatedBefore + "model_ref = " + nameAsRead + ", type_ref = " + nameAsRead + ", vendor_ref = " + nameAsRead + ", site_ref = " +
		nameAsRead + updatedBehind
	updatedBefore = "hostname = ?, ip = ?, "
	updatedBehind = ", domains = ?, connectivities = ?, remote = ?, tags = ?, enabled = ?, updated_at = ?, revision = revision + 1"
)

// updated are the values of a change, with what the statement needs for the names.
func (r deviceRow) updated(names []any) []any {
	return slices.Concat([]any{r.Hostname, r.IP}, names, []any{r.Domains, r.Connectivities, r.Remote, r.Tags, r.Enabled, r.UpdatedAt})
}

// movedTerms are the terms that a change takes away and those that it adds.
func movedTerms(c domain.DeviceChange) (gone, added []string) {
	before, after := c.Before.Terms(), c.After.Terms()
	without := func(list, other []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(term string) bool { return slices.Contains(other, term) })
	}
	return without(before, after), without(after, before)
}

func (r devices) moveTerms(ctx context.Context, c domain.DeviceChange) error {
	gone, added := movedTerms(c)
	if len(gone) > 0 {
		err := r.s.write.WithContext(ctx).Exec("DELETE FROM device_terms WHERE device_id = ? AND term IN ?", c.After.ID, gone).Error
		if err != nil {
			return err
		}
	}
	return r.s.insertRows(ctx, insertion{"device_terms", "term, device_id", " ON CONFLICT DO NOTHING"}, termRows(c.After.ID, added), nil)
}

// rows makes the rows of devices, and sets the spelling of their names.
func (r devices) rows(ctx context.Context, list []domain.Device) ([]deviceRow, error) {
	pointers := make([]*domain.Device, len(list))
	for i := range list {
		pointers[i] = &list[i]
	}
	names, err := r.s.names(ctx, pointers)
	if err != nil {
		return nil, err
	}
	rows := make([]deviceRow, len(list))
	for i := range list {
		d := &list[i]
		row := deviceRow{
			ID: d.ID, Hostname: d.Hostname, HostnameKey: domain.NameKey(d.Hostname), IP: d.IP, Enabled: d.Enabled, CreatorID: d.CreatorID,
			CreatedAt: micro(d.CreatedAt), UpdatedAt: micro(d.UpdatedAt),
		}
		row.names = r.s.use(names, d)
		var faults [4]error
		row.Domains, faults[0] = writeList(d.Domains)
		row.Connectivities, faults[1] = writeList(d.Connectivities)
		row.Remote, faults[2] = writeList(d.Remote)
		row.Tags, faults[3] = writeList(d.Tags)
		if err := errors.Join(faults[:]...); err != nil {
			return nil, err
		}
		rows[i] = row
	}
	return rows, nil
}
