package contract_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// TestRequests: a running server answers every request of the examples as the document says. No
// operation is left out. What one example makes, later ones use.
func TestRequests(t *testing.T) {
	t.Parallel()
	t.Run("api", func(t *testing.T) {
		t.Parallel()
		// Nobody listens at the mail server: a test letter says so.
		server := start(t, "--webhook-allow", "127.0.0.0/8",
			"--smtp-host", "127.0.0.1", "--smtp-port", "1", "--smtp-mode", "plain", "--smtp-from", "chaveiro@example.com")
		delivered := map[string]string{"/webhooks/{id}/deliveries": addWebhook(t, server)}
		sendAll(t, server, "api", delivered, bearer(server.Token), values{"eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9": server.Token})
	})
	t.Run("pam", func(t *testing.T) {
		t.Parallel()
		server := start(t)
		addDevices(t, server, 31)
		tokens, signing := authorize(t, server, "oauth2"), authorize(t, server, "oauth1")
		for _, enter := range []login{bearer(vaultToken(t, server, tokens)), signing.inHeader, signing.inQuery} {
			sendAll(t, server, "pam", map[string]string{}, enter, values{
				"0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4": tokens.ClientID,
				"00112233445566778899aabbccddeeff":          tokens.ClientSecret,
			})
		}
	})
}

// TestRequests_Exceptions: the operations that are treated in another way are in a document.
func TestRequests_Exceptions(t *testing.T) {
	t.Parallel()
	var known []string
	for _, contract := range contracts {
		for _, one := range samples(read(t, contract.name)) {
			known = append(known, one.operation.OperationID)
		}
	}
	for _, id := range slices.Concat(
		first, soon, last, ownUser, slices.Collect(maps.Keys(otherIDs)), slices.Collect(maps.Keys(queries)),
	) {
		if !slices.Contains(known, id) {
			t.Errorf("%s is no operation", id)
		}
	}
}

// values replaces credentials of examples: no server has issued those.
type values map[string]string

// first, soon and last are operations whose place is not the one of their method and path: others
// need what the first make, and then the soon ones, and the last undo what others do, or can't be
// undone.
var (
	soon = []string{
		"updateClientSite2SiteConfig", "createClientSite2SiteEnrolment", "rotateInstanceControlKey",
		"createClientSite2SiteProfile", "createClientSite2User", "createClientSite2UserEnrolment",
		"updateInstance", // which begins a campaign
	}
	first = []string{"createUser", "importCa"}
	last  = []string{
		"enableDevice", "revokeClientSite2SiteFor", "revokeClientSite2UserFor", "endInstanceCampaign", "deleteInstance",
	}
)

// otherIDs are used in place of those of the examples.
var otherIDs = map[string]string{
	"deleteCa": "2", // 1 has the certificates of the clients
}

// queries are added to requests whose examples have none.
var queries = map[string]string{
	"deleteInstance": "force=true", // a user is there
}

// ownUser are operations that change the caller, which a user must be.
var ownUser = []string{"updateUserInfo"}

// sample is a request of an example.
type sample struct {
	item         *openapi3.PathItem
	operation    *openapi3.Operation
	method, path string
	media        string // of the body; empty: there is none
	body         any
}

// sendAll sends the requests of a document. ids are those of what was made last, by the path of the
// collection.
func sendAll(
	t *testing.T, server *apptest.Client, name string, ids map[string]string, enter login, replaced values,
) {
	t.Helper()
	doc := read(t, name)
	for _, one := range samples(doc) {
		enter := enter
		switch {
		case one.operation.Security != nil && len(*one.operation.Security) == 0:
			enter = nil
		case slices.Contains(ownUser, one.operation.OperationID):
			enter = bearer(userToken(t, server))
		}
		r := one.request(t, server.URL+doc.Servers[0].URL, ids, replaced, enter)
		response, body := exchange(t, r)
		checkAnswer(t, doc, one, r, response, body)
		var made struct{ ID json.Number }
		if r.Method == http.MethodPost && json.Unmarshal(body, &made) == nil {
			ids[one.path] = made.ID.String()
		}
	}
}

// samples lists the requests of a document in an order in which each succeeds: what makes
// something, what reads, what changes, and what takes away, there from the last path to the first.
func samples(doc *openapi3.T) []sample {
	var all []sample
	for path, item := range doc.Paths.Map() {
		for method, operation := range item.Operations() {
			one := sample{item: item, operation: operation, method: method, path: path}
			all = append(all, one.withBodies()...)
		}
	}
	slices.SortFunc(all, func(a, b sample) int {
		byPath := strings.Compare(a.path, b.path)
		if a.method == http.MethodDelete {
			byPath = -byPath
		}
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), byPath, strings.Compare(a.method+a.media, b.method+b.media))
	})
	return all
}

func (s sample) rank() int {
	switch {
	case s.operation.OperationID == "deleteInstance": // after its campaign has ended
		return 7
	case slices.Contains(first, s.operation.OperationID):
		return 0
	case slices.Contains(soon, s.operation.OperationID):
		return 2
	case s.method == http.MethodPost && !strings.Contains(s.path, "{"):
		return 1
	case s.method == http.MethodGet:
		return 3
	case slices.Contains(last, s.operation.OperationID):
		return 6
	case s.method == http.MethodDelete:
		return 5
	}
	return 4
}

// withBodies returns the sample once for every example of a body. A form that has none has those of
// JSON.
func (s sample) withBodies() []sample {
	if s.operation.RequestBody == nil {
		return []sample{s}
	}
	var all []sample
	content := s.operation.RequestBody.Value.Content
	for media, one := range content {
		bodies := bodiesOf(one)
		if len(bodies) == 0 {
			bodies = bodiesOf(content["application/json"])
		}
		for _, body := range bodies {
			with := s
			with.media, with.body = media, body
			all = append(all, with)
		}
	}
	return all
}

func bodiesOf(media *openapi3.MediaType) []any {
	var bodies []any
	for _, name := range slices.Sorted(maps.Keys(media.Examples)) {
		bodies = append(bodies, media.Examples[name].Value.Value)
	}
	if body := cmp.Or(media.Example, media.Schema.Value.Example); body != nil && len(bodies) == 0 {
		bodies = append(bodies, body)
	}
	return bodies
}

// request makes the request, with the examples of all parameters.
func (s sample) request(t *testing.T, base string, ids map[string]string, replaced values, enter login) *http.Request {
	t.Helper()
	path, query, header := s.path, url.Values{}, http.Header{}
	for _, ref := range slices.Concat(s.item.Parameters, s.operation.Parameters) {
		value := ""
		if ref.Value.Example != nil {
			value = fmt.Sprint(ref.Value.Example)
		}
		switch in := ref.Value.In; {
		case in == "path":
			outer, _, _ := strings.Cut(s.path, "/{")
			collection, _, _ := strings.Cut(s.path, "/{"+ref.Value.Name+"}")
			value = cmp.Or(otherIDs[s.operation.OperationID], value, ids[collection], ids[outer])
			path = strings.ReplaceAll(path, "{"+ref.Value.Name+"}", url.PathEscape(value))
		case in == "query" && value != "":
			query.Set(ref.Value.Name, value)
		case in == "header" && value != "":
			header.Set(ref.Value.Name, value)
		}
	}
	text, form := s.encode(t, replaced)
	r, err := http.NewRequestWithContext(t.Context(), s.method, base+path, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	r.URL.RawQuery, r.Header = cmp.Or(queries[s.operation.OperationID], query.Encode()), header
	if s.media != "" {
		r.Header.Set("Content-Type", s.media)
	}
	if enter != nil {
		enter(r, form)
	}
	return r
}

// encode returns the body as it is sent, and the parameters of a form.
func (s sample) encode(t *testing.T, replaced values) (string, url.Values) {
	t.Helper()
	members, _ := s.body.(map[string]any)
	members = maps.Clone(members)
	for name, value := range members {
		if text, ok := value.(string); ok && replaced[text] != "" {
			members[name] = replaced[text]
		}
	}
	switch s.media {
	case "application/json":
		text, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		return string(text), nil
	case "application/x-www-form-urlencoded":
		form := url.Values{}
		for name, value := range members {
			form.Set(name, fmt.Sprint(value))
		}
		return form.Encode(), form
	case "":
		return "", nil
	}
	return s.body.(string), nil
}

func exchange(t *testing.T, r *http.Request) (*http.Response, []byte) {
	t.Helper()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, body
}
