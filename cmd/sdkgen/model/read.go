package model

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Vault is the group of all operations of the document "pam".
const Vault = "vault"

// Read reads the document of a file. Its error lists all faults, each with file and line.
func Read(name, file string) (*Document, error) {
	loader := openapi3.NewLoader()
	loader.IncludeOrigin = true
	source, err := loader.LoadFromFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	r := &reader{
		file: filepath.ToSlash(file), source: source, types: map[string]*Type{},
		document: &Document{Name: name, Title: source.Info.Title, Version: source.Info.Version},
	}
	r.readPrefix()
	r.readTypes()
	r.readOperations()
	r.checkNames()
	r.markUses()
	if err := errors.Join(r.faults...); err != nil {
		return nil, err
	}
	return r.document, nil
}

// reader makes a Document and collects what is wrong with its source.
type reader struct {
	file     string
	source   *openapi3.T
	document *Document
	types    map[string]*Type // by name
	faults   []error
}

// at returns the place of an origin as file:line.
func (r *reader) at(origin *openapi3.Origin) string {
	return fmt.Sprintf("%s:%d", r.file, line(origin))
}

func line(origin *openapi3.Origin) int {
	if origin == nil || origin.Key == nil {
		return 0
	}
	return origin.Key.Line
}

// fault notes what is wrong at a place.
func (r *reader) fault(at, format string, arguments ...any) {
	r.faults = append(r.faults, fmt.Errorf("%s: %s", at, fmt.Sprintf(format, arguments...)))
}

func (r *reader) readPrefix() {
	if len(r.source.Servers) == 0 {
		r.fault(r.file+":1", "no server")
		return
	}
	server := r.source.Servers[0]
	address, err := url.Parse(server.URL)
	if err != nil || address.Path == "" {
		r.fault(r.at(server.Origin), "the server %q has no path", server.URL)
		return
	}
	r.document.Prefix = strings.TrimSuffix(address.Path, "/")
}

// located is an operation with what it has of its path.
type located struct {
	method, path string
	operation    *openapi3.Operation
	shared       openapi3.Parameters
}

// operations returns all operations in the order of the document.
func (r *reader) operations() []located {
	var all []located
	for path, item := range r.source.Paths.Map() {
		for method, operation := range item.Operations() {
			all = append(all, located{method, path, operation, item.Parameters})
		}
	}
	slices.SortFunc(all, func(a, b located) int {
		return cmp.Or(
			cmp.Compare(line(a.operation.Origin), line(b.operation.Origin)),
			cmp.Compare(a.path+" "+a.method, b.path+" "+b.method),
		)
	})
	return all
}

func (r *reader) readOperations() {
	for _, l := range r.operations() {
		group, operation := r.readOperation(l)
		if group == "" {
			continue
		}
		i := slices.IndexFunc(r.document.Groups, func(g Group) bool { return g.Name == group })
		if i < 0 {
			i = len(r.document.Groups)
			r.document.Groups = append(r.document.Groups, Group{Name: group, Doc: r.tagDoc(l.operation)})
		}
		r.document.Groups[i].Operations = append(r.document.Groups[i].Operations, operation)
		if twin := r.dryRun(l, operation); twin != nil {
			r.document.Groups[i].Operations = append(r.document.Groups[i].Operations, *twin)
		}
	}
}

func (r *reader) tagDoc(operation *openapi3.Operation) string {
	if len(operation.Tags) > 0 {
		if tag := r.source.Tags.Get(operation.Tags[0]); tag != nil {
			return tag.Description
		}
	}
	return ""
}

// checkNames finds names that two operations of a group have.
func (r *reader) checkNames() {
	for _, group := range r.document.Groups {
		first := map[string]Operation{}
		for _, operation := range group.Operations {
			if other, ok := first[operation.Name]; ok {
				r.fault(operation.At, "%s.%s is also the name of %s", group.Name, operation.Name, other.ID)
			}
			first[operation.Name] = operation
		}
	}
}

// markUses marks the types that operations send and receive.
func (r *reader) markUses() {
	for _, group := range r.document.Groups {
		for _, operation := range group.Operations {
			for _, parameter := range operation.Parameters {
				mark(parameter.Type, func(t *Type) *bool { return &t.InRequest })
			}
			if operation.Body != nil {
				mark(operation.Body.Type, func(t *Type) *bool { return &t.InRequest })
			}
			for _, result := range operation.Results {
				if result.Type != nil {
					mark(*result.Type, func(t *Type) *bool { return &t.InResponse })
				}
			}
		}
	}
}

// mark sets a mark on a type and all that it consists of.
func mark(ref Ref, of func(*Type) *bool) {
	if ref.Type == nil || *of(ref.Type) {
		return
	}
	*of(ref.Type) = true
	for _, field := range ref.Type.Fields {
		mark(field.Type, of)
	}
	for _, variant := range ref.Type.Variants {
		mark(variant, of)
	}
	if ref.Type.Element != nil {
		mark(*ref.Type.Element, of)
	}
}
