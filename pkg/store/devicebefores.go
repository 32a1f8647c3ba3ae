package store

import (
	"context"
	"strings"

	"gorm.io/gorm"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// An import of many devices is stored in parts, and seen when it is finished: until then its
// devices are marked by its id, and what those were like that it has changed is in device_befores.
// Who changes such a device meanwhile changes what is stored, and takes the mark away.
const (
	// notSeenYet is whether an import that goes on has made or changed the device.
	notSeenYet = "(import_id <> 0 AND import_id IN (SELECT i.id FROM device_imports i))"
	// anyBefores is whether lists have to look for devices as they were.
	anyBefores = "EXISTS (SELECT 1 FROM device_befores)"
	// stillMarked is of a device as it was, that it has to be seen so.
	stillMarked = "import_id IN (SELECT i.id FROM device_imports i) AND " +
		"EXISTS (SELECT 1 FROM devices d WHERE d.id = device_befores.id AND d.import_id = device_befores.import_id)"
	// keptBefore are the columns of both tables.
	keptBefore = "id, hostname, hostname_key, ip, model_ref, type_ref, vendor_ref, site_ref, domains, connectivities, remote, tags, enabled, creator_id, " +
		"revision, created_at, updated_at"
)

var (
	keepOne = "INSERT INTO device_befores (import_id, " + keptBefore + ", terms) SELECT ?, " + keptBefore +
		", ? FROM devices WHERE id = ?"
	keepMany = "INSERT INTO device_befores (import_id, " + keptBefore + ", terms) SELECT $1::bigint, " + keptBefore +
		", terms FROM unnest($2::bigint[], $3::text[]) AS changed (id, terms) JOIN devices USING (id)"
)

// keepBefores keeps what devices are like that an import is about to change; all have the same.
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

// visible are devices as everybody sees them: those that an import that goes on has changed as they
// were, and without those that it has made.
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
	rest, err := r.among(ctx, "devices", hidden, "NOT "+notSeenYet) // what was finished in this moment
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

// visibleOne is visible of one device.
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

// listingBefore is listing for devices as they were before an import that goes on. There are few
// for a short time, so that no index is needed.
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

// anyBefore looks for itself where a page has no row to tell.
func (r devices) anyBefore(ctx context.Context) (found bool, err error) {
	err = scan(ctx, r.s.read, []any{&found}, "SELECT "+anyBefores)
	return found, err
}
