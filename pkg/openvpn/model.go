package openvpn

import (
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"text/template"
)

// The limits of a model.
const (
	MaxModel         = 64 << 10 // bytes of a template
	MaxConfiguration = 1 << 20  // bytes of what it writes
	maxSteps         = 200_000  // parts of a template that are run
)

// DefaultModel is the template of a server that has no other.
//
//go:embed models/server.conf.tmpl
var DefaultModel string

// ModelFault says what is wrong with a model as a template.
type ModelFault string

// The faults of a model.
const (
	FaultSyntax   ModelFault = "syntax"
	FaultFunction ModelFault = "function" // one that models do not have
	FaultAction   ModelFault = "action"   // define, block or template
	FaultValue    ModelFault = "value"    // one that models do not have, or that can't be used so
	FaultPlace    ModelFault = "place"    // a value where none can be written
	FaultTooLong  ModelFault = "too-long"
	FaultTooMuch  ModelFault = "too-much" // it runs too long
)

// ModelError reports a model that does not render.
type ModelError struct {
	Line, Column int // in the template, from 1; the column in characters
	Fault        ModelFault
	Message      string // in English
}

func (e *ModelError) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

// ProblemsError reports directives that may not be where they are. Of a model, the places are those
// in the template that they come from.
type ProblemsError struct {
	Field    string // "template" or "extra"
	Problems []Problem
}

func (e *ProblemsError) Error() string {
	texts := []string{}
	for _, p := range e.Problems {
		texts = append(texts, p.String())
	}
	return e.Field + ": " + strings.Join(texts, "; ")
}

// RenderServer writes a server's configuration by a model, which is a text/template. The model may
// be a stranger's: it has the fields of values and a few functions, none of which reads or runs
// anything; it ends within limits; every value is written as one parameter, or as part of one; and
// the whole text is checked for [ScopeModel], with the names of files that the values have.
//
// The errors are a [ValueError], a [ModelError] or a [ProblemsError].
func RenderServer(model string, values ServerValues) (string, error) {
	if err := checkValues(values); err != nil {
		return "", err
	}
	if _, problems := Check(string(values.Extra), ScopeServer); len(problems) > 0 {
		return "", &ProblemsError{"extra", problems}
	}
	values.Extra = Lines(ended(string(values.Extra)))
	tree, err := sandboxed(model)
	if err != nil {
		return "", err
	}
	out := &output{model: model}
	t, err := template.New(modelName).Funcs(out.functions()).AddParseTree(modelName, tree)
	if err != nil {
		return "", fmt.Errorf("openvpn: model: %w", err)
	}
	if err := t.Execute(out, values); err != nil {
		return "", out.explain(err)
	}
	text := string(out.text)
	if problems := checkModel(text, values); len(problems) > 0 {
		return "", &ProblemsError{"template", out.inTemplate(problems)}
	}
	return text, nil
}

// CheckModel renders a model for some made-up instances, each of which has all values, so that a
// model can be refused before there is an instance. The errors are those of [RenderServer].
func CheckModel(model string) error {
	for _, values := range samples() {
		if _, err := RenderServer(model, values); err != nil {
			return err
		}
	}
	return nil
}

// checkModel checks the text that a model has written: also that it names no files but those of the
// values.
func checkModel(text string, values ServerValues) []Problem {
	directives, problems := Check(text, ScopeModel)
	files := values.files()
	for _, d := range directives {
		name, names := files[d.Name]
		if !names && !rules[d.Name].has(blockOnly) || d.Inline || d.check(ScopeModel) != "" {
			continue
		}
		if name == "" || d.Parameters[0] != name {
			problems = append(problems, d.problem(ReasonOtherFile))
		}
	}
	return problems
}

// files are the directives that name a file, and which one.
func (v ServerValues) files() map[string]string {
	files := map[string]string{
		"ca": v.CA.Name, "cert": v.Cert.Name, "key": v.Key.Name, "dh": "none", "crl-verify": v.CRLFile,
		"client-config-dir": v.CCDDir, "status": v.StatusFile, "management": v.Management,
		"tls-auth": "", "tls-crypt": "", "tls-crypt-v2": "",
	}
	if v.ControlChannel != "none" {
		files[v.ControlChannel] = v.ControlKey.Name
	}
	return files
}

// errTemplate carries a fault out of a template that runs; out has it.
var errTemplate = errors.New("openvpn: the model is at fault")
