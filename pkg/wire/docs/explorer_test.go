package docs_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/wire/docs"
	"github.com/chaveiro/chaveiro/pkg/wire/docs/browsertest"
)

// title is where Swagger UI has the title of a document.
const title = ".swagger-ui .info .title"

// serve starts a server with the explorer and an API that answers with what it was asked.
func serve(t *testing.T, documents ...docs.Document) string {
	t.Helper()
	mux := http.NewServeMux()
	explorer := docs.Handler(docs.Config{Documents: documents})
	mux.Handle("/docs", explorer)
	mux.Handle("/docs/", explorer)
	mux.HandleFunc("/api/openapi.json", document("Things"))
	mux.HandleFunc("/other/openapi.json", document("Others"))
	mux.HandleFunc("/api/things", echo)
	mux.HandleFunc("/api/things/", echo)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// document serves the document of the test with another title.
func document(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		content, err := os.ReadFile("testdata/things.json")
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(bytes.Replace(content, []byte(`"Things"`), []byte(strconv.Quote(name)), 1))
	}
}

// echo answers with the parts of the request that the page is to get right.
func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{
		"authorization": r.Header.Get("Authorization"), "request": r.Method + " " + r.URL.Path, "body": string(body),
	})
}

// check compares an answer as the page shows it with what echo has to say to the right request.
func check(t *testing.T, status int, response string, want map[string]string) {
	t.Helper()
	var got map[string]string
	if err := json.Unmarshal([]byte(response), &got); err != nil || status != http.StatusOK {
		t.Fatalf("got %d %s (%v), want 200 and JSON", status, response, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestExplorer_TriesRequestsOut(t *testing.T) {
	b := browsertest.Open(t)
	b.Navigate(serve(t) + "/docs")
	b.Authorize("secret-token")

	const thing = "{\n  \"name\": \"chave é\",\n  \"size\": 7\n}"
	status, response := b.TryItOut("createThing", thing)
	check(t, status, response, map[string]string{
		"authorization": "Bearer secret-token", "request": "POST /api/things", "body": thing,
	})
	for _, name := range []string{"one", "two"} {
		status, response = b.TryItOut("getThing", "", browsertest.Param{Name: "name", Value: name})
		check(t, status, response, map[string]string{
			"authorization": "Bearer secret-token", "request": "GET /api/things/" + name, "body": "",
		})
	}
	if problems := b.Problems(); len(problems) > 0 {
		t.Errorf("problems: %q", problems)
	}
}

func TestExplorer_OffersDocuments(t *testing.T) {
	server := serve(t,
		docs.Document{Name: "API", URL: "/api/openapi.json"},
		docs.Document{Name: "Other one", URL: "/other/openapi.json"})
	b := browsertest.Open(t)
	b.Navigate(server + "/docs/?document=https://example.com/openapi.json")
	b.WaitForText(title, "Things")
	b.Choose("#document", "Other one")
	b.WaitForText(title, "Others")
	b.Back()
	b.WaitForText(title, "Things")
	b.WaitFor(`#document:has(option[value="API"]:checked)`)
	b.Navigate(server + "/docs/?document=Other+one#/things/getThing")
	b.WaitForText(title, "Others")
	b.WaitFor("#operations-things-getThing.is-open")
	if problems := b.Problems(); len(problems) > 0 {
		t.Errorf("problems: %q", problems)
	}
}

func TestExplorer_HidesTheOnlyDocument(t *testing.T) {
	b := browsertest.Open(t)
	b.Navigate(serve(t) + "/docs/")
	b.WaitForText(title, "Things")
	b.WaitGone("#document")
}
