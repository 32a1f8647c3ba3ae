package main

import (
	"os"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// TestDocs_Commands: the page for operators names every command, and has every exit code.
func TestDocs_Commands(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Command line\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, leaf := range grammar().Model.Leaves(true) {
		if name := "`chaveiro " + commandName(leaf); !strings.Contains(section, name+"`") &&
			!strings.Contains(section, name+" ") {
			t.Errorf("no %s in docs/operations.md", name)
		}
	}
	for _, code := range []string{"0 | done", "1 | failed", "2 | a command line", "3 | a record", "4 | refused"} {
		if !strings.Contains(section, "\n| "+code) {
			t.Errorf("no exit code %q in docs/operations.md", code)
		}
	}
}

// TestUsage_Codes: the exit codes that docs/operations.md promises.
func TestUsage_Codes(t *testing.T) {
	t.Parallel()
	o := pkiDir(t)
	for line, code := range map[string]int{
		"--version": 0, "help client": 0, "ca list": 0, "": 2, "ca": 2, "ca drop": 2, "ca show": 2, "ca show 1 2": 2,
		"ca show 2": 3, "ca show none": 3, "client revoke site-rio": 4, "client key 1 --out none/a.key": 1,
	} {
		if got := apptest.Command(t, o, strings.Fields(line)...); got.Code != code {
			t.Errorf("chaveiro %s: %+v, want code %d", line, got, code)
		}
	}
	o.DataDir += "/none"
	for _, line := range []string{"ca list", "client show 1", "crl get 1", "role list", "user list", "apikey list"} {
		wantFail(t, o, 1, "there is no database at ", line)
	}
}
