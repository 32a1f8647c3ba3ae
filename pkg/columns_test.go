package pkg_test

import (
	"bytes"
	"go/scanner"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The widths of a line. A tab counts tabColumns.
const (
	codeColumns    = 120
	commentColumns = 100
	tabColumns     = 4
)

// TestColumns holds the width of hand-written Go code. Texts are not counted: nobody breaks a
// message or a query because of a column.
func TestColumns(t *testing.T) {
	t.Parallel()
	for _, name := range sources(t) {
		text, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range tooWide(text) {
			t.Errorf("%s:%d is too wide", name, line)
		}
	}
}

// TestTooWide checks the check.
func TestTooWide(t *testing.T) {
	t.Parallel()
	x := strings.Repeat("x", 200)
	for text, want := range map[string]int{
		"package a\n\nvar a = " + x[:112]:                     0,
		"package a\n\nvar a = " + x[:113]:                     1,
		"package a\n\n// " + x[:97]:                           0,
		"package a\n\n// " + x[:98]:                           1,
		"package a\n\nvar a = 1 // " + x[:106]:                0,
		"package a\n\nvar a = 1 // " + x[:120]:                1,
		"package a\n\nvar a = \"" + x + "\"":                  0,
		"package a\n\nvar a = `" + x + "\n" + x + "`":         0,
		"package a\n\nfunc a() {\n\t\t\t// " + x[:86] + "\n}": 1,
	} {
		if found := tooWide([]byte(text)); len(found) != want {
			t.Errorf("%.60q…: %v", text, found)
		}
	}
}

// sources are the hand-written Go files of the repository.
func sources(t *testing.T) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "ls-files", "*.go", ":!gen")
	cmd.Dir = ".."
	output, err := cmd.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	return strings.Fields(string(output))
}

func columns(text string) int {
	return len([]rune(strings.ReplaceAll(text, "\t", strings.Repeat(" ", tabColumns))))
}

// tooWide lists the lines of a file that are too wide.
func tooWide(text []byte) []int {
	lines := bytes.Split(text, []byte("\n"))
	width := make([]int, len(lines))
	for i, line := range lines {
		width[i] = columns(string(line))
	}
	files := token.NewFileSet()
	file := files.AddFile("", files.Base(), len(text))
	var s scanner.Scanner
	s.Init(file, text, nil, scanner.ScanComments)
	comment := make([]bool, len(lines))
	for {
		at, kind, literal := s.Scan()
		if kind == token.EOF {
			break
		}
		first := file.Line(at) - 1
		switch {
		case kind == token.STRING:
			for i, part := range strings.Split(literal, "\n") {
				width[first+i] -= columns(part)
			}
		case kind == token.COMMENT && strings.TrimSpace(string(lines[first][:file.Position(at).Column-1])) == "":
			comment[first] = true
		}
	}
	var found []int
	for i, n := range width {
		if n > codeColumns || comment[i] && n > commentColumns {
			found = append(found, i+1)
		}
	}
	return found
}
