package wire_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/oasdiff/yaml"

	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// TestDocuments_AreListed: the list at the root names each document, and it is there in the version
// that the list says.
func TestDocuments_AreListed(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	var list struct {
		Documents []struct{ Name, Title, Version, OpenAPI, JSON, YAML string }
	}
	if err := json.Unmarshal(get(s.Handler, "/openapi.json").Body.Bytes(), &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Documents) != 4 {
		t.Errorf("%d documents are listed", len(list.Documents))
	}
	for _, one := range list.Documents {
		texts := map[string][]byte{one.JSON: get(s.Handler, one.JSON).Body.Bytes()}
		text, err := yaml.YAMLToJSON(get(s.Handler, one.YAML).Body.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		texts[one.YAML] = text
		for path, text := range texts {
			var doc struct {
				OpenAPI string
				Info    struct{ Title, Version string }
			}
			if err := json.Unmarshal(text, &doc); err != nil || one.Title == "" || doc.OpenAPI != one.OpenAPI ||
				doc.Info.Title != one.Title || doc.Info.Version != one.Version {
				t.Errorf("%s is %+v (%v), listed as %+v", path, doc, err, one)
			}
		}
	}
	text := get(s.Handler, "/api/openapi.json").Body.String()
	if !strings.HasPrefix(text, `{"openapi":"3.0.3","info":{"title"`) || strings.Contains(text, "x-go-type") {
		t.Errorf("the document is not in the order of its source, or not stripped: %.80s", text)
	}
}
