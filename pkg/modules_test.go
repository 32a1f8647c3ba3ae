package pkg_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestModules: `go test ./...` does not test modules below the root; a step of the Makefile does.
func TestModules(t *testing.T) {
	t.Parallel()
	list := exec.CommandContext(t.Context(), "git", "ls-files", "--", "*/go.mod")
	list.Dir = ".."
	output, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	makefile := readText(t, "../Makefile")
	for _, file := range strings.Fields(string(output)) {
		dir := filepath.ToSlash(filepath.Dir(file))
		if tests, err := filepath.Glob("../" + dir + "/*_test.go"); err != nil || len(tests) == 0 {
			continue // tools that others run
		}
		if !strings.Contains(makefile, "\n\tcd "+dir+" && ") {
			t.Errorf("make packages does not test %s", dir)
		}
	}
}
