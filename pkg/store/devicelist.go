package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Page implements domain.Devices.
func (r devices) Page(ctx context.Context, filter domain.DeviceFilter, req domain.PageRequest) (domain.Page[domain.Device], error) {
	l, err := r.listing(ctx, filter)
	if err != nil {
		return domain.Page[domain.Device]{}, err
	}
	return page[namedRow, domain.Device](ctx, r.s.read, l, req)
}

// listing picks the index that the list is read from: one of a term if the filter has any, otherwise of a column. All other conditions are
// checked on each row.
func (r devices) listing(ctx context.Context, f domain.DeviceFilter) (listing, error) {
	l := deviceTable
	for _, text := range []string{f.Hostname, f.IP, f.Model, f.Type, f.Vendor, f.Site, f.Tag, f.Domain} {
		if !storable(text) {
			l.restrict("1 = 0")
			return l, nil
		}
	}
	terms, err := r.rarestFirst(ctx, filterTerms(f))
	if err != nil {
		return l, err
	}
	if len(terms) > 0 {
		l.table = "device_terms JOIN devices ON id = device_id"
		l.id = "device_id"
		r.drive(&l, "term", terms[0])
		for _, term := range terms[1:] {
			l.restrict("EXISTS (SELECT 1 FROM device_terms other WHERE other.term = ? AND other.device_id = id)", term)
		}
	}
	if f.IP != "" {
		r.drive(&l, "ip", f.IP)
	}
	for _, name := range []struct{ kind, label string }{{kindModel, f.Model}, {kindVendor, f.Vendor}, {kindSite, f.Site}, {kindType, f.Type}} {
		if name.label == "" {
			continue
		}
		id := nameID{name.kind, domain.NameKey(name.label)}
		found, err := r.s.selectNames(ctx, map[nameID]string{id: name.label})
		if err != nil {
			return l, err
		}
		r.drive(&l, name.kind+"_ref", found[id].ref) // 0 when there is none: no device has that
	}
	if f.Hostname != "" {
		l.restrict("hostname_key = ?", domain.NameKey(f.Hostname))
	}
	if f.Enabled != nil {
		l.restrict(map[bool]string{true: "enabled", false: "NOT enabled"}[*f.Enabled])
	}
	return l, nil
}

// drive adds a condition on a column that has an index with the id: the first leads the scan.
func (r devices) drive(l *listing, column string, value any) {
	if r.s.engine == Postgres && l.owner == nil {
		l.owner, l.ownerColumn = value, column
		return
	}
	l.restrict(column+" = ?", value)
}

// maxFilterWords bounds the conditions of a statement.
const maxFilterWords = 16

// manyOf is from how many devices on a term counts as frequent.
const manyOf = 200

// rarestFirst puts the term first that the fewest devices have, as far as a look at the beginning tells: the list is read from it.
func (r devices) rarestFirst(ctx context.Context, terms []string) ([]string, error) {
	if len(terms) < 2 {
		return terms, nil
	}
	counts := map[string]int{}
	for _, term := range terms {
		var n int
		query := fmt.Sprintf("SELECT count(*) FROM (SELECT 1 FROM device_terms WHERE term = ? LIMIT %d) AS beginning", manyOf)
		if err := scan(ctx, r.s.read, []any{&n}, query, term); err != nil {
			return nil, err
		}
		counts[term] = n
	}
	slices.SortStableFunc(terms, func(a, b string) int { return counts[a] - counts[b] })
	return terms, nil
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
