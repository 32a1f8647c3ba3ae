package app_test

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app"
)

var update = flag.Bool("update", false, "write the table of settings into docs/operations.md")

// TestSettings_Names: a setting has one name in all layers.
func TestSettings_Names(t *testing.T) {
	t.Parallel()
	fields := map[string]bool{}
	for _, config := range []reflect.Type{
		reflect.TypeFor[app.StorageConfig](), reflect.TypeFor[app.MailConfig](),
		reflect.TypeFor[app.TelemetryConfig](), reflect.TypeFor[app.Config](),
	} {
		for field := range config.Fields() {
			fields[strings.ToLower(field.Name)] = true
		}
	}
	for _, one := range app.Settings(app.Config{}) {
		if env := "CHAVEIRO_" + strings.ToUpper(strings.ReplaceAll(one.Name, "-", "_")); one.Env != env {
			t.Errorf("%s: the variable is %s", one.Name, one.Env)
		}
		if !fields[strings.ReplaceAll(one.Name, "-", "")] {
			t.Errorf("%s: its field has another name", one.Name)
		}
		if !strings.HasSuffix(one.Help, ".") || one.Notes != "" && !strings.HasSuffix(one.Notes, ".") {
			t.Errorf("%s: its help or note is no sentence", one.Name)
		}
	}
}

// TestSettings_Table: the table in the documentation is the one made from the settings.
func TestSettings_Table(t *testing.T) {
	t.Parallel()
	const path, begin, end = "../../docs/operations.md", "<!-- settings: begin -->\n", "<!-- settings: end -->\n"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	present, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no place for the table", path)
	}
	table := settingsTable()
	if *update {
		if err := os.WriteFile(path, []byte(before+begin+table+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if present != table {
		t.Errorf("the table in %s is not that of the settings: go test ./pkg/app -run Settings -update", path)
	}
}

func settingsTable() string {
	var table strings.Builder
	table.WriteString("| flag, and key in the file | environment | default | |\n|---|---|---|---|\n")
	for _, one := range app.Settings(app.Config{}) {
		value := "–"
		switch {
		case one.Default != "":
			value = "`" + one.Default + "`"
		case one.Switch:
			value = "off"
		}
		fmt.Fprintf(
			&table, "| `--%s` | `%s` | %s | %s |\n", one.Name, one.Env, value,
			strings.TrimSpace(one.Help+" "+one.Notes),
		)
	}
	return table.String()
}
