package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Page implements domain.Devices. While an import changes existing devices, the page is read a
// second time, with their earlier states among the other devices.
func (r devices) Page(
	ctx context.Context, filter domain.DeviceFilter, req domain.PageRequest,
) (domain.Page[domain.Device], error) {
	l, err := r.listing(ctx, filter, req.Cursor)
	if err != nil {
		return domain.Page[domain.Device]{}, err
	}
	changing, plain := false, l
	plain.columns, plain.more = l.columns+", "+anyBefores, []any{&changing}
	found, err := page[namedRow, domain.Device](ctx, r.s.read, plain, req)
	if err == nil && len(found.Items) == 0 {
		changing, err = r.anyBefore(ctx)
	}
	if err != nil || !changing {
		return found, err
	}
	before, err := r.listingBefore(ctx, filter)
	if err != nil {
		return found, err
	}
	l.also = &before
	return page[namedRow, domain.Device](ctx, r.s.read, l, req)
}

// IDs implements domain.Devices.
func (r devices) IDs(ctx context.Context, filter domain.DeviceFilter, cursor int64, n int) ([]int64, error) {
	l, err := r.listing(ctx, filter, cursor)
	if err != nil {
		return nil, err
	}
	changing := false
	ids, err := r.readIDs(ctx, l, l.idColumn()+", "+anyBefores, cursor, n, &changing)
	if err == nil && len(ids) == 0 {
		changing, err = r.anyBefore(ctx)
	}
	if err != nil || !changing {
		return ids, err
	}
	before, err := r.listingBefore(ctx, filter)
	if err != nil {
		return nil, err
	}
	l.also = &before
	return r.readIDs(ctx, l, l.idColumn(), cursor, n)
}

func (r devices) readIDs(
	ctx context.Context, l listing, selected string, cursor int64, n int, more ...any,
) (ids []int64, err error) {
	query, args := l.after(selected, cursor, n)
	err = returned(ctx, r.s.read, query, args, func(scan func(...any) error) error {
		var id int64
		err := scan(append([]any{&id}, more...)...)
		ids = append(ids, id)
		return err
	})
	return ids, err
}

// finishedImport excludes the devices of unfinished imports: a list shows all changes of an import
// or none.
const finishedImport = "(import_id = 0 OR import_id NOT IN (SELECT i.id FROM device_imports i))"

// listing chooses the index that the list is read from: that of a term if the filter has terms,
// otherwise that of a column. All other conditions are checked on each row.
func (r devices) listing(ctx context.Context, f domain.DeviceFilter, cursor int64) (listing, error) {
	l := deviceTable
	l.shown = finishedImport
	for _, text := range []string{f.Hostname, f.IP, f.Model, f.Type, f.Vendor, f.Site, f.Tag, f.Domain} {
		if !storable(text) {
			l.restrict("1 = 0")
			return l, nil
		}
	}
	terms, err := r.rarestFirst(ctx, filterTerms(f), cursor)
	if err != nil {
		return l, err
	}
	if len(terms) > 0 {
		r.driveByTerms(&l, terms)
		rest := f
		if rest.Text, rest.Tag, rest.Domain = "", "", ""; rest == (domain.DeviceFilter{}) {
			l.keyTable = "device_terms"
		}
	}
	return l, r.restrictColumns(ctx, f, func(column string, value any) { r.drive(&l, column, value) }, &l)
}

// restrictColumns adds the conditions on columns. It calls equal for a column that has an index.
func (r devices) restrictColumns(
	ctx context.Context, f domain.DeviceFilter, equal func(column string, value any), l *listing,
) error {
	if f.CreatorID != 0 {
		equal("creator_id", f.CreatorID)
	}
	if f.IP != "" {
		equal("ip", f.IP)
	}
	for _, name := range []struct{ kind, label string }{
		{kindModel, f.Model}, {kindVendor, f.Vendor}, {kindSite, f.Site}, {kindType, f.Type},
	} {
		if name.label == "" {
			continue
		}
		id := nameID{name.kind, domain.NameKey(name.label)}
		found, err := r.s.selectNames(ctx, map[nameID]string{id: name.label})
		if err != nil {
			return err
		}
		equal(name.kind+"_ref", found[id].ref) // 0 when there is no such name: no device has that reference
	}
	if f.Hostname != "" {
		l.restrict("hostname_key = ?", domain.NameKey(f.Hostname))
	}
	if f.Enabled != nil {
		l.restrict(map[bool]string{true: "enabled", false: "NOT enabled"}[*f.Enabled])
	}
	return nil
}

// hasTerm is the condition that a device has a term. No planner makes a join of this form, or takes
// it to be rarely true.
const hasTerm = "(SELECT 1 FROM device_terms other WHERE other.term = ? AND other.device_id = device_terms.device_id) IS NOT NULL"

// driveByTerms reads the list from the index of the first term.
func (r devices) driveByTerms(l *listing, terms []string) {
	l.table, l.id = "device_terms JOIN devices ON id = device_id", "device_id"
	r.drive(l, "term", terms[0])
	for _, term := range terms[1:] {
		l.restrict(hasTerm, term)
	}
}

// drive adds a condition on a column that has an index with the id. The first one decides from
// which index the list is read.
func (r devices) drive(l *listing, column string, value any) {
	if r.s.engine == Postgres && len(l.owners) == 0 {
		l.owners, l.ownerColumns = []any{value}, []string{column}
		return
	}
	l.restrict(column+" = ?", value)
}

// maxFilterWords is how many words of a filter are used: it bounds the length of a statement.
const maxFilterWords = 16

// lookAround is how many devices of a term rarestFirst reads on each side of the cursor.
const lookAround = 16

// rarestFirst moves to the front the term whose devices around the cursor are the farthest apart:
// the list is read from its index. It takes the same time however many devices there are.
func (r devices) rarestFirst(ctx context.Context, terms []string, cursor int64) ([]string, error) {
	if len(terms) < 2 {
		return terms, nil
	}
	var looks []string
	var args []any
	for i, term := range terms {
		for side, direction := range []string{"> ? ORDER BY device_id", "<= ? ORDER BY device_id DESC"} {
			looks = append(looks, fmt.Sprintf(`SELECT %d AS place, %d AS side, count(*) AS found, COALESCE(min(device_id), 0) AS low, COALESCE(max(device_id), 0) AS high
				FROM (SELECT device_id FROM device_terms WHERE term = ? AND device_id %s LIMIT %d) AS look%d%d`, i, side, direction, lookAround, i, side))
			args = append(args, term, cursor)
		}
	}
	reach := map[string]int64{}
	err := returned(ctx, r.s.read, strings.Join(looks, " UNION ALL "), args, func(scan func(...any) error) error {
		var place, side, found, low, high int64
		err := scan(&place, &side, &found, &low, &high)
		distance := []int64{high - cursor, cursor - low}[side]
		if found < lookAround { // there are no more, so it is rarer than a term that has more; the fewer, the rarer
			distance = domain.MaxID - found
		}
		reach[terms[place]] += distance
		return err
	})
	slices.SortStableFunc(terms, func(a, b string) int { return cmp.Compare(reach[b], reach[a]) })
	return terms, err
}

func filterTerms(f domain.DeviceFilter) []string {
	var terms []string
	words := domain.Words(f.Text)
	for _, word := range words[:min(len(words), maxFilterWords)] {
		terms = append(terms, "w:"+word)
	}
	if f.Tag != "" {
		terms = append(terms, "t:"+domain.NameKey(f.Tag))
	}
	if f.Domain != "" {
		terms = append(terms, "d:"+domain.NameKey(f.Domain))
	}
	return terms
}
