package wire

import (
	"bytes"
	"encoding/json"
	"net/http"
	"sync"

	"github.com/labstack/echo/v4"
	"go.yaml.in/yaml/v3"

	gen "github.com/chaveiro/chaveiro/gen/api"
	genpam "github.com/chaveiro/chaveiro/gen/pam"
	"github.com/chaveiro/chaveiro/pkg/wire/api"
	"github.com/chaveiro/chaveiro/pkg/wire/docs"
	"github.com/chaveiro/chaveiro/pkg/wire/pam"
)

// encodings reads an OpenAPI document in both encodings. The YAML is made once per process and on
// first use: making it takes half as long as the start of the process.
type encodings struct {
	asJSON, asYAML func() ([]byte, error)
}

func newEncodings(text []byte) encodings {
	return encodings{
		asJSON: func() ([]byte, error) { return text, nil },
		asYAML: sync.OnceValues(func() ([]byte, error) { return toYAML(text) }),
	}
}

// toYAML writes JSON as YAML in blocks, in the same order.
func toYAML(text []byte) ([]byte, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, err
	}
	inBlocks(&doc)
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(&doc); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func inBlocks(node *yaml.Node) {
	node.Style = 0
	for _, child := range node.Content {
		inBlocks(child)
	}
}

// served is an OpenAPI document of a dialect in one version of OpenAPI.
type served struct {
	name, prefix, file string
	text               encodings
}

// documents are all documents: of each dialect in OpenAPI 3.0, which the server is made from, and
// in OpenAPI 3.1.
var documents = []served{
	{"api", api.Prefix, "openapi", newEncodings(gen.Served)},
	{"api", api.Prefix, "openapi-3.1", newEncodings(gen.Served31)},
	{"pam", pam.Prefix, "openapi", newEncodings(genpam.Served)},
	{"pam", pam.Prefix, "openapi-3.1", newEncodings(genpam.Served31)},
}

// listed is an entry of the list of documents at /openapi.json.
type listed struct {
	Name    string `json:"name"`    // of the dialect
	Title   string `json:"title"`   // of the document
	Version string `json:"version"` // of the document
	OpenAPI string `json:"openapi"` // the version of OpenAPI
	JSON    string `json:"json"`    // the path of the document in JSON
	YAML    string `json:"yaml"`    // the path of the document in YAML
}

// mountDocuments serves the OpenAPI documents in both encodings, the list of them at the root, and
// the explorer that shows those of OpenAPI 3.0.
func mountDocuments(e *echo.Echo) {
	var shown []docs.Document
	for _, one := range documents {
		path := one.prefix + "/" + one.file
		e.GET(path+".json", document("application/json", one.text.asJSON))
		e.GET(path+".yaml", document("application/yaml", one.text.asYAML))
		if one.file == "openapi" {
			shown = append(shown, docs.Document{Name: one.name, URL: path + ".json"})
		}
	}
	e.GET("/openapi.json", document("application/json", sync.OnceValues(listDocuments)))
	explorer := echo.WrapHandler(docs.Handler(docs.Config{Documents: shown}))
	e.Any("/docs", explorer)
	e.Any("/docs/*", explorer)
	e.GET("/", func(c echo.Context) error { return c.Redirect(http.StatusTemporaryRedirect, docs.Path) })
}

func listDocuments() ([]byte, error) {
	list := make([]listed, len(documents))
	for i, one := range documents {
		text, err := one.text.asJSON()
		if err != nil {
			return nil, err
		}
		var head struct {
			OpenAPI string
			Info    struct{ Title, Version string }
		}
		if err := json.Unmarshal(text, &head); err != nil {
			return nil, err
		}
		path := one.prefix + "/" + one.file
		list[i] = listed{one.name, head.Info.Title, head.Info.Version, head.OpenAPI, path + ".json", path + ".yaml"}
	}
	return json.Marshal(map[string][]listed{"documents": list})
}
