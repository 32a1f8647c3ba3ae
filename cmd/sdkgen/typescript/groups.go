package typescript

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/chaveiro/chaveiro/cmd/sdkgen/model"
)

// groupView is a group of the SDK, which is a class and a field.
type groupView struct {
	Comment    string
	Name       string // of the field and the file
	Class      string
	Operations []operationView
	Factories  []factoryView
}

// operationView is a method.
type operationView struct {
	Comment  string
	Name     string
	Aliases  []string
	Request  *requestView
	Constant []string // the fields of the operation, as they are written
	Answer   string   // the type of the payload
	Pages    *pagesView
}

// requestView is the type of what a method takes.
type requestView struct {
	Comment  string
	Name     string
	Base     string // the type of the body; "" without
	Fields   []fieldView
	Optional bool // nothing of it is required
}

// factoryView makes an empty request, as the published examples do.
type factoryView struct{ Name, Type string }

// pagesView has the names that lead to the parts of an answer.
type pagesView struct{ Item, Request, Parts string }

func (d *documentView) addGroups() {
	for _, group := range d.document.Groups {
		view := groupView{Name: camel(group.Name), Class: pascal(group.Name) + "Group"}
		d.claim(view.Class, d.document.Name)
		view.Comment = comment(0, fmt.Sprintf(
			"The operations of the group %s, below %s. Each can fail as errors.ts says.", group.Name, d.document.Prefix,
		))
		names := map[string]string{}
		for _, operation := range group.Operations {
			made := d.operationView(operation)
			for _, name := range append([]string{made.Name}, made.Aliases...) {
				if other, ok := names[name]; ok {
					d.fault(operation.At, "the method %s is taken by %s", name, other)
				}
				names[name] = operation.At
			}
			view.Operations = append(view.Operations, made)
			view.addFactories(operation, made)
		}
		d.groups = append(d.groups, view)
	}
}

// addFactories adds sdk.openvpn.types.ImportClientSite2Site() of importClientSite2Site, and
// ClientSite2Site() of createClientSite2Site.
func (g *groupView) addFactories(o model.Operation, made operationView) {
	if o.Body == nil || o.Body.Binary || made.Request == nil {
		return
	}
	names := []string{pascal(o.Name)}
	if created, ok := strings.CutPrefix(names[0], "Create"); ok {
		names = append(names, created)
	}
	for _, name := range names {
		for _, spelled := range slices.Compact([]string{name, respelled(name)}) {
			g.Factories = append(g.Factories, factoryView{spelled, made.Request.Name})
		}
	}
}

func (d *documentView) operationView(o model.Operation) operationView {
	view := operationView{Name: camel(o.Name), Aliases: aliases(o), Answer: "void"}
	view.put("id", strconv.Quote(o.ID))
	view.put("method", strconv.Quote(o.Method))
	view.put("path", strconv.Quote(d.document.Prefix+o.Path))
	view.put("retry", strconv.Quote(string(o.Retry)))
	d.addRequest(&view, o)
	d.addAnswer(&view, o)
	if d.document.Name == "pam" {
		view.put("vault", "true")
	}
	if slices.Contains(o.Security, model.NoAuth) {
		view.put("open", "true")
	}
	if o.Pages != nil {
		d.addPages(&view, o)
	}
	view.Comment = comment(2, sentence(o.Summary), o.Description, d.facts(view, o))
	return view
}

func (v *operationView) put(name, expression string) {
	v.Constant = append(v.Constant, name+": "+expression)
}

// facts says what a method needs and how it can fail.
func (d *documentView) facts(view operationView, o model.Operation) string {
	var texts []string
	switch {
	case slices.Contains(o.Security, model.NoAuth):
		texts = append(texts, "It needs no credential.")
	case o.Scope != "" && o.Method == http.MethodGet:
		texts = append(texts, "It needs the right to read "+o.Scope+".")
	case o.Scope != "":
		texts = append(texts, "It needs the right to write "+o.Scope+".")
	}
	if view.Answer == "SdkFile" && o.NotModified {
		texts = append(texts, "The file is notModified when it is still the one that the request names.")
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
	texts = append(texts, fmt.Sprintf("Source: %s %s, operation %s.", o.Method, d.document.Prefix+o.Path, o.ID))
	return strings.Join(texts, " ")
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

// addRequest makes one type of the parameters and the body.
func (d *documentView) addRequest(view *operationView, o model.Operation) {
	request := requestView{Name: typeName(d.document, pascal(o.Name)+"Request"), Optional: true}
	taken := map[string]bool{}
	places := map[string][]string{}
	for _, p := range o.Parameters {
		field := d.parameter(p, &request, taken)
		places[p.In] = append(places[p.In], strconv.Quote(p.Name)+": "+strconv.Quote(field))
	}
	checkPath(d, o)
	for _, place := range []struct{ in, name string }{{"path", "args"}, {"query", "query"}, {"header", "header"}} {
		if texts := places[place.in]; len(texts) > 0 {
			view.put(place.name, "{ "+strings.Join(texts, ", ")+" }")
		}
	}
	d.addBody(view, &request, taken, o)
	if request.Base == "" && len(request.Fields) == 0 {
		return
	}
	d.claim(request.Name, o.At)
	request.Comment = comment(0, "What "+view.Name+" takes.")
	view.Request = &request
}

// parameter adds a parameter to a request and returns its name.
func (d *documentView) parameter(p model.Parameter, request *requestView, taken map[string]bool) string {
	name := camel(p.Name)
	if taken[name] {
		d.fault(p.At, "the parameter %s is taken", name)
	}
	taken[name] = true
	switch p.Type.Type.Kind {
	case model.String, model.Enum, model.Integer, model.Number, model.Boolean, model.DateTime, model.Date:
	default:
		d.fault(p.At, "the parameter %s is no single value, which is not understood", p.Name)
	}
	text := sentence(p.Doc)
	if p.Type.Name == "" {
		text = withLimits(text, p.Type.Type)
	}
	required := p.Required || p.In == "path"
	kind := d.tsType(p.Type, true, p.At)
	if p.Type.Name != "" {
		kind = "types." + kind
	}
	field := fieldView{comment(2, text), name, kind, !required}
	if required {
		request.Optional = false
	} else {
		field.Type += " | undefined"
	}
	request.Fields = append(request.Fields, field)
	return name
}

// checkPath holds that a path has a place for each of its parameters, and no other.
func checkPath(d *documentView, o model.Operation) {
	rest := o.Path
	for _, p := range o.Parameters {
		if p.In != "path" {
			continue
		}
		if !strings.Contains(rest, "{"+p.Name+"}") {
			d.fault(o.At, "the path %s has no place for %s", o.Path, p.Name)
		}
		rest = strings.Replace(rest, "{"+p.Name+"}", "", 1)
	}
	if strings.Contains(rest, "{") {
		d.fault(o.At, "the path %s has a place without a parameter", o.Path)
	}
}

func (d *documentView) addBody(view *operationView, request *requestView, taken map[string]bool, o model.Operation) {
	switch body := o.Body; {
	case body == nil:
	case body.Binary:
		if taken["content"] {
			d.fault(body.At, "the parameter content is taken")
		}
		view.put("content", strconv.Quote(body.MediaType))
		doc := comment(2, "The body, of "+body.MediaType+".")
		request.Fields = append(request.Fields, fieldView{doc, "content", "Content", false})
		request.Optional = false
	case body.MediaType != "application/json":
		d.fault(body.At, "a body of %s is not understood", body.MediaType)
	default:
		request.Base = d.tsType(body.Type, true, body.At)
		if shape := d.shape(body.Type); shape != "" {
			view.put("json", "{ shape: shapes."+shape+" }")
		} else {
			view.put("json", "{}")
		}
		for _, field := range body.Type.Type.Fields {
			if taken[camel(field.Name)] {
				d.fault(field.At, "the field %s is a parameter, too", field.Name)
			}
			request.Optional = request.Optional && !field.Required
		}
		request.Optional = request.Optional && body.Type.Type.Kind == model.Object
	}
}

func (d *documentView) addAnswer(view *operationView, o model.Operation) {
	if len(o.Results) != 1 {
		d.fault(o.At, "%s has %d answers of success, which is not understood", o.ID, len(o.Results))
		return
	}
	result := o.Results[0]
	if len(result.MediaTypes) == 1 { // a choice of files is left to a parameter
		view.put("accept", strconv.Quote(result.MediaTypes[0]))
	}
	switch {
	case result.Binary:
		view.Answer = "SdkFile"
		view.put("file", "true")
	case result.Type == nil:
		view.put("empty", "true")
	default:
		view.Answer = d.tsType(*result.Type, false, result.At)
		if shape := d.shape(*result.Type); shape != "" {
			view.put("answer", "shapes."+shape)
		}
	}
}

func (d *documentView) addPages(view *operationView, o model.Operation) {
	if o.Pages.Cursor.Type.Kind != model.Integer {
		d.fault(o.At, "a cursor of %s is not understood", o.Pages.Cursor.Type.Kind)
	}
	parts := []string{
		"items: " + names(o.Pages.Items), "current: " + names(o.Pages.Current), "next: " + names(o.Pages.Next),
		"previous: " + names(o.Pages.Previous),
	}
	view.Pages = &pagesView{
		Item: d.tsType(o.Pages.Item, false, o.At), Request: camel(o.Pages.Request),
		Parts: "{ " + strings.Join(parts, ", ") + " }",
	}
}

// names turns a JSON pointer into names of the SDK: "/cursor/next" is ["cursor", "next"].
func names(pointer string) string {
	var texts []string
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		texts = append(texts, strconv.Quote(camel(part)))
	}
	return "[" + strings.Join(texts, ", ") + "]"
}
