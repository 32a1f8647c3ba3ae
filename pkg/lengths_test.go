package pkg_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The limits, in lines. A function of tests may be longer, and lines of its tables are not counted,
// because a long table reads well. A function literal in a table has the limit of a function.
const (
	maxFunction     = 50
	maxTestFunction = 60
	maxFile         = 400
)

// TestLengths checks all hand-written code, tests too. There are no exceptions.
func TestLengths(t *testing.T) {
	t.Parallel()
	for _, name := range sources(t) {
		for _, fault := range tooLong(t, filepath.Join("..", name), nil) {
			t.Error(fault)
		}
	}
}

// TestTooLong checks the check itself.
func TestTooLong(t *testing.T) {
	t.Parallel()
	source := func(before, body int) string {
		return "package a\n" + strings.Repeat("\n", before) + "func f() {\n" + strings.Repeat("\n", body) + "}\n"
	}
	table := func(rows, body int) string {
		return "package a\nfunc f() {\n_ = []int{\n" + strings.Repeat("1,\n", rows) + "}\n" +
			strings.Repeat("\n", body) + "}\n"
	}
	within := func(body int) string {
		return "package a\nvar f = []func(){\nfunc() {\n" + strings.Repeat("\n", body) + "},\n}\n"
	}
	for _, test := range []struct {
		name, file, source string
		want               []string
	}{
		{"both within", "a.go", source(maxFile-maxFunction-1, maxFunction-2), nil},
		{"a function", "a.go", source(0, maxFunction-1), []string{"a.go: f has 51 lines"}},
		{"a file", "a.go", source(maxFile-2, 0), []string{"a.go has 401 lines"}},
		{"a table", "a.go", table(maxFunction-3, 0), []string{"a.go: f has 51 lines"}},
		{"a test within", "a_test.go", source(0, maxTestFunction-2), nil},
		{"a test", "a_test.go", source(0, maxTestFunction-1), []string{"a_test.go: f has 61 lines"}},
		{"a table of a test", "a_test.go", table(200, maxTestFunction-4), nil},
		{"beside a table", "a_test.go", table(200, maxTestFunction-3), []string{"a_test.go: f has 61 lines"}},
		{"for tests", "xtest/a.go", table(200, maxTestFunction-4), nil},
		{"in a table", "a_test.go", within(maxTestFunction - 2), nil},
		{"long in a table", "a_test.go", within(maxTestFunction - 1), []string{"a_test.go: f has one of 61 lines"}},
	} {
		if diff := cmp.Diff(test.want, tooLong(t, test.file, test.source)); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}

// isOfTests reports whether a file is a test or of a package for tests.
func isOfTests(name string) bool {
	return strings.HasSuffix(name, "_test.go") || strings.HasSuffix(filepath.Dir(name), "test")
}

// tooLong returns what is too long in a file. If source is nil, it reads the file.
func tooLong(t *testing.T, name string, source any) []string {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	if ast.IsGenerated(file) {
		return nil
	}
	var found []string
	if lines := files.Position(file.FileEnd).Line; lines > maxFile {
		found = append(found, fmt.Sprintf("%s has %d lines", name, lines))
	}
	for _, declaration := range file.Decls {
		f, ok := declaration.(*ast.FuncDecl)
		switch {
		case isOfTests(name):
			found = append(found, tooLongTest(files, name, declaration)...)
		case ok && height(files, f) > maxFunction:
			found = append(found, fmt.Sprintf("%s: %s has %d lines", name, f.Name.Name, height(files, f)))
		}
	}
	return found
}

func height(files *token.FileSet, n ast.Node) int {
	return files.Position(n.End()).Line - files.Position(n.Pos()).Line + 1
}

// tooLongTest returns what is too long in a declaration of a file of tests.
func tooLongTest(files *token.FileSet, file string, declaration ast.Decl) []string {
	var found []string
	called := ""
	switch d := declaration.(type) {
	case *ast.FuncDecl:
		called = d.Name.Name
		if lines := height(files, d) - tableLines(files, d); lines > maxTestFunction {
			found = append(found, fmt.Sprintf("%s: %s has %d lines", file, called, lines))
		}
	case *ast.GenDecl:
		if value, ok := d.Specs[0].(*ast.ValueSpec); ok {
			called = value.Names[0].Name
		}
	}
	ast.Inspect(declaration, func(n ast.Node) bool {
		if f, ok := n.(*ast.FuncLit); ok {
			if lines := height(files, f) - tableLines(files, f); lines > maxTestFunction {
				found = append(found, fmt.Sprintf("%s: %s has one of %d lines", file, called, lines))
			}
		}
		return true
	})
	return found
}

// tableLines is how many lines of a function are inside of composite literals. The lines of their
// braces are not.
func tableLines(files *token.FileSet, f ast.Node) int {
	inside := 0
	ast.Inspect(f, func(n ast.Node) bool {
		literal, ok := n.(*ast.CompositeLit)
		if ok {
			inside += max(0, height(files, literal)-2)
		}
		return !ok // a literal inside of a literal is counted already
	})
	return inside
}
