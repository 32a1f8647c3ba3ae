package api_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// right is what the document demands of the caller of an operation.
type right struct {
	method, path string // the ids in the path do not exist
	id           string
	public       bool
	scope        domain.Scope
	write        bool
}

// rights reads the document without the code that the service reads it with.
func rights(t *testing.T) []right {
	t.Helper()
	spec := contract(t)
	var list []right
	for path, item := range spec.Paths.Map() {
		for method, operation := range item.Operations() {
			scope, _ := operation.Extensions["x-scope"].(string)
			list = append(list, right{
				method: method, path: "/api" + onAbsent(path),
				id:     operation.OperationID,
				public: isPublic(spec, operation), scope: domain.Scope(scope), write: method != http.MethodGet,
			})
		}
	}
	return list
}

// isPublic applies the rules of OpenAPI 3.0: an operation's own list of requirements counts, or
// else the document's.
func isPublic(spec *openapi3.T, operation *openapi3.Operation) bool {
	requirements := spec.Security
	if operation.Security != nil {
		requirements = *operation.Security
	}
	return len(requirements) == 0
}

const self = "self"

func TestScopes(t *testing.T) {
	t.Parallel()
	used := map[domain.Permission]bool{}
	for _, r := range rights(t) {
		switch {
		case r.public && r.scope != "":
			t.Errorf("%s is public, and has the scope %s", r.id, r.scope)
		case !r.public && r.scope == "":
			t.Errorf("%s has no scope", r.id)
		case !r.public && r.scope != self && !r.scope.Known():
			t.Errorf("%s has the scope %s, which there is not", r.id, r.scope)
		}
		used[domain.Permission{Scope: r.scope, Read: !r.write, Write: r.write}] = true
	}
	// Every right that can be granted is needed by an operation.
	for _, p := range domain.Scopes() {
		if read := used[domain.Permission{Scope: p.Scope, Read: true}]; read != p.Read {
			t.Errorf("%s can be read: %v, and there are operations that do: %v", p.Scope, p.Read, read)
		}
		if write := used[domain.Permission{Scope: p.Scope, Write: true}]; write != p.Write {
			t.Errorf("%s can be written: %v, and there are operations that do: %v", p.Scope, p.Write, write)
		}
	}
}

// caller has a token, and the rights of its holder; without a token it is anonymous.
type caller struct {
	name, token string
	superuser   bool
	rights      domain.Rights
}

// callers returns one without a token, one without rights, one with all rights, and for each scope
// those with one right on it alone and one with the rights on all other scopes.
func callers(t *testing.T, s *wiretest.Server) []caller {
	t.Helper()
	list := []caller{
		{name: "nobody"}, {name: "powerless", token: s.Powerless}, {name: "superuser", token: s.Token, superuser: true},
	}
	add := func(name string, scopes ...domain.Permission) {
		token := s.APIKey(t, domain.APIKey{Name: name}, s.Role(t, name, scopes...))
		list = append(list, caller{name: name, token: token, rights: domain.RightsOf(scopes)})
	}
	for i, p := range domain.Scopes() {
		var others []domain.Permission
		for j, other := range domain.Scopes() {
			if j != i {
				others = append(others, domain.Permission{Scope: other.Scope, Read: true, Write: true})
			}
		}
		add(fmt.Sprintf("only reads %s", p.Scope), domain.Permission{Scope: p.Scope, Read: true})
		add(fmt.Sprintf("only writes %s", p.Scope), domain.Permission{Scope: p.Scope, Write: true})
		add(fmt.Sprintf("all but %s", p.Scope), others...)
	}
	return list
}

// Every operation is open to the callers that the document says, and to no others. Authorization
// comes first, so the requests need not be valid.
func TestMatrix(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	s := wiretest.Start(t)
	everybody := callers(t, s)
	before := inventory(t, s)
	for _, r := range rights(t) {
		for _, who := range everybody {
			want := 0 // neither 401 nor 403
			switch {
			case r.public:
			case who.token == "":
				want = http.StatusUnauthorized
			case r.scope == self || who.superuser || who.rights.Allow(r.scope, r.write):
			default:
				want = http.StatusForbidden
			}
			header := []string{"Authorization", "Bearer " + who.token, "Accept-Language", "en"}
			if who.token == "" {
				header[1] = ""
			}
			got := send(t, s, r.method, r.path, "", header...)
			refusal := 0
			if got.status == http.StatusUnauthorized || got.status == http.StatusForbidden {
				refusal = got.status
			}
			if refusal != want {
				t.Errorf("%s (%s %s) answers %d to %q, not %d", r.id, r.method, r.path, got.status, who.name, want)
			}
			needed := fmt.Sprintf("%s (%s)", r.scope, map[bool]string{false: "read", true: "write"}[r.write])
			if want == http.StatusForbidden && !bytes.Contains(got.body, []byte(needed)) {
				t.Errorf("%s does not say to %q that it requires %s: %s", r.id, who.name, needed, got.body)
			}
		}
	}
	before.unchanged(t, s)
}

// onAbsent is a path of the document with ids that nothing has.
func onAbsent(path string) string {
	return strings.NewReplacer("{id}", "9007199254740991", "{instance_id}", "9007199254740991").Replace(path)
}
