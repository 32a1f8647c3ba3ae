package model

import (
	"cmp"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// snake matches a name in snake_case.
var snake = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

const idempotencyKey = "idempotency-key"

// sentByRuntimes are the header parameters that no method takes.
var sentByRuntimes = []string{"accept-language", idempotencyKey}

// readOperation returns an operation and its group; no group when it has none.
func (r *reader) readOperation(l located) (string, Operation) {
	source := l.operation
	at := r.at(source.Origin)
	operation := Operation{
		ID: source.OperationID, Summary: source.Summary, Description: strings.TrimSpace(source.Description),
		Method: l.method, Path: l.path, Extensions: source.Extensions, At: at,
	}
	if source.OperationID == "" {
		r.fault(at, "%s %s has no operationId", l.method, l.path)
	}
	group := r.name(source, "x-sdk-group", at, true)
	operation.Name = r.name(source, "x-sdk-name", at, true)
	operation.Result = r.name(source, "x-sdk-result", at, false)
	operation.Aliases = r.aliases(source, at)
	operation.Scope, _ = source.Extensions["x-scope"].(string)
	operation.Security = r.security(source, at)
	operation.Parameters = r.parameters(l)
	operation.Body = r.body(source)
	operation.Parameters = withoutRepeated(operation)
	r.answers(source, &operation)
	operation.Pages = r.pages(&operation)
	operation.Retry = r.retry(operation, takesKey(l))
	if group != "" && r.document.Name == "pam" {
		group = Vault
	}
	return group, operation
}

// name returns an extension that is a name in snake_case.
func (r *reader) name(source *openapi3.Operation, extension, at string, required bool) string {
	value, ok := source.Extensions[extension]
	if !ok && !required {
		return ""
	}
	if !ok {
		r.fault(at, "the operation %s has no %s", source.OperationID, extension)
		return ""
	}
	text, _ := value.(string)
	if !snake.MatchString(text) {
		r.fault(at, "%s of %s is no name in snake_case: %v", extension, source.OperationID, value)
		return ""
	}
	return text
}

// aliases reads x-sdk-alias: a name, a list of names, or either of these by language.
func (r *reader) aliases(source *openapi3.Operation, at string) map[string][]string {
	value, ok := source.Extensions["x-sdk-alias"]
	if !ok {
		return nil
	}
	byLanguage, ok := value.(map[string]any)
	if !ok {
		byLanguage = map[string]any{"": value}
	}
	aliases := map[string][]string{}
	for language, value := range byLanguage {
		names, ok := texts(value)
		if !ok {
			r.fault(at, "x-sdk-alias of %s is neither a name nor a list of names", source.OperationID)
		}
		aliases[language] = names
	}
	return aliases
}

// texts returns one text or several as a list.
func texts(value any) ([]string, bool) {
	if text, ok := value.(string); ok {
		return []string{text}, true
	}
	list, ok := value.([]any)
	var found []string
	for _, one := range list {
		text, isText := one.(string)
		ok = ok && isText
		found = append(found, text)
	}
	return found, ok
}

// security returns how an operation may be authenticated, each way once.
func (r *reader) security(source *openapi3.Operation, at string) []string {
	requirements := r.source.Security
	if source.Security != nil {
		requirements = *source.Security
	}
	var ways []string
	for _, requirement := range requirements {
		for _, name := range slices.Sorted(maps.Keys(requirement)) {
			if way := r.way(name, at); !slices.Contains(ways, way) {
				ways = append(ways, way)
			}
		}
	}
	if len(ways) == 0 {
		return []string{NoAuth}
	}
	return ways
}

func (r *reader) way(name, at string) string {
	scheme := r.source.Components.SecuritySchemes[name]
	switch {
	case scheme == nil || scheme.Value == nil:
		r.fault(at, "there is no security scheme %s", name)
		return ""
	case scheme.Value.Type == "http" && scheme.Value.Scheme == "bearer":
		return Bearer
	case scheme.Value.Type == "apiKey" && scheme.Value.In == "cookie":
		return Cookie
	case scheme.Value.Type == "apiKey" && strings.HasPrefix(name, "oauth1"):
		return OAuth1
	}
	r.fault(r.at(scheme.Value.Origin), "the security scheme %s is none that is understood", name)
	return ""
}

// parameters returns those of the operation after those of its path.
func (r *reader) parameters(l located) []Parameter {
	var all []Parameter
	for _, ref := range slices.Concat(l.shared, l.operation.Parameters) {
		source := ref.Value
		if source.In == "header" && slices.Contains(sentByRuntimes, strings.ToLower(source.Name)) {
			continue
		}
		if ref.Ref == dryRunParameter {
			continue
		}
		parameter := Parameter{
			Name: source.Name, In: source.In, Doc: strings.TrimSpace(source.Description), Required: source.Required,
			Example: source.Example, At: r.at(source.Origin),
		}
		if !slices.Contains([]string{"path", "query", "header"}, source.In) {
			r.fault(parameter.At, "the parameter %s is in %s", source.Name, source.In)
			continue
		}
		if source.Schema == nil {
			r.fault(parameter.At, "the parameter %s has no schema", source.Name)
			continue
		}
		parameter.Type = r.ref(source.Schema, title(l.operation.OperationID)+title(source.Name))
		all = append(all, parameter)
	}
	return all
}

// withoutRepeated returns the parameters without those of the query that are fields of the body,
// too: one form of a request is enough.
func withoutRepeated(operation Operation) []Parameter {
	if operation.Body == nil {
		return operation.Parameters
	}
	return slices.DeleteFunc(operation.Parameters, func(p Parameter) bool {
		return p.In == "query" && slices.ContainsFunc(operation.Body.Type.Type.Fields, func(f Field) bool {
			return f.Name == p.Name
		})
	})
}

// body returns the body of a request; nil if there is none.
func (r *reader) body(source *openapi3.Operation) *Body {
	if source.RequestBody == nil {
		return nil
	}
	request := source.RequestBody.Value
	media := mediaTypes(request.Content)
	body := &Body{Required: request.Required, At: r.at(request.Origin)}
	if len(media) == 0 {
		r.fault(body.At, "the body of %s has no media type", source.OperationID)
		return nil
	}
	body.MediaType, body.Others = media[0], media[1:]
	body.Binary = !isJSON(body.MediaType) && !isForm(body.MediaType)
	content := request.Content[body.MediaType]
	body.Example = exampleOf(content)
	body.Type = r.contentType(content, body.Binary, body.At, "the body of "+source.OperationID)
	return body
}

// exampleOf returns the example of a content, or the first of several.
func exampleOf(content *openapi3.MediaType) any {
	if content.Example != nil || len(content.Examples) == 0 {
		return content.Example
	}
	first := slices.MinFunc(slices.Sorted(maps.Keys(content.Examples)), func(a, b string) int {
		return cmp.Compare(line(content.Examples[a].Value.Origin), line(content.Examples[b].Value.Origin))
	})
	return content.Examples[first].Value.Value
}

// contentType returns the type of a content. What is no file needs a schema with a name.
func (r *reader) contentType(content *openapi3.MediaType, binary bool, at, what string) Ref {
	switch {
	case binary:
		return Ref{Type: &Type{Kind: Bytes, At: at}}
	case content.Schema == nil:
		r.fault(at, "%s has no schema", what)
	case content.Schema.Ref == "":
		r.fault(at, "%s has a schema without a name", what)
	default:
		return r.ref(content.Schema, "")
	}
	return Ref{Type: &Type{Kind: Any, At: at}}
}

// mediaTypes returns those of a content by name, JSON first.
func mediaTypes(content openapi3.Content) []string {
	names := slices.Sorted(maps.Keys(content))
	slices.SortStableFunc(names, func(a, b string) int {
		return cmp.Compare(b2i(!isJSON(a)), b2i(!isJSON(b)))
	})
	return names
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func isJSON(media string) bool {
	return media == "application/json" || strings.HasSuffix(media, "+json")
}

func isForm(media string) bool { return media == "application/x-www-form-urlencoded" }

// answers reads the answers of an operation into it.
func (r *reader) answers(source *openapi3.Operation, operation *Operation) {
	answers := source.Responses.Map()
	for _, key := range slices.Sorted(maps.Keys(answers)) {
		if key == "default" {
			continue
		}
		status, err := strconv.Atoi(key)
		at := r.at(answers[key].Value.Origin)
		switch {
		case err != nil:
			r.fault(at, "%s has an answer of status %q", source.OperationID, key)
		case status/100 == 2:
			operation.Results = append(operation.Results, r.result(source.OperationID, status, answers[key].Value))
		case status == http.StatusNotModified:
			operation.NotModified = true
		case status >= http.StatusBadRequest:
			operation.Errors = append(operation.Errors, status)
		default:
			r.fault(at, "%s has an answer of status %d", source.OperationID, status)
		}
	}
	if len(operation.Results) == 0 {
		r.fault(operation.At, "the operation %s has no answer of success", source.OperationID)
	}
}

func (r *reader) result(id string, status int, answer *openapi3.Response) Result {
	result := Result{Status: status, MediaTypes: methodMedia(mediaTypes(answer.Content)), At: r.at(answer.Origin)}
	if answer.Description != nil {
		result.Doc = strings.TrimSpace(*answer.Description)
	}
	if len(result.MediaTypes) == 0 {
		return result
	}
	first := result.MediaTypes[0]
	result.Binary = slices.ContainsFunc(result.MediaTypes, func(media string) bool { return !isJSON(media) })
	if !result.Binary {
		ref := r.contentType(answer.Content[first], false, result.At, "the answer of "+id)
		result.Type = &ref
	}
	return result
}

// retry returns the class of an operation. keyed says that it takes an Idempotency-Key.
func (r *reader) retry(operation Operation, keyed bool) RetryClass {
	switch {
	case operation.Method != http.MethodPost:
		return RetrySafe
	case keyed:
		return RetryKeyed
	case slices.Contains(operation.Security, NoAuth) || r.document.Name != "pam":
		return RetryNever
	}
	return RetrySafe
}

// takesKey reports whether an operation declares the header Idempotency-Key: the server promises to
// do nothing twice for one key.
func takesKey(l located) bool {
	return slices.ContainsFunc(slices.Concat(l.shared, l.operation.Parameters), func(p *openapi3.ParameterRef) bool {
		return p.Value.In == "header" && strings.EqualFold(p.Value.Name, idempotencyKey)
	})
}
