package golang

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// importable are the packages that templates use, by their names.
var importable = map[string]string{
	"context": "context", "json": "encoding/json", "fmt": "fmt", "io": "io", "http": "net/http", "url": "net/url", "time": "time",
}

// imports returns the import declaration that a text of Go needs, which has none and no package
// clause.
func imports(text string) string {
	file, err := parser.ParseFile(token.NewFileSet(), "", "package chaveiro\n"+text, 0)
	if err != nil {
		return "" // formatting it fails, too
	}
	var paths []string
	for _, name := range file.Unresolved {
		if path, ok := importable[name.Name]; ok && !slices.Contains(paths, path) && isSelected(file, name) {
			paths = append(paths, path)
		}
	}
	if len(paths) == 0 {
		return ""
	}
	slices.Sort(paths)
	return "import (\n\t\"" + strings.Join(paths, "\"\n\t\"") + "\"\n)\n"
}

// isSelected reports whether a name stands before a dot.
func isSelected(file *ast.File, name *ast.Ident) bool {
	found := false
	ast.Inspect(file, func(n ast.Node) bool {
		if selector, ok := n.(*ast.SelectorExpr); ok && selector.X == ast.Expr(name) {
			found = true
		}
		return !found
	})
	return found
}
