package store_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// deviceFillers insert the devices. Of each kind of name one is on nearly all devices, one on a
// thousandth of them, and one on the last hundred; so it is with tags, domains and words. One
// device in a hundred is disabled.
var deviceFillers = map[store.Engine][]string{
	store.Postgres: append(deviceFills("generate_series(1, %d) n(i)", "", "now()"), "ANALYZE"),
	store.SQLite: deviceFills(
		"n", "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i+1 FROM n WHERE i < %d) ", "'2026-01-01'",
	),
}

func deviceFills(series, with, now string) []string {
	from := func(rows int) (string, string) {
		fill := func(text string) string {
			if strings.Contains(text, "%d") {
				return fmt.Sprintf(text, rows)
			}
			return text
		}
		return fill(with), fill(series)
	}
	names, nameSeries := from(12)
	all, series := from(plannedRows)
	class := fmt.Sprintf("CASE WHEN i > %d THEN 3 WHEN i%%1000 = 0 THEN 2 ELSE 1 END", plannedRows-100)
	statements := []string{
		names + `INSERT INTO device_names (ref, kind, label, label_key) SELECT i, CASE (i-1)/3 WHEN 0 THEN 'model' WHEN 1 THEN 'type' WHEN 2 THEN 'vendor' ELSE 'site' END,
			'name'||((i-1)%3+1), 'name'||((i-1)%3+1) FROM ` + nameSeries,
		all + `INSERT INTO devices (id, hostname, hostname_key, ip, model_ref, type_ref, vendor_ref, site_ref, domains, connectivities, remote, tags, enabled,
			creator_id, created_at, updated_at) SELECT i, 'host-'||i, 'host-'||i, 'name'||` + class + `, ` + class + `, 3+` + class + `, 6+` + class + `, 9+` + class + `,
			'[]', '[]', '[]', '[]', i%100 <> 0, ` + class + `, ` + now + `, ` + now + ` FROM ` + series,
	}
	for _, prefix := range []string{"w:", "t:", "d:"} {
		statements = append(
			statements, all+`INSERT INTO device_terms (term, device_id) SELECT '`+prefix+`name'||`+class+`, i FROM `+
				series,
		)
	}
	return append(statements, all+`INSERT INTO device_terms (term, device_id) SELECT 'w:'||i, i FROM `+series)
}

// TestDevices_Page_Plans: a page by one filter scans one index, and so does the cursor of the page
// before it, wherever the devices lie that it selects.
func TestDevices_Page_Plans(t *testing.T) {
	t.Parallel()
	for name, location := range locations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := filled(t, location(t), deviceFillers)
			var query string
			var values []any
			if err := s.OnQuery(func(q string, v []any) {
				if q != "SELECT EXISTS (SELECT 1 FROM device_befores)" { // which has few rows, if any
					query, values = q, v
				}
			}); err != nil {
				t.Fatal(err)
			}
			for _, filter := range deviceFilters() {
				for _, cursor := range []int64{0, plannedRows / 2, plannedRows} {
					if _, err := s.Devices().
						Page(t.Context(), filter, domain.PageRequest{Cursor: cursor, Size: 15}); err != nil {
						t.Fatal(err)
					}
					if plan := explain(t, s, query, values); !plannedDevices[s.Engine()](plan) {
						t.Errorf("filter %+v, cursor %d: %s %v\n%s", filter, cursor, query, values, plan)
					}
				}
			}
		})
	}
}

func deviceFilters() []domain.DeviceFilter {
	all := []domain.DeviceFilter{{}, {Hostname: "host-777"}, {Hostname: "nobody"}, {Enabled: new(true)},
		{Enabled: new(false)}, {Text: "777"},
		{CreatorID: 1}, {CreatorID: 2}, {CreatorID: 3}, {CreatorID: 4},
		{Text: "777 name1"}, {Text: "name1 777"}, {Tag: "name1", Text: "name1"}, {Tag: "name1", Text: "name2"}}
	for _, name := range []string{"name1", "name2", "name3", "none"} {
		all = append(all, domain.DeviceFilter{IP: name}, domain.DeviceFilter{Model: name},
			domain.DeviceFilter{Type: name}, domain.DeviceFilter{Vendor: name},
			domain.DeviceFilter{Site: name}, domain.DeviceFilter{Tag: name}, domain.DeviceFilter{Domain: name},
			domain.DeviceFilter{Text: name})
	}
	return all
}

// plannedDevices reports whether a plan is good: it sorts nothing, reads no large table as a whole,
// and no more than some pages of an index.
var plannedDevices = map[store.Engine]func(plan string) bool{
	store.Postgres: func(plan string) bool {
		if strings.Contains(plan, "devices_hostname_key") { // it finds a single row, which may be sorted
			plan = strings.ReplaceAll(plan, "Sort", "")
		}
		if regexp.MustCompile(`Sort|Seq Scan on device(s|_terms)|Bitmap|Hash|Merge`).MatchString(plan) {
			return false
		}
		for _, node := range regexp.MustCompile(`(?:rows=|Rows Removed by [a-zA-Z ]+: )(\d+)`).
			FindAllStringSubmatch(plan, -1) {
			if rows, err := strconv.Atoi(node[1]); err != nil || rows > 100 {
				return false
			}
		}
		return strings.Contains(plan, "actual rows=")
	},
	store.SQLite: func(plan string) bool {
		plan = strings.ReplaceAll(plan, "SCAN device_befores", "") // for EXISTS, which ends at the first row
		return !strings.Contains(plan, "TEMP B-TREE") && !strings.Contains(plan, "SCAN") &&
			regexp.MustCompile(`SEARCH device(s|_terms) USING`).MatchString(plan)
	},
}
