package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

const (
	slipOfParameter = "Unknown parameter; the nearest is %s."
	slipOfField     = "Unknown field; the nearest is %s."
	answerOnly      = "A field of the answer only: it can't be set."
)

// misspelt are slips of a name: its last letter twice, two letters swapped, one missing, and other
// cases. A name of two letters has other cases only.
func misspelt(name string) []string {
	words := strings.Split(name, "_")
	for i, word := range words[1:] {
		words[i+1] = strings.ToUpper(word[:1]) + word[1:]
	}
	slips := []string{strings.ToUpper(name), name + "-", strings.Join(words, "")}
	if len(name) > 2 {
		slips = append(slips, name+name[len(name)-1:], name[1:2]+name[:1]+name[2:], name[:1]+name[2:])
	}
	return slices.DeleteFunc(slips, func(slip string) bool { return slip == name })
}

// messages are the texts of an answer's errors, by field.
func (a answer) messages(t *testing.T) map[string]string {
	t.Helper()
	var body gen.Errors
	if len(a.body) > 0 && a.body[0] == '{' {
		if err := json.Unmarshal(a.body, &body); err != nil {
			t.Fatalf("%v in %s", err, a.body)
		}
	}
	texts := map[string]string{}
	for _, one := range body.Errors {
		texts[one.Field] += one.Msg
	}
	return texts
}

// eachOperation calls a function with each operation of the document, and a path of its own.
func eachOperation(t *testing.T, call func(method, path string, item *openapi3.PathItem, o *openapi3.Operation)) {
	t.Helper()
	for path, item := range contract(t).Paths.Map() {
		for method, operation := range item.Operations() {
			call(method, "/api"+onAbsent(path), item, operation)
		}
	}
}

// A misspelt copy of each query parameter of each operation is told; a public one ignores it.
func TestSlips_OfEveryParameter(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	var public []string
	eachOperation(t, func(method, path string, item *openapi3.PathItem, o *openapi3.Operation) {
		ask := func(slip string) (int, string) {
			got := send(t, s, method, path+"?"+slip+"=1", "", "Accept-Language", "en")
			return got.status, got.messages(t)[slip]
		}
		if o.Security != nil && len(*o.Security) == 0 {
			public = append(public, o.OperationID)
			if _, text := ask("unheard"); text != "" {
				t.Errorf("%s ?unheard: %s", o.OperationID, text)
			}
			return
		}
		var known []string
		for _, parameter := range slices.Concat(item.Parameters, o.Parameters) {
			if parameter.Value.In == openapi3.ParameterInQuery {
				known = append(known, parameter.Value.Name)
			}
		}
		for _, name := range known {
			for _, slip := range misspelt(name) {
				if status, text := ask(slip); status != 400 || text != fmt.Sprintf(slipOfParameter, name) {
					t.Errorf("%s ?%s: %d %q", o.OperationID, slip, status, text)
				}
			}
		}
		want := "Unknown parameter; the known ones are: " + strings.Join(known, ", ") + "."
		if len(known) == 0 {
			want = "Unknown parameter: this operation takes none in the URL."
		}
		if status, text := ask("unheard"); status != 400 || text != want {
			t.Errorf("%s ?unheard: %d %q", o.OperationID, status, text)
		}
	})
	slices.Sort(public)
	if diff := cmp.Diff([]string{"createToken", "createTokenV1", "getCaCrl", "getCaCrlBundle"}, public); diff != "" {
		t.Errorf("public operations, which ignore unknown parameters (-want +got):\n%s", diff)
	}
}

// place is where an object stands in a body: what is written around it, and its path in errors.
type place struct {
	before, after, path string
	names, answered     []string
}

// placesIn lists the objects of a body, by the schemas of request and answer.
func placesIn(request, answer *openapi3.Schema, at place) (places []place) {
	for request != nil && request.Items != nil {
		request, at.before, at.after, at.path = request.Items.Value, at.before+"[", "]"+at.after, at.path+"[0]"
		if answer != nil && answer.Items != nil {
			answer = answer.Items.Value
		}
	}
	for _, one := range request.OneOf {
		if one.Value.Type.Is("object") {
			request, answer = one.Value, nil
		}
	}
	if at.names = slices.Sorted(maps.Keys(request.Properties)); len(at.names) == 0 {
		return nil
	}
	inner := map[string]*openapi3.Schema{}
	if answer != nil {
		for name, property := range answer.Properties {
			if inner[name] = property.Value; request.Properties[name] == nil {
				at.answered = append(at.answered, name)
			}
		}
	}
	if at.path != "" {
		at.path += "."
	}
	places = append(places, at)
	for _, name := range at.names {
		places = append(places, placesIn(request.Properties[name].Value, inner[name], place{
			before: at.before + `{"` + name + `": `, after: "}" + at.after, path: at.path + name,
		})...)
	}
	return places
}

func jsonOf(content openapi3.Content) *openapi3.Schema {
	if media := content.Get("application/json"); media != nil {
		return media.Schema.Value
	}
	return nil
}

// A misspelt copy of each field of each body is told, and each field that only the answer has; with
// PUT the latter is ignored.
func TestSlips_OfEveryField(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	nested := 0
	eachOperation(t, func(method, path string, _ *openapi3.PathItem, o *openapi3.Operation) {
		if o.RequestBody == nil || jsonOf(o.RequestBody.Value.Content) == nil {
			return
		}
		answer := jsonOf(o.Responses.Status(http.StatusOK).Value.Content)
		for _, at := range placesIn(jsonOf(o.RequestBody.Value.Content), answer, place{}) {
			if at.path != "" {
				nested++
			}
			tell := func(key, want string) {
				body := at.before + `{"` + key + `": 1}` + at.after
				got := send(t, s, method, path, body, "Accept-Language", "en")
				if text := got.messages(t)[at.path+key]; want != "" && (got.status != 409 || text != want) ||
					want == "" && text == answerOnly {
					t.Errorf("%s %s: %d %q", o.OperationID, body, got.status, text)
				}
			}
			for _, name := range at.names {
				for _, slip := range misspelt(name) {
					tell(slip, fmt.Sprintf(slipOfField, name))
				}
			}
			for _, name := range at.answered {
				tell(name, map[bool]string{false: answerOnly}[method == http.MethodPut])
			}
		}
	})
	if nested < 6 {
		t.Errorf("only %d objects in objects", nested)
	}
}

// A record can be sent back as it was read.
func TestSlips_RecordsComeBack(t *testing.T) {
	t.Parallel()
	s := withCA(t)
	paths := []string{"/api/openvpn/cas/1", "/api/pam/devices/1"}
	send(t, s, "POST", "/api/pam/devices/import", "hostname,ip,model,type,vendor,site\nx,10.0.0.1,m,t,v,s\n",
		"Content-Type", "text/csv").want(t, 200, "", "")
	for _, one := range [][2]string{
		{"/api/openvpn/clients/site2site", `{"ca_id": 1, "name": "site", "email": "a@b.c"}`},
		{"/api/roles", `{"name": "role", "scopes": [{"name": "pam.devices", "read": true, "write": true}]}`},
		{"/api/3rdparty/apikeys", `{"name": "key", "roles": [1], "expires_at": "2999-01-01"}`},
		{"/api/users", `{"username": "maria", "password": "correct horse battery", "roles": [1]}`},
		{"/api/pam/domains", `{"name": "example.com"}`},
		{"/api/pam/applications", `{"name": "app", "method": "oauth2"}`},
		{"/api/pam/authorizations", `{"application_id": 1, "name": "auth", "resources": ["PAM Core"]}`},
	} {
		made := send(t, s, "POST", one[0], one[1]).object(t)
		paths = append(paths, fmt.Sprintf("%s/%.0f", one[0], made["id"]))
	}
	for _, path := range paths {
		read := send(t, s, "GET", path, "").object(t)
		record, err := json.Marshal(read)
		if err != nil {
			t.Fatal(err)
		}
		send(t, s, "PUT", path, string(record)).want(t, 200, "", "")
	}
}
