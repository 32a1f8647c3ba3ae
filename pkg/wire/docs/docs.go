// Package docs serves the API explorer: Swagger UI over the OpenAPI documents, below [Path].
//
// It imports nothing of this module. It owns the page, its policy and the vendored files of
// swagger-ui-dist (folder swagger, unmodified). Everything the page loads comes from this binary
// and from the server that it runs in, under a Content-Security-Policy without an unsafe keyword.
// Of Swagger UI's two layouts only BaseLayout keeps to that policy.
package docs

import (
	"bytes"
	"html/template"
	"net/http"
)

// Path is where the explorer is served. Without the final slash it redirects here.
const Path = "/docs/"

// policy admits this server's own files and nothing else. Swagger UI has icons in data: URLs, in
// its style sheet.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Config tells what the explorer shows. Its zero value shows the document at /api/openapi.json.
type Config struct {
	// Documents are offered in this order; the first is shown at once. With one there is nothing to
	// choose.
	Documents []Document
}

// Document is an OpenAPI document that the same server serves.
type Document struct {
	// Name stands in the list of documents and in the address of the page. It is unique.
	Name string
	// URL is the document's path on this server, for example /api/openapi.json. The policy lets the
	// page read no other origin, so the document's own servers are relative too, or requests tried
	// out on the page fail.
	URL string
}

// Handler serves [Path] and everything below it, to anyone: the page has no secrets, and keeps the
// credentials a user types only until it is left. It answers GET and HEAD, and sends 404 for
// unknown files. Mount it at /docs and /docs/ with the paths as they are, outside of any
// compressing handler: it compresses by itself.
func Handler(cfg Config) http.Handler {
	if len(cfg.Documents) == 0 {
		cfg.Documents = []Document{{Name: "API", URL: "/api/openapi.json"}}
	}
	assets := loadAssets()
	mux := http.NewServeMux()
	mux.Handle("GET "+Path+"{$}", page(cfg.Documents, assets))
	for name, asset := range assets {
		mux.Handle("GET "+Path+name, asset)
	}
	return secure(mux)
}

// page renders index.html once. Its links to assets carry their versions, so that a browser may
// cache those forever.
func page(documents []Document, assets map[string]*asset) *asset {
	link := func(name string) string { return name + "?v=" + assets[name].version }
	index := template.New("index.html").Funcs(template.FuncMap{"asset": link})
	var html bytes.Buffer
	if err := template.Must(index.ParseFS(files, "index.html")).Execute(&html, documents); err != nil {
		panic(err) // the template is ours and takes any names
	}
	return newAsset("index.html", html.Bytes())
}

// secure sets the headers that every answer has, errors included.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}
