package wiretest

import (
	"encoding/json"
	"net/http"

	"github.com/getkin/kin-openapi/openapi3"
)

const mediaDryRun = "application/vnd.chaveiro.dry-run+json"

// checkDryRun holds for every answer of a dry run. The document that the server is generated from
// has no such answers: the server's own code writes them.
func (c *checker) checkDryRun(where string, d *dialect, operation *openapi3.Operation, got *tee) {
	if operation.Parameters.GetByInAndName(openapi3.ParameterInQuery, "dry_run") == nil {
		c.t.Errorf("%s: answered a dry run, which the document does not know", where)
	}
	if got.status != http.StatusOK {
		c.t.Errorf("%s: a dry run is answered with %d", where, got.status)
	}
	var body any
	if err := json.Unmarshal(got.body.Bytes(), &body); err != nil {
		c.t.Errorf("%s: a dry run with a body that is no JSON: %v", where, err)
	} else if err := d.spec.Components.Schemas["DryRun"].Value.VisitJSON(body); err != nil {
		c.t.Errorf("%s: a dry run with a body that is no DryRun: %v", where, err)
	}
}
