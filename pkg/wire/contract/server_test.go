package contract_test

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

func TestMain(m *testing.M) { apptest.Main(m) }

// start starts a server on an empty SQLite database, and returns a client that may do everything.
func start(t *testing.T, args ...string) *apptest.Client {
	t.Helper()
	p := apptest.Start(t, apptest.Options{DataDir: filepath.Join(t.TempDir(), "data"), Args: args})
	token, err := p.Token(t.Context(), "contract")
	if err != nil {
		t.Fatal(err)
	}
	return &apptest.Client{URL: p.URL, Token: token}
}

// secrets are the credentials of an authorization, with the names that a request for a token has.
type secrets struct {
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	Token        string `json:"token"`
	TokenSecret  string `json:"token_secret"`
}

// authorize makes an application of the vault with this method, and an authorization that may
// write.
func authorize(t *testing.T, server *apptest.Client, method string) secrets {
	t.Helper()
	var application struct{ ID int }
	var made secrets
	err := server.Do(
		t.Context(), "POST", "/api/pam/applications", map[string]any{"name": method, "method": method}, &application,
	)
	authorization := map[string]any{"application_id": application.ID, "name": method, "write": true}
	err = errors.Join(err, server.Do(t.Context(), "POST", "/api/pam/authorizations", authorization, &made))
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// addDevices gives the vault n devices, whose ids begin at 1.
func addDevices(t *testing.T, server *apptest.Client, n int) {
	t.Helper()
	text := "hostname,ip,model,type,vendor,site,device_tags,connectivities\n"
	for i := range n {
		text += fmt.Sprintf("device-%d,192.0.2.%d,RedHat,Desktop,Linux,AWS,api,SSH:22\n", i+1, i+1)
	}
	r, err := http.NewRequestWithContext(
		t.Context(), http.MethodPost, server.URL+"/api/pam/devices/import", strings.NewReader(text),
	)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+server.Token)
	r.Header.Set("Content-Type", "text/csv")
	if response, body := exchange(t, r); response.StatusCode != http.StatusOK {
		t.Fatalf("the import of devices: %s %s", response.Status, body)
	}
}
