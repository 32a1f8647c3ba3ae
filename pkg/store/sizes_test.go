package store_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/store"
)

// TestTables_Bounded: docs/operations.md says of every table, on both databases, what bounds it,
// and of no other one. A new table needs a row there.
func TestTables_Bounded(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	section := regexp.MustCompile(`(?s)\n### Tables\n.*?\n##`).Find(text)
	told := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*`) \\| [^|]+ \\| [^|]+ \\|$").FindAllSubmatch(section, -1) {
		for _, name := range regexp.MustCompile("`([^`]+)`").FindAllSubmatch(row[1], -1) {
			told[string(name[1])] = true
		}
	}
	for engine, locate := range locations {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := openMigrated(t, locate(t))
			size, err := s.Censuses().Size(t.Context(), false)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(slices.Sorted(maps.Keys(told)), namesOf(size.Tables)); diff != "" {
				t.Errorf("docs/operations.md, Tables, and the database:\n%s", diff)
			}
		})
	}
}

func namesOf(tables []domain.TableSize) (names []string) {
	for _, one := range tables {
		names = append(names, one.Name)
	}
	return slices.Sorted(slices.Values(names))
}

// TestSize_SQLite: without reading the table, rows are never fewer than there are.
func TestSize_SQLite(t *testing.T) {
	t.Parallel()
	s := openMigrated(t, locations[string(store.SQLite)](t))
	execute(t, writer(t, s), "INSERT INTO throttles (bucket, empty_at) VALUES ('a', 1), ('b', 2), ('c', 3)")
	execute(t, writer(t, s), "DELETE FROM throttles WHERE bucket = 'b'")
	size, err := s.Censuses().Size(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range size.Tables {
		switch want := map[string]int64{"throttles": 3, "nonces": -1, "cas": 0}[one.Name]; one.Name {
		case "throttles", "nonces", "cas":
			if one.Rows != want || one.Bytes != -1 {
				t.Errorf("%+v, want %d rows", one, want)
			}
		}
	}
	if size.Free < 0 || size.Bytes < 4096 {
		t.Errorf("%d octets, %d free", size.Bytes, size.Free)
	}
}
