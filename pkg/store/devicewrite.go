package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

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
	// in the order in which Lock locks
	slices.SortFunc(values, func(a, b []any) int { return strings.Compare(a[1].(string), b[1].(string)) })
	ids := map[string]int64{}
	scan := func(scan func(...any) error) error {
		var id int64
		var key string
		err := scan(&id, &key)
		ids[key] = id
		return err
	}
	into := insertion{"devices", insertedDevice, " ON CONFLICT (hostname_key) DO NOTHING RETURNING id, hostname_key"}
	if len(list) > 0 && list[0].ImportID != 0 { // all devices of a call are of the same import
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
	slices.SortFunc(terms, func(a, b []any) int { // in the order of the index
		return cmp.Or(strings.Compare(a[0].(string), b[0].(string)), cmp.Compare(a[1].(int64), b[1].(int64)))
	})
	return lost, r.s.insertRows(ctx, insertion{"device_terms", "term, device_id", ""}, terms, nil)
}

// inserted are the values of insertedDevice. names are those that the statement needs for the four
// names.
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
	asked := slices.Clone(changes)
	return r.s.atomic(ctx, func(tx *Store) error {
		copy(changes, asked)
		return devices{tx}.update(ctx, changes)
	})
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
		done := r.s.write.WithContext(ctx).
			Exec("UPDATE devices SET "+updatedInBulk+", import_id = ? WHERE id = ?",
				append(row.updated(row.refs()), after[i].ImportID, row.ID)...)
		if err := changedOne(done, faults{}); err != nil {
			return err
		}
		if err := r.moveTerms(ctx, changes[i]); err != nil {
			return err
		}
	}
	return nil
}

// The assignments of an UPDATE. updatedInBulk checks the names by nameThere, updatedDevice by
// nameAsRead.
const (
	updatedInBulk = updatedBefore + "model_ref = " + nameThere + ", type_ref = " + nameThere + ", vendor_ref = " +
		nameThere + ", site_ref = " +
		nameThere + updatedBehind
	updatedDevice = updatedBefore + "model_ref = " + nameAsRead + ", type_ref = " + nameAsRead + ", vendor_ref = " +
		nameAsRead + ", site_ref = " +
		nameAsRead + updatedBehind
	updatedBefore = "hostname = ?, ip = ?, "
	updatedBehind = ", domains = ?, connectivities = ?, remote = ?, tags = ?, enabled = ?, updated_at = ?, revision = revision + 1"
)

// updated are the values of these assignments. names are those that the statement needs for the
// four names.
func (r deviceRow) updated(names []any) []any {
	return slices.Concat(
		[]any{r.Hostname, r.IP}, names, []any{r.Domains, r.Connectivities, r.Remote, r.Tags, r.Enabled, r.UpdatedAt},
	)
}

// movedTerms returns the terms that a change removes and those that it adds.
func movedTerms(c domain.DeviceChange) (gone, added []string) {
	if c.Created() {
		return nil, c.After.Terms()
	}
	before, after := c.Before.Terms(), c.After.Terms()
	without := func(list, other []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(term string) bool { return slices.Contains(other, term) })
	}
	return without(before, after), without(after, before)
}

func (r devices) moveTerms(ctx context.Context, c domain.DeviceChange) error {
	gone, added := movedTerms(c)
	if len(gone) > 0 {
		err := r.s.write.WithContext(ctx).
			Exec("DELETE FROM device_terms WHERE device_id = ? AND term IN ?", c.After.ID, gone).Error
		if err != nil {
			return err
		}
	}
	return r.s.insertRows(
		ctx, insertion{"device_terms", "term, device_id", " ON CONFLICT DO NOTHING"}, termRows(c.After.ID, added), nil,
	)
}

// rows returns the rows of devices. In a transaction it may respell their names, see use.
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
			ID: d.ID, Hostname: d.Hostname, HostnameKey: domain.NameKey(d.Hostname), IP: d.IP, Enabled: d.Enabled,
			CreatorID: d.CreatorID,
			CreatedAt: micro(d.CreatedAt), UpdatedAt: micro(d.UpdatedAt),
		}
		row.names = r.s.use(names, d)
		var faults [4]error
		row.Domains, faults[0] = storedList[string](d.Domains).text()
		row.Connectivities, faults[1] = storedList[storedConnectivity](each(d.Connectivities, toStoredConnectivity)).
			text()
		row.Remote, faults[2] = storedList[storedRemote](each(d.Remote, toStoredRemote)).text()
		row.Tags, faults[3] = storedList[string](d.Tags).text()
		if err := errors.Join(faults[:]...); err != nil {
			return nil, err
		}
		rows[i] = row
	}
	return rows, nil
}
