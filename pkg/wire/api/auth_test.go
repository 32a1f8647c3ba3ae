package api

import (
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/service"
	"github.com/chaveiro/chaveiro/pkg/wire/oas"
)

// A document that demands a right which no role can give is not served, and neither are origins
// that are not valid.
func TestNewAuthenticator(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		scope, origin string
		fault         string // a part of it; empty: there is none
	}{
		"the document as it is":       {"", "https://vpn.example.com", ""},
		"oneself":                     {"self", "", ""},
		"a scope that there is not":   {"auth.nothing", "", "auth.nothing"},
		"a scope of what no role can": {"auth.tokens", "", "auth.tokens"},
		"another letter case":         {"Auth.Users", "", "Auth.Users"},
		"an origin with a path":       {"", "https://vpn.example.com/x", "origin"},
	} {
		spec, err := gen.GetSpec()
		if err != nil {
			t.Fatal(err)
		}
		if test.scope != "" {
			spec.Paths.Value("/users").Get.Extensions["x-scope"] = test.scope
		}
		config := Config{Services: &service.Services{}}
		if test.origin != "" {
			config.TrustedOrigins = []string{test.origin}
		}
		_, err = newAuthenticator(config, documentOf(t, spec))
		if (err == nil) != (test.fault == "") || err != nil && !strings.Contains(err.Error(), test.fault) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func documentOf(t *testing.T, spec *openapi3.T) *oas.Document {
	t.Helper()
	document, err := oas.NewDocument(spec, Prefix)
	if err != nil {
		t.Fatal(err)
	}
	return document
}
