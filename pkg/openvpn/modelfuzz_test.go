package openvpn

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzRenderServer_Model: a model of a stranger ends, within the limits, and what it renders has
// nothing that is refused.
func FuzzRenderServer_Model(f *testing.F) {
	f.Add(DefaultModel)
	f.Add("{{range .Routes}}push \"route {{.Address}} {{.Mask}}\"\n{{end}}{{.Extra}}\n{{file \"ca\" .CA}}")
	f.Add("{{with $x := .Network}}{{if and .CIDR (eq $x.Bits 24)}}echo '{{.CIDR}}'{{break}}{{end}}{{end}}")
	f.Add("{{range $i, $e := 5}}{{continue}}{{else}}a{{end}}{{index .Routes 0}}{{/* x */}}\\{{- .Name -}}")
	f.Fuzz(func(t *testing.T, model string) {
		text, err := RenderServer(model, sampleValues())
		fault, problems := (*ModelError)(nil), (*ProblemsError)(nil)
		switch {
		case errors.As(err, &fault):
			checkPlace(t, model, fault.Line, fault.Column)
		case errors.As(err, &problems):
			for _, p := range problems.Problems {
				checkPlace(t, model, p.Line, p.Column)
			}
		case err != nil:
			t.Fatalf("%q: %T %v", model, err, err)
		default:
			if _, problems := Check(text, ScopeModel); len(problems) > 0 || len(text) > MaxConfiguration {
				t.Fatalf("%q: %v", model, problems)
			}
		}
	})
}

// checkPlace: a fault is within the template, or just behind its end.
func checkPlace(t *testing.T, model string, line, column int) {
	t.Helper()
	lines := strings.Split(model, "\n")
	if line < 1 || line > len(lines) || column < 1 || column > utf8.RuneCountInString(lines[line-1])+1 {
		t.Fatalf("%q: line %d, column %d", model, line, column)
	}
}

// FuzzRenderServer_Values: whatever the text of a value is, the configuration has the directives
// and the number of parameters that it has with a harmless one.
func FuzzRenderServer_Values(f *testing.F) {
	models := []string{
		"echo {{.Name}}\necho x", "echo a{{.Name}}b c\necho x", "echo \"a {{.Name}} b\"\necho x", "echo 'a {{.Name}}' b\necho x",
		"# {{.Name}}\necho x", "echo {{.Name}} {{.Name}}\necho x", "  echo a\\ {{.Name}}\necho x",
	}
	harmless := make([][]Directive, len(models))
	values := sampleValues()
	for i, model := range models {
		values.Name = "harmless"
		text, err := RenderServer(model, values)
		if err != nil {
			f.Fatal(err)
		}
		harmless[i], _ = Parse(text)
	}
	for _, name := range []string{"a\nup /bin/sh", `"`, `\`, "'", "#", "", " ", "a b", "a\\\nup x", "\u2028up", `\"`, "a\tb"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		for i, model := range models {
			values := sampleValues()
			values.Name = name
			text, err := RenderServer(model, values)
			if err != nil {
				continue
			}
			directives, err := Parse(text)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(shape(harmless[i]), shape(directives)) {
				t.Fatalf("%q with %q: %v", model, name, directives)
			}
			if i == 0 && directives[0].Parameters[0] != name {
				t.Fatalf("%q became %q", name, directives[0].Parameters[0])
			}
		}
	})
}

// shape is what must not depend on a value.
func shape(directives []Directive) (shapes []any) {
	for _, d := range directives {
		shapes = append(shapes, d.Name, len(d.Parameters), d.Line, d.Column, d.Block)
	}
	return shapes
}
