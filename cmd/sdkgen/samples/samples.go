// Package samples writes the x-codeSamples of operations, which sends what the document has as
// examples, by curl and by each SDK. The names are those of the SDKs' generators. It imports
// cmd/sdkgen/model, and golang, python and typescript beside it.
package samples

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/chaveiro/chaveiro/cmd/sdkgen/model"
)

// A Sample is a program that makes one call. It takes the address of the server and a token from
// the environment: CHAVEIRO_URL and CHAVEIRO_TOKEN.
type Sample struct{ Lang, Label, Source string }

// languages are those of the samples, in their order.
var languages = []struct {
	lang, label string
	write       func(call) string
}{
	{"Shell", "curl", curl},
	{"Python", "Python", pythonSample},
	{"TypeScript", "TypeScript", typescriptSample},
	{"Go", "Go", goSample},
}

// Of returns the samples of all operations, by operationId. Its error lists the operations whose
// body has no example, with file and line.
func Of(document *model.Document) (map[string][]Sample, error) {
	all := map[string][]Sample{}
	var faults []error
	for _, group := range document.Groups {
		for _, operation := range group.Operations {
			if operation.DryRun {
				continue // the document has it as a parameter
			}
			c, err := newCall(document, group.Name, operation)
			if err != nil {
				faults = append(faults, err)
				continue
			}
			for _, language := range languages {
				source := strings.TrimSpace(language.write(c)) + "\n"
				all[operation.ID] = append(all[operation.ID], Sample{language.lang, language.label, source})
			}
		}
	}
	return all, errors.Join(faults...)
}

// A call is what a sample says: an operation, and what it is given.
type call struct {
	document  *model.Document
	group     string
	operation model.Operation
	arguments []argument // the parameters of the path, and those that are required
	body      *value     // of JSON; nil without
	content   string     // of another body
}

type argument struct {
	model.Parameter
	value value
}

func newCall(document *model.Document, group string, o model.Operation) (call, error) {
	c := call{document: document, group: group, operation: o}
	for _, p := range o.Parameters {
		if p.In == "path" || p.Required {
			c.arguments = append(c.arguments, argument{p, valueOf(p.Type, exampleOf(p))})
		}
	}
	if o.Body == nil {
		return c, nil
	}
	example := o.Body.Example
	if example == nil {
		example = o.Body.Type.Type.Example
	}
	text, isText := example.(string)
	switch {
	case example == nil, o.Body.Binary && !isText:
		return c, fmt.Errorf("%s: the body of %s has no example", o.Body.At, o.ID)
	case o.Body.Binary:
		c.content = text
	default:
		body := valueOf(o.Body.Type, example)
		c.body = &body
	}
	return c, nil
}

// in returns the arguments of a place: path, query, header.
func (c call) in(place string) []argument {
	return slices.DeleteFunc(slices.Clone(c.arguments), func(a argument) bool { return a.In != place })
}

// open reports whether the call needs no credential.
func (c call) open() bool { return slices.Contains(c.operation.Security, model.NoAuth) }

// environment says what the SDK takes from the environment by itself.
func (c call) environment() string {
	if c.open() || c.vault() {
		return "of CHAVEIRO_URL"
	}
	return "of CHAVEIRO_URL and CHAVEIRO_TOKEN"
}

// vault reports whether the SDKs take the credential of the vault for it.
func (c call) vault() bool { return c.document.Name == "pam" && !c.open() }

// file returns the name of the file that the answer is kept in; "" when the answer is no file.
func (c call) file() string {
	result := c.operation.Results[0]
	if !result.Binary {
		return ""
	}
	extension := map[string]string{
		"application/x-pem-file": ".pem", "application/x-pkcs12": ".p12", "text/csv": ".csv",
		"application/zip": ".zip",
	}[result.MediaTypes[0]]
	return strings.Trim(path.Base(c.operation.Path), "{}") + extension
}

// silent reports whether the answer has no body.
func (c call) silent() bool { return len(c.operation.Results[0].MediaTypes) == 0 }

// takesParams reports whether the operation has parameters outside of the path.
func (c call) takesParams() bool {
	return slices.ContainsFunc(c.operation.Parameters, func(p model.Parameter) bool { return p.In != "path" })
}
