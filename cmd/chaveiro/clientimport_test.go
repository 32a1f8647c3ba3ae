package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// csvFile writes a file of a test, and returns its path.
func csvFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "clients.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestClient_Import: a dry run changes nothing, the import stores all rows, and the same file again
// changes nothing.
func TestClient_Import(t *testing.T) {
	t.Parallel()
	o := pkiDir(t)
	file := csvFile(t, "Nome;E-mail;Cidade;validade\nfilial-01;a@example.com;S\xe3o Paulo;10\nfilial-02;b@example.com;;\n")
	count := func() int { return strings.Count(must(t, o, "client list --json --name filial-*"), "\n") }
	wantWords(t, must(t, o, "client import --ca ca-matriz --dry-run "+file), "created  filial-01", "2 would be created")
	if count() != 0 {
		t.Error("a dry run has made clients")
	}
	wantWords(t, must(t, o, "client import --ca ca-matriz "+file), "ROW  LINE  OUTCOME", "1    2     created  filial-01",
		"2 created, 0 unchanged, 0 skipped, 0 at fault")
	if city := fieldsOf(t, o, "client show filial-01")["city"]; city != "São Paulo" {
		t.Error(city)
	}
	again := must(t, o, "client import --ca 1 --json "+file)
	if strings.Count(again, `"outcome":"unchanged"`) != 2 || count() != 2 {
		t.Error(again)
	}
	o.Stdin = "name,email,ca\nfilial-03,c@example.com,CA-Matriz\n"
	wantWords(t, must(t, o, "client import -"), "1 created")
}

// TestClient_Import_Faults: rows at fault keep all from being stored, unless --partial is there.
func TestClient_Import_Faults(t *testing.T) {
	t.Parallel()
	o := pkiDir(t)
	file := csvFile(t, "name,email,ca_id\nnew-01,a@example.com,1\nsite-rio,b@example.com,1\nnew-02,,99\n")
	for _, test := range [][2]string{
		{"", "nothing was imported"},
		{"--dry-run ", "nothing was imported"},
		{"--partial ", "what is at fault was not imported"}, // the last one: it makes clients
	} {
		flags, want := test[0], test[1]
		outcome := apptest.Command(t, o, strings.Fields("client import "+flags+file)...)
		if outcome.Code != 1 || !strings.Contains(outcome.Stderr, want) ||
			!strings.Contains(outcome.Stdout, "2 at fault") || !strings.Contains(outcome.Stdout, "site-rio") {
			t.Errorf("%q: %+v", flags, outcome)
		}
		if made := must(t, o, "client list --json --name new-*"); (made != "") != (flags == "--partial ") {
			t.Errorf("%q: %s", flags, made)
		}
		must(t, o, "client list") // a fault leaves the database usable
	}
	wantFail(t, o, 1, "nearest is email", "client import "+csvFile(t, "name,emial,ca\n"))
	wantFail(t, o, 2, "ca_id", "client import "+csvFile(t, "name,email\nx,x@example.com\n"))
	wantFail(t, o, 3, "no CA named", "client import --ca none "+file)
	wantFail(t, o, 1, "no such file", "client import none.csv")
}
