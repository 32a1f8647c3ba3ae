package db_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/db"
)

// migrations returns the names of the files of one database, in their order.
func migrations(t *testing.T, database string) []string {
	t.Helper()
	paths, err := fs.Glob(db.Migrations, "migrations/"+database+"/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(paths))
	for i, p := range paths {
		names[i] = path.Base(p)
	}
	return names
}

// TestMigrations_Both: both databases have the same migrations, each with a number of its own.
func TestMigrations_Both(t *testing.T) {
	t.Parallel()
	all := migrations(t, "postgres")
	if len(all) == 0 {
		t.Fatal("there is none")
	}
	if diff := cmp.Diff(all, migrations(t, "sqlite")); diff != "" {
		t.Error(diff)
	}
	for i := 1; i < len(all); i++ {
		if number(all[i]) <= number(all[i-1]) {
			t.Errorf("%s comes after %s", all[i], all[i-1])
		}
	}
}

func number(name string) string { n, _, _ := strings.Cut(name, "_"); return n }

// TestMigrations_Released: released migrations have not changed, and new ones have higher numbers.
func TestMigrations_Released(t *testing.T) {
	t.Parallel()
	sums, err := db.Migrations.ReadFile("migrations/released.sha256")
	if err != nil {
		t.Fatal(err)
	}
	var released []string
	for line := range strings.Lines(string(sums)) {
		want, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		released = append(released, path.Base(name))
		text, err := db.Migrations.ReadFile("migrations/" + name)
		if err != nil {
			t.Error(err)
			continue
		}
		sum := sha256.Sum256(text)
		if got := hex.EncodeToString(sum[:]); got != want {
			t.Errorf("%s was released and has changed: write a new migration", name)
		}
	}
	last := slices.Max(released)
	for _, database := range []string{"postgres", "sqlite"} {
		for _, name := range migrations(t, database) {
			if number(name) <= number(last) && !slices.Contains(released, name) {
				t.Errorf("%s/%s comes before %s, which was released", database, name, last)
			}
		}
	}
}
