package golang

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/chaveiro/chaveiro/cmd/sdkgen/model"
)

// groupView is a group of the SDK, which is a type and a field.
type groupView struct {
	Comment    string
	Name       string // of the field
	Service    string // of the type
	Operations []operationView
	Params     []typeView // what the methods take besides ids and bodies
}

// operationView is a method.
type operationView struct {
	Comment string
	Name    string
	ID      string
	Method  string
	Path    string // with the prefix of its document
	Retry   string // safe, keyed, never
	Vault   bool
	Open    bool // needs no credential

	Args   []argView // for the path
	Params string    // the type of params; "" without
	Query  []paramView
	Header []paramView
	Body   *bodyView
	Accept string

	Answer string // the Go type of JSON; "" without
	File   bool
	Pages  *pagesView
}

type argView struct{ Name, Type string }

type paramView struct{ Name, Field string }

type bodyView struct {
	Type      string // of JSON; "" of content
	MediaType string
}

// pagesView has the expressions that lead to the parts of an answer.
type pagesView struct {
	Item                           string
	Request                        string // the field of params
	Current, Next, Previous, Items string
}

func (d *documentView) addGroups() {
	for _, group := range d.document.Groups {
		name := exported(group.Name)
		view := groupView{Name: name, Service: name + "Service"}
		d.claim(view.Service, d.document.Name)
		view.Comment = comment(0, fmt.Sprintf(
			"%s has the operations of the group %s, below %s. Each can fail as the package says.",
			view.Service, group.Name, d.document.Prefix,
		))
		for _, operation := range group.Operations {
			view.Operations = append(view.Operations, d.operationView(&view, operation))
		}
		d.groups = append(d.groups, view)
	}
}

func (d *documentView) operationView(group *groupView, o model.Operation) operationView {
	view := operationView{
		Name: exported(o.Name), ID: o.ID, Method: o.Method, Path: d.document.Prefix + o.Path,
		Vault: d.document.Name == "pam", Open: slices.Contains(o.Security, model.NoAuth), Retry: string(o.Retry),
	}
	d.addParameters(group, &view, o)
	d.addBody(&view, o)
	d.addAnswer(&view, o)
	if o.Pages != nil {
		view.Pages = d.pagesView(o)
	}
	view.Comment = comment(0, view.Name+" "+does(o.Summary), o.Description, d.facts(view, o))
	return view
}

// facts says what a method needs and how it can fail.
func (d *documentView) facts(view operationView, o model.Operation) string {
	var texts []string
	switch {
	case view.Open:
		texts = append(texts, "It needs no credential.")
	case o.Scope == "self":
		texts = append(texts, "It needs a credential, and no right.")
	case o.Scope != "" && o.Method == http.MethodGet:
		texts = append(texts, "It needs the right to read "+o.Scope+".")
	case o.Scope != "":
		texts = append(texts, "It needs the right to write "+o.Scope+".")
	}
	if view.File && o.NotModified {
		texts = append(texts, "The file must be closed. It is NotModified when it is still the one that params name.")
	} else if view.File {
		texts = append(texts, "The file must be closed.")
	}
	var errors []string
	for _, status := range o.Errors {
		if name := errorName(status); !slices.Contains(errors, name) {
			errors = append(errors, name)
		}
	}
	if len(errors) > 0 {
		texts = append(texts, "Errors of the server: "+strings.Join(errors, ", ")+".")
	}
	texts = append(texts, fmt.Sprintf("Source: %s %s, operation %s.", o.Method, view.Path, o.ID))
	return strings.Join(texts, " ")
}

// errorName returns the type of the errors of a status.
func errorName(status int) string {
	name := map[int]string{
		400: "BadRequestError", 401: "UnauthorizedError", 403: "ForbiddenError", 404: "NotFoundError",
		409: "ConflictError", 429: "RateLimitedError",
	}[status]
	if status >= http.StatusInternalServerError {
		name = "ServerError"
	}
	return cmp.Or(name, "StatusError")
}

// addParameters makes arguments of the parameters of the path, and one struct of all others.
func (d *documentView) addParameters(group *groupView, view *operationView, o model.Operation) {
	params := typeView{Name: typeName(d.document, view.Name+"Params"), Kind: model.Object}
	for _, p := range o.Parameters {
		field := exported(p.Name)
		kind := d.goType(p.Type, p.At)
		switch p.In {
		case "path":
			view.Args = append(view.Args, argView{local(p.Name), kind})
			continue
		case "query":
			view.Query = append(view.Query, paramView{p.Name, field})
		case "header":
			view.Header = append(view.Header, paramView{http.CanonicalHeaderKey(p.Name), field})
		}
		if !isScalar(p.Type.Type.Kind) {
			d.fault(p.At, "the parameter %s is no single value, which is not understood", p.Name)
		}
		if kind == "bool" {
			kind = "*bool"
		}
		text := sentence(p.Doc)
		if p.Type.Name == "" {
			text = withLimits(text, p.Type.Type)
		}
		params.Fields = append(params.Fields, fieldView{comment(1, text), field, kind, ""})
	}
	d.checkPath(view, o)
	if len(params.Fields) == 0 {
		return
	}
	d.claim(params.Name, o.At)
	view.Params = params.Name
	params.Comment = comment(0, params.Name+" are the parameters of "+view.Name+". A zero value is not sent.")
	group.Params = append(group.Params, params)
}

// checkPath holds that a path has as many braces as parameters, in their order.
func (d *documentView) checkPath(view *operationView, o model.Operation) {
	rest := o.Path
	for _, arg := range view.Args {
		_, after, _ := strings.Cut(rest, "{")
		name, after, found := strings.Cut(after, "}")
		if !found || local(name) != arg.Name {
			d.fault(o.At, "the path %s has no place for %s", o.Path, arg.Name)
		}
		rest = after
	}
	if strings.Contains(rest, "{") {
		d.fault(o.At, "the path %s has a place without a parameter", o.Path)
	}
}

func isScalar(kind model.Kind) bool {
	switch kind {
	case model.String, model.Enum, model.Integer, model.Number, model.Boolean, model.DateTime, model.Date:
		return true
	}
	return false
}

func (d *documentView) addBody(view *operationView, o model.Operation) {
	switch {
	case o.Body == nil:
	case o.Body.Binary:
		view.Body = &bodyView{MediaType: o.Body.MediaType}
	default:
		view.Body = &bodyView{Type: d.goType(o.Body.Type, o.Body.At), MediaType: o.Body.MediaType}
	}
	if o.Body != nil && !o.Body.Binary && o.Body.MediaType != "application/json" {
		d.fault(o.Body.At, "a body of %s is not understood", o.Body.MediaType)
	}
}

func (d *documentView) addAnswer(view *operationView, o model.Operation) {
	if len(o.Results) != 1 {
		d.fault(o.At, "%s has %d answers of success, which is not understood", o.ID, len(o.Results))
		return
	}
	result := o.Results[0]
	view.File = result.Binary
	if len(result.MediaTypes) == 1 { // a choice of files is left to a parameter
		view.Accept = result.MediaTypes[0]
	}
	if result.Type != nil {
		view.Answer = d.goType(*result.Type, result.At)
	}
}

func (d *documentView) pagesView(o model.Operation) *pagesView {
	if o.Pages.Cursor.Type.Kind != model.Integer || o.Pages.Cursor.Type.Format != "int64" {
		d.fault(o.At, "a cursor of %s is not understood", o.Pages.Cursor.Type.Kind)
	}
	return &pagesView{
		Item: d.goType(o.Pages.Item, o.At), Request: exported(o.Pages.Request),
		Current: expression(o.Pages.Current), Next: expression(o.Pages.Next), Previous: expression(o.Pages.Previous),
		Items: expression(o.Pages.Items),
	}
}

// expression turns a JSON pointer into the selectors of Go: "/cursor/next" is "Cursor.Next".
func expression(pointer string) string {
	parts := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, part := range parts {
		parts[i] = exported(part)
	}
	return strings.Join(parts, ".")
}
