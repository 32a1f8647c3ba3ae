package app_test

import (
	"bytes"
	"net/http"
	"testing"

	"golang.org/x/crypto/ocsp"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/telemetry/telemetrytest"
)

// TestTelemetry_OCSP: the signature of an answer of OCSP is a span of the trace of its request.
func TestTelemetry_OCSP(t *testing.T) {
	t.Parallel()
	c, o := telemetrytest.Start(t), onSQLite(t)
	o.Args = []string{"--otlp-endpoint", c.URL}
	client := login(t, apptest.Start(t, o))
	authority := createCA(t, client, "ca-matriz")
	site := createClient(t, client, authority.ID, "lisboa")
	certs := must(parseCertificates(get(t, client, clientPath(site.ID, "/certificate"))))
	issuer := must(parseCertificates(get(t, client, caPath(authority.ID, "/certificate"))))[0]
	question := must(ocsp.CreateRequest(certs[0], issuer, nil))
	request := must(http.NewRequestWithContext(
		t.Context(), http.MethodPost, client.URL+"/ocsp/"+jsonText(authority.ID), bytes.NewReader(question),
	))
	const trace = "22222222222222222222222222222222"
	request.Header.Set("traceparent", "00-"+trace+"-"+callersSpan+"-01")
	request.Header.Set("Content-Type", "application/ocsp-request")
	answer := must(http.DefaultClient.Do(request))
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Error(answer.Status)
	}
	c.Await(t, trace, func(s telemetrytest.Span) bool { return s.Name == "sign OCSP answer" })
}

// TestTelemetry_CRL: the signature of a list of revocations is a span of the trace of the request
// that needs it.
func TestTelemetry_CRL(t *testing.T) {
	t.Parallel()
	c, o := telemetrytest.Start(t), onSQLite(t)
	o.Args = []string{"--otlp-endpoint", c.URL}
	client := login(t, apptest.Start(t, o))
	authority := createCA(t, client, "ca-matriz")
	revoke(t, client, createClient(t, client, authority.ID, "lisboa").ID)
	request := must(http.NewRequestWithContext(
		t.Context(), http.MethodGet, client.URL+caPath(authority.ID, "/crl"), nil,
	))
	const trace = "33333333333333333333333333333333"
	request.Header.Set("traceparent", "00-"+trace+"-"+callersSpan+"-01")
	request.Header.Set("Authorization", "Bearer "+client.Token)
	answer := must(http.DefaultClient.Do(request))
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Error(answer.Status)
	}
	signed := c.Await(t, trace, func(s telemetrytest.Span) bool { return s.Name == "sign CRL" })
	if signed.Parent == "" {
		t.Errorf("it is below nothing: %+v", signed)
	}
}
