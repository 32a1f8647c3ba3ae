package api_test

import (
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// TestWithheldBody: a client that holds its body back until its apikey is deleted or demoted
// changes nothing and reads nothing when it sends the body. The server asks for the body once it
// has authenticated the caller.
func TestWithheldBody(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	const devices = "hostname,ip,model,type,vendor,site\nhost,10.0.0.1,m,t,v,s\n"
	if got := send(t, s, "POST", "/api/pam/devices/import", devices, "Content-Type", "text/csv"); got.status != 200 {
		t.Fatalf("import: %d %s", got.status, got.body)
	}
	for what, request := range map[string][3]string{
		"makes an apikey": {apikeysPath, `{"name": "heir", "superuser": true}`, "application/json"},
		"makes a user": {
			"/api/users",
			`{"username": "heir", "password": "correct horse battery", "superuser": true, "email": "a@example.com", "fullname": "A"}`, "application/json",
		},
		"makes a CA":                  {casPath, `{"name": "heir", "email": "a@example.com"}`, "application/json"},
		"imports devices as they are": {"/api/pam/devices/import", devices, "text/csv"},
	} {
		for fate, status := range map[string]int{"deleted": 401, "demoted": 403} {
			t.Run(what+", "+fate, func(t *testing.T) {
				key, err := s.Services.APIKeys.Create(
					s.Operator, domain.APIKey{Name: what + fate, Superuser: true, Enabled: true}, nil,
				)
				if err != nil {
					t.Fatal(err)
				}
				got := withhold(t, s, string(key.Token), request, func() {
					if fate == "deleted" {
						err = s.Services.APIKeys.Delete(s.Operator, key.ID)
					} else {
						_, err = s.Services.APIKeys.Update(
							s.Operator, key.ID, domain.APIKeyUpdate{Superuser: new(false)},
						)
					}
				})
				if err != nil {
					t.Fatal(err)
				}
				if got.status != status {
					t.Errorf("answered %d: %s", got.status, got.body)
				}
				page, err := s.Services.Audit.Page(t.Context(), domain.AuditFilter{
					ActorKind: new(domain.PrincipalAPIKey), ActorID: key.ID, Refused: new(false),
				}, domain.PageRequest{Size: 10})
				if err != nil || len(page.Items) > 0 {
					t.Errorf("it has done %v, %v", page.Items, err)
				}
			})
		}
	}
}

// withhold sends a request whose body comes only after meanwhile, which runs when the server waits
// for the body.
func withhold(t *testing.T, s *wiretest.Server, token string, r [3]string, meanwhile func()) answer {
	t.Helper()
	asked := false
	ctx := httptrace.WithClientTrace(
		t.Context(), &httptrace.ClientTrace{Got100Continue: func() { asked = true; meanwhile() }},
	)
	request, err := http.NewRequestWithContext(ctx, "POST", s.URL+r[0], strings.NewReader(r[1]))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Authorization": "Bearer " + token, "Content-Type": r[2], "Expect": "100-continue",
	} {
		request.Header.Set(name, value)
	}
	transport := s.HTTP.Transport.(*http.Transport).Clone()
	transport.ExpectContinueTimeout = time.Minute
	defer transport.CloseIdleConnections()
	got := do(t, &http.Client{Transport: transport}, request)
	if !asked {
		t.Error("the server did not wait for the body")
	}
	return got
}
