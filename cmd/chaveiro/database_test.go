package main

import (
	"strings"
	"testing"
)

// TestDatabaseSizes: an exact count has what there is; without it nothing is read, and octets are
// known of the whole file alone.
func TestDatabaseSizes(t *testing.T) {
	t.Parallel()
	o := pkiDir(t)
	exact := must(t, o, "database sizes --exact --json")
	for _, want := range []string{`{"table":"clients","rows":2,"bytes":`, `{"table":"cas","rows":1,"bytes":`, `{"table":"(database)","rows":null,"bytes":`} {
		if !strings.Contains(exact, want) {
			t.Errorf("no %s in %s", want, exact)
		}
	}
	if guessed := must(t, o, "database sizes --json"); !strings.Contains(guessed, `{"table":"clients","rows":2,"bytes":null}`) {
		t.Error(guessed)
	}
	if table := must(t, o, "database sizes"); !strings.Contains(table, "\n(free) ") {
		t.Error(table)
	}
}
