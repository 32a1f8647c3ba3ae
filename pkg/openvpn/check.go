package openvpn

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// MaxProblems is how many problems of a text are reported.
const MaxProblems = 100

// Problem is what is wrong with one directive of a text, or with one of its lines.
type Problem struct {
	Line, Column int    // from 1; the column is in characters
	Directive    string // its name; for an option that is pushed, "push NAME"; empty for a fault of the line
	Reason       Reason
	Nearest      string // of an unknown directive: the known name that is most like it, or nothing
}

func (p Problem) String() string {
	text := fmt.Sprintf("line %d, column %d: ", p.Line, p.Column)
	if p.Directive != "" {
		text += fmt.Sprintf("%q: ", p.Directive)
	}
	text += p.Reason.Text()
	if p.Nearest != "" {
		text += fmt.Sprintf("; did you mean %q?", p.Nearest)
	}
	return text
}

// Check reads a text of a user and compares its directives with what may stand in a scope. It
// returns the problems, by line, and at most MaxProblems; a text with problems is not to be used.
//
// What is not known is refused: a new OpenVPN can have new directives that run programs. For
// [ScopeModel], names of files are not looked at; [RenderServer] compares them with its values.
func Check(text string, scope Scope) ([]Directive, []Problem) {
	directives, faults := parseText(text)
	var problems []Problem
	for _, f := range faults {
		problems = append(problems, Problem{Line: f.Line, Column: f.Column, Reason: f.Reason})
	}
	for _, d := range directives {
		if len(problems) > MaxProblems+len(faults) {
			break
		}
		if reason := d.check(scope); reason != "" {
			problems = append(problems, d.problem(reason))
		} else if p, bad := d.checkPush(); bad {
			problems = append(problems, p)
		}
	}
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return directives, problems[:min(len(problems), MaxProblems)]
}

func (d Directive) problem(reason Reason) Problem {
	p := Problem{Line: d.Line, Column: d.Column, Directive: d.Name, Reason: reason}
	if reason == ReasonUnknown {
		p.Nearest = nearest(d.Name)
	}
	return p
}

// check compares one directive with its rule.
func (d Directive) check(scope Scope) Reason {
	rule, known := rules[d.Name]
	switch {
	case !known:
		return ReasonUnknown
	case rule.in&scope == 0:
		return cmp.Or(rule.why, ReasonNotHere)
	case d.Inline && !rule.has(block):
		return ReasonNotInline
	case rule.has(blockOnly) && !d.Inline && scope != ScopeModel:
		return rule.why
	case !d.Inline && (len(d.Parameters) < rule.min || len(d.Parameters) > rule.max):
		return ReasonParameters
	}
	if check := valueChecks[d.Name]; check != nil && !d.Inline {
		return check(d.Parameters)
	}
	return ""
}

// checkPush looks at the option that a server pushes. It reaches the client between commas, so one
// option with a comma is two; a client takes neither leading dashes nor blocks.
func (d Directive) checkPush() (Problem, bool) {
	if d.Name != "push" || len(d.Parameters) == 0 {
		return Problem{}, false
	}
	p := d.problem("")
	words, fault := split(d.Parameters[0])
	switch {
	case strings.Contains(d.Parameters[0], ","):
		p.Reason = ReasonComma
	case fault != nil:
		p.Reason = fault.reason
	case len(words) == 0:
		p.Reason = ReasonEmptyPush
	default:
		pushed := Directive{Name: words[0].text, Line: d.Line, Column: d.Column}
		for _, w := range words[1:] {
			pushed.Parameters = append(pushed.Parameters, w.text)
		}
		p = pushed.problem(pushed.check(ScopePush))
		p.Directive = "push " + p.Directive
	}
	return p, p.Reason != ""
}
