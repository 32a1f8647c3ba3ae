package store

import (
	"context"
	"strings"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// An import of many devices is stored in parts, and becomes visible as a whole when it is finished.
// Until then the devices that it has created or changed have its id in import_id, and
// device_befores has the earlier states of those that it has changed. When somebody else changes
// such a device meanwhile, import_id is reset: the stored device becomes visible.
const (
	// notSeenYet tells whether an unfinished import has created or changed the device.
	notSeenYet = "(import_id <> 0 AND import_id IN (SELECT i.id FROM device_imports i))"
	// anyBefores tells whether lists have to look for earlier states.
	anyBefores = "EXISTS (SELECT 1 FROM device_befores)"
	// stillMarked is the condition that readers see an earlier state and not the stored device.
	stillMarked = "import_id IN (SELECT i.id FROM device_imports i) AND " +
		"EXISTS (SELECT 1 FROM devices d WHERE d.id = device_befores.id AND d.import_id = device_befores.import_id)"
	// keptBefore are the columns that devices and device_befores share.
	keptBefore = "id, hostname, hostname_key, ip, model_ref, type_ref, vendor_ref, site_ref, domains, connectivities, remote, tags, enabled, creator_id, " +
		"revision, created_at, updated_at"
)

var (
	keepOne = "INSERT INTO device_befores (import_id, " + keptBefore + ", terms) SELECT ?, " + keptBefore +
		", ? FROM devices WHERE id = ?"
	keepMany = "INSERT INTO device_befores (import_id, " + keptBefore + ", terms) SELECT $1::bigint, " + keptBefore +
		", terms FROM unnest($2::bigint[], $3::text[]) AS changed (id, terms) JOIN devices USING (id)"
)

// keepBefores stores the earlier states of devices that an import is about to change. All changes
// are of the same import, or of none.
func (r devices) keepBefores(ctx context.Context, changes []domain.DeviceChange) error {
	if len(changes) == 0 || changes[0].After.ImportID == 0 {
		return nil
	}
	importID := changes[0].After.ImportID
	ids, terms := make([]int64, len(changes)), make([]string, len(changes))
	for i, c := range changes {
		ids[i], terms[i] = c.Before.ID, "\n"+strings.Join(c.Before.Terms(), "\n")+"\n"
	}
	if r.s.engine == Postgres {
		_, err := r.s.execDirect(ctx, keepMany, importID, ids, terms)
		return err
	}
	for i := range ids {
		if _, err := r.s.execDirect(ctx, keepOne, importID, terms[i], ids[i]); err != nil {
			return err
		}
	}
	return nil
}

// visible returns devices as readers see them: one that an unfinished import has changed is
// replaced by its earlier state, and one that it has created is left out.
func (r devices) visible(ctx context.Context, rows []namedRow) ([]domain.Device, error) {
	list, hidden := make([]domain.Device, 0, len(rows)), map[int64]bool{}
	for i := range rows {
		if rows[i].Unseen {
			hidden[rows[i].ID] = true
		} else {
			list = append(list, rows[i].entity())
		}
	}
	if len(hidden) == 0 {
		return list, nil
	}
	before, err := r.among(ctx, "device_befores", hidden, stillMarked)
	for i := range before {
		delete(hidden, before[i].ID)
		d := before[i].entity()
		d.Earlier = true
		list = append(list, d)
	}
	if err != nil || len(hidden) == 0 {
		return list, err
	}
	rest, err := r.among(ctx, "devices", hidden, "NOT "+notSeenYet) // whose import has finished meanwhile
	for i := range rest {
		list = append(list, rest[i].entity())
	}
	return list, err
}

func (r devices) among(ctx context.Context, table string, ids map[int64]bool, condition string) ([]namedRow, error) {
	list := make([]int64, 0, len(ids))
	for id := range ids {
		list = append(list, id)
	}
	query := "SELECT " + deviceColumns + " FROM " + table + " WHERE id IN ? AND " + condition
	return find[namedRow, domain.Device](ctx, r.s.read, query, []any{list})
}

// visibleOne is visible for one device. Errors: Missing.
func (r devices) visibleOne(ctx context.Context, column string, value any) (domain.Device, error) {
	rows, err := find[namedRow, domain.Device](
		ctx, r.s.read, "SELECT "+deviceColumns+" FROM devices WHERE "+column+" = ?", []any{value},
	)
	if err != nil {
		return domain.Device{}, err
	}
	list, err := r.visible(ctx, rows)
	if err == nil && len(list) == 0 {
		err = translate(gorm.ErrRecordNotFound, faults{})
	}
	if err != nil {
		return domain.Device{}, err
	}
	return list[0], nil
}

// listingBefore is listing for earlier states of devices. There are few of them, for a short time,
// so it needs no index.
func (r devices) listingBefore(ctx context.Context, f domain.DeviceFilter) (listing, error) {
	l := listing{table: "device_befores", columns: deviceColumns}
	l.restrict(stillMarked)
	for _, term := range filterTerms(f) {
		l.restrict(
			map[Engine]string{SQLite: "instr(terms, ?) > 0", Postgres: "strpos(terms, ?) > 0"}[r.s.engine],
			"\n"+term+"\n",
		)
	}
	return l, r.restrictColumns(ctx, f, func(column string, value any) { l.restrict(column+" = ?", value) }, &l)
}

// anyBefore reads anyBefores by a query of its own, for a page that has no row to return it with.
func (r devices) anyBefore(ctx context.Context) (found bool, err error) {
	err = scan(ctx, r.s.read, []any{&found}, "SELECT "+anyBefores)
	return found, err
}
