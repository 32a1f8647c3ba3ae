package wiretest

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/chaveiro/chaveiro/gen/pam"
)

// vaultStatuses are all that clients of the vault's dialect understand.
var vaultStatuses = []int{200, 201, 400, 401, 404, 500}

// isVaultToken reports whether a request for a token under /api belongs to the vault's dialect, by
// what the document of that dialect says: it has none of the grants of the other dialect, and it is
// a form, has HTTP Basic, or has the grant of the vault's dialect in JSON.
func isVaultToken(r *http.Request) bool {
	if r.Method != http.MethodPost || strings.TrimSuffix(r.URL.Path, "/") != "/api/oauth2/token" {
		return false
	}
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), failing{err}))
	isForm := media == "application/x-www-form-urlencoded" || media == "multipart/form-data"
	var grants []any
	if values, err := url.ParseQuery(string(body)); err == nil && media == "application/x-www-form-urlencoded" {
		for _, grant := range values["grant_type"] {
			grants = append(grants, grant)
		}
	}
	var request map[string]any
	if json.Unmarshal(body, &request) == nil {
		grants = append(grants, request["grant_type"])
	}
	if len(grants) == 1 && (grants[0] == "refresh_token" || grants[0] == "password") {
		return false
	}
	_, _, basic := r.BasicAuth()
	return basic || isForm || len(grants) == 1 && grants[0] == "client_credentials"
}

// failing ends a body that was read before: with the error of reading it, or with io.EOF.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}

// checkVaultErrors holds for every refusal of the vault's dialect, whether or not the document
// knows the path.
func (c *checker) checkVaultErrors(where string, got *tee) {
	if contentType := got.header.Get("Content-Type"); contentType != "application/json" {
		c.t.Errorf("%s: %d with Content-Type %q", where, got.status, contentType)
	}
	schema := "ErrorAnswer"
	switch body := got.body.Bytes(); {
	case strings.HasPrefix(where, "POST ") && strings.Contains(where, "/oauth2/token"):
		schema = "TokenError"
	case got.status == http.StatusNotFound && !bytes.Contains(body, []byte(`"error_code":4`)):
		schema = "GatewayError"
	}
	var body any
	if err := json.Unmarshal(got.body.Bytes(), &body); err != nil {
		c.t.Errorf("%s: %d with a body that is no JSON: %v", where, got.status, err)
	} else if err := c.vault.spec.Components.Schemas[schema].Value.VisitJSON(body); err != nil {
		c.t.Errorf("%s: %d with a body that is no %s: %v", where, got.status, schema, err)
	}
	c.checkEnvelope(where, got)
}

// checkEnvelope demands that the fields which the envelope has twice are equal, and that they agree
// with the status.
func (c *checker) checkEnvelope(where string, got *tee) {
	var body pam.ErrorAnswer
	if err := json.Unmarshal(got.body.Bytes(), &body); err != nil || body.Response.Status == 0 {
		return // no envelope, where the document allows it
	}
	response, failed := body.Response, got.status >= http.StatusBadRequest
	same := response.Message == response.Mensagem && response.Error == response.Erro &&
		response.ErrorCode == response.CodErro
	if !same || response.Status != got.status || body.Code != got.status || response.Error != failed ||
		(response.ErrorCode != 0) != failed {
		c.t.Errorf("%s: %d with an envelope that contradicts itself: %s", where, got.status, &got.body)
	}
	if body.Exception != nil &&
		(!failed || body.Exception.Message != response.Message || body.Exception.Code == 0 ||
			body.Exception.Detail != nil) {
		c.t.Errorf("%s: %d with an exception that contradicts its envelope: %s", where, got.status, &got.body)
	}
}
