package python

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/chaveiro/chaveiro/cmd/sdkgen/model"
)

// groupView is a group of the SDK: a module, and classes.
type groupView struct {
	Doc        string
	Module     string // "openvpn"
	Class      string // "Openvpn"
	Models     string // the module of its types
	Types      []string
	Results    bool // it is in the published SDK's style as well
	Operations []operationView
}

// operationView is a method.
type operationView struct {
	Doc, PagesDoc    string
	Name, ID, Method string
	Path             string // with the prefix of its document
	Retry            string // safe, keyed, never
	Vault, Open      bool
	Indent           string // of its request, beyond that of a method
	Accept           string

	Args, Fields          []argView // positional, and by name; what is required is first
	Path1, Query, Headers []argView // the parameters
	Body                  string    // the expression of a body of JSON; "" without
	Content               string    // the media type of another body; "" without

	Answer string // the class of JSON; "" without
	File   bool
	Pages  *pagesView

	Request, Response string   // the classes of the published SDK's style
	Aliases           []string // other names of Request
	Result            string   // the name of what a success has; "" without
	ResultType        string
	ResultField       string // of an answer that is only a list
}

// argView is an argument. Default is "" of one that is required.
type argView struct{ Name, Wire, Type, Default, Doc string }

// pagesView has the expressions that lead to the parts of an answer.
type pagesView struct {
	Item, Request                  string
	Current, Next, Previous, Items string
}

func (d *documentView) groupView(group model.Group) groupView {
	view := groupView{
		Module: group.Name, Class: capital(group.Name), Models: d.Module, Results: d.document.Name == "api",
		Doc: fmt.Sprintf("The operations of the group %s, below %s.", group.Name, d.document.Prefix),
	}
	var used []*model.Type
	for _, operation := range group.Operations {
		view.Operations = append(view.Operations, d.operationView(operation))
		for _, result := range operation.Results {
			if result.Type != nil {
				collect(*result.Type, &used)
			}
		}
		for _, p := range operation.Parameters {
			collect(p.Type, &used)
		}
		if operation.Body != nil {
			collect(operation.Body.Type, &used)
		}
	}
	for _, t := range d.Types {
		if slices.ContainsFunc(used, func(u *model.Type) bool { return u.Name != "" && capital(u.Name) == t.Name }) {
			view.Types = append(view.Types, t.Name)
		}
	}
	return view
}

// pageAliases are names that the dialect's documentation has for requests, and its published SDK
// does not.
var pageAliases = map[string]string{"getApikeysPage": "GetApikeyPageRequest"}

func (d *documentView) operationView(o model.Operation) operationView {
	view := operationView{
		Name: o.Name, ID: o.ID, Method: o.Method, Path: d.document.Prefix + o.Path, Retry: string(o.Retry),
		Vault: d.document.Name == "pam", Open: slices.Contains(o.Security, model.NoAuth),
		Request: capital(o.ID) + "Request", Response: capital(o.ID) + "Response", Accept: "application/json",
	}
	view.Aliases = append(slices.Clone(o.Aliases[""]), o.Aliases["python"]...)
	if alias := pageAliases[o.ID]; alias != "" && !slices.Contains(view.Aliases, alias) {
		view.Aliases = append(view.Aliases, alias)
	}
	d.addBody(&view, o)
	d.addParameters(&view, o)
	d.addAnswer(&view, o)
	slices.SortStableFunc(view.Fields, func(a, b argView) int {
		return cmp.Compare(min(len(a.Default), 1), min(len(b.Default), 1))
	})
	d.checkArguments(view, o)
	view.Doc, view.PagesDoc = d.methodDoc(view, o)
	return view
}

// addParameters makes arguments of parameters. One of the query that the body has as well is left
// out: it is another form of the same request.
func (d *documentView) addParameters(view *operationView, o model.Operation) {
	for _, p := range o.Parameters {
		arg := argView{
			Name: local(p.Name), Wire: p.Name, Type: d.pyType(p.Type, true, p.Doc, p.At),
			Doc: sentence(p.Doc) + limits(p.Type),
		}
		if p.In == "query" && slices.ContainsFunc(view.Fields, func(f argView) bool { return f.Wire == p.Name }) {
			continue
		}
		switch p.In {
		case "path":
			view.Path1 = append(view.Path1, arg)
			view.Args = slices.Insert(view.Args, len(view.Path1)-1, arg)
			continue
		case "query":
			view.Query = append(view.Query, arg)
		case "header":
			view.Headers = append(view.Headers, arg)
		}
		if !p.Required {
			arg.Type, arg.Default = arg.Type+" | None", "None"
		}
		view.Fields = append(view.Fields, arg)
	}
	for _, arg := range view.Path1 {
		if !strings.Contains(o.Path, "{"+arg.Wire+"}") {
			d.fault(o.At, "the path %s has no place for %s", o.Path, arg.Wire)
		}
	}
	if strings.Count(o.Path, "{") != len(view.Path1) {
		d.fault(o.At, "the path %s has a place without a parameter", o.Path)
	}
}

// checkArguments holds that the arguments of a method differ.
func (d *documentView) checkArguments(view operationView, o model.Operation) {
	names := []string{"options"}
	for _, arg := range slices.Concat(view.Args, view.Fields) {
		if slices.Contains(names, arg.Name) {
			d.fault(o.At, "two arguments of %s are %s", o.ID, arg.Name)
		}
		names = append(names, arg.Name)
	}
}

func (d *documentView) addAnswer(view *operationView, o model.Operation) {
	if len(o.Results) != 1 {
		d.fault(o.At, "%s has %d answers of success, which is not understood", o.ID, len(o.Results))
		return
	}
	result := o.Results[0]
	view.File, view.Result = result.Binary, local(cmp.Or(o.Result, resultName(o)))
	switch {
	case result.Binary:
		view.ResultType, view.Accept = "File", "*/*"
		if len(result.MediaTypes) == 1 { // a choice of files is left to a parameter
			view.Accept = result.MediaTypes[0]
		}
	case result.Type == nil:
		view.Result = ""
	case result.Type.Type.Kind != model.Object:
		d.fault(result.At, "an answer of %s is not understood", result.Type.Type.Kind)
	default:
		view.Answer = capital(result.Type.Name)
		view.ResultType = view.Answer
	}
	if o.Pages != nil {
		view.Indent = "    "
		view.Pages = &pagesView{
			Item: d.pyType(o.Pages.Item, false, "", o.At), Request: local(o.Pages.Request),
			Current: expression(o.Pages.Current), Next: expression(o.Pages.Next),
			Previous: expression(o.Pages.Previous), Items: expression(o.Pages.Items),
		}
		view.ResultType = "list[" + view.Pages.Item + "]"
	} else if result.Type != nil && len(result.Type.Type.Fields) == 1 &&
		result.Type.Type.Fields[0].Type.Type.Kind == model.Array {
		view.ResultField, view.ResultType = local(result.Type.Type.Fields[0].Name), "list[dict[str, Any]]"
	}
}

// resultName names the result of an operation whose document does not: "clients" of a list,
// otherwise the name without its verb.
func resultName(o model.Operation) string {
	if o.Pages != nil {
		parts := strings.Split(o.Pages.Items, "/")
		return parts[len(parts)-1]
	}
	_, name, _ := strings.Cut(o.Name, "_")
	return strings.Replace(name, "_site2site", "", 1)
}

// expression turns a JSON pointer into attributes: "/cursor/next" is "cursor.next".
func expression(pointer string) string {
	parts := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, part := range parts {
		parts[i] = local(part)
	}
	return strings.Join(parts, ".")
}

// methodDoc returns the docstrings of a method that sends, and of one that returns pages.
func (d *documentView) methodDoc(view operationView, o model.Operation) (doc, pages string) {
	paragraphs := []string{sentence(o.Summary), o.Description}
	var facts []string
	switch {
	case view.Open:
		facts = append(facts, "It needs no credential.")
	case o.Scope != "" && o.Method == http.MethodGet:
		facts = append(facts, "It needs the right to read "+o.Scope+".")
	case o.Scope != "":
		facts = append(facts, "It needs the right to write "+o.Scope+".")
	}
	if o.NotModified {
		facts = append(facts, "The file is not_modified when it is still the one that the arguments name.")
	}
	var errors []string
	for _, status := range o.Errors {
		if name := errorName(status); !slices.Contains(errors, name) {
			errors = append(errors, name)
		}
	}
	paragraphs = append(paragraphs, strings.Join(facts, " "))
	var args []string
	for _, arg := range slices.Concat(view.Args, view.Fields) {
		if arg.Doc != "" {
			args = append(args, "\n- "+arg.Name+": "+strings.Join(strings.Fields(arg.Doc), " "))
		}
	}
	if len(args) > 0 {
		paragraphs = append(paragraphs, "Arguments:"+strings.Join(args, ""))
	}
	if len(errors) > 0 {
		paragraphs = append(paragraphs, "Errors of the server: "+strings.Join(errors, ", ")+".")
	}
	paragraphs = append(paragraphs, fmt.Sprintf("Source: %s %s, operation %s.", o.Method, view.Path, o.ID))
	return docstring(8, paragraphs...), docstring(8, sentence(o.Summary))
}

// errorName returns the class of the errors of a status.
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
