package pkg_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// gates are the steps of make test whose tests `go test ./...` skips, and what the files of such
// tests have in them. A package that no step names would never be tested.
var gates = map[string]*regexp.Regexp{
	"sdks":    regexp.MustCompile(`CHAVEIRO_SDKS|pythontest\.Interpreter`),
	"browser": regexp.MustCompile(`CHAVEIRO_BROWSER|browsertest\.`),
}

func TestGates(t *testing.T) {
	t.Parallel()
	makefile := readText(t, "../Makefile")
	for step, mark := range gates {
		_, recipe, _ := strings.Cut(makefile, "\n"+step+": ")
		recipe, _, _ = strings.Cut(recipe, "\n\n")
		for _, file := range testFiles(t) {
			if !mark.MatchString(readText(t, file)) || strings.HasSuffix(file, "gates_test.go") {
				continue
			}
			folder := "./" + filepath.ToSlash(strings.TrimPrefix(filepath.Dir(file), "../"))
			if !named(recipe, folder) {
				t.Errorf("make %s does not test %s", step, folder)
			}
		}
	}
}

// named reports whether a recipe has a folder, or one that it is in with /... at the end.
func named(recipe, folder string) bool {
	for _, word := range strings.Fields(recipe) {
		above, all := strings.CutSuffix(word, "/...")
		if word == folder || all && strings.HasPrefix(folder+"/", above+"/") {
			return true
		}
	}
	return false
}

// TestGates_Names: make browser picks the tests of pkg/app by their names.
func TestGates_Names(t *testing.T) {
	t.Parallel()
	declared := regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)
	for _, file := range testFiles(t) {
		text := readText(t, file)
		if !strings.HasPrefix(file, "../pkg/app/") || !gates["browser"].MatchString(text) {
			continue
		}
		for _, test := range declared.FindAllStringSubmatch(text, -1) {
			if !strings.HasPrefix(test[1], "TestExplorer") {
				t.Errorf("%s: make browser does not run %s", file, test[1])
			}
		}
	}
}

func testFiles(t *testing.T) []string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "git", "ls-files", "--", "*_test.go")
	list.Dir = ".."
	output, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, file := range strings.Fields(string(output)) {
		files = append(files, "../"+file)
	}
	if len(files) == 0 {
		t.Fatal("no files of tests")
	}
	return files
}

func readText(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
