package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/wire/docs/browsertest"
)

// TestExplorer makes a CA and a client as a user does who has a browser and a token.
func TestExplorer(t *testing.T) {
	t.Parallel()
	b := browsertest.Open(t)
	c := login(t, apptest.Start(t, onSQLite(t)))
	b.Navigate(c.URL) // redirects to the explorer
	b.Authorize(c.Token)
	// A text of this length is pasted: Swagger UI is slow for every key that is typed.
	const description = "Matriz da Empresa XYZ, Rua da Chave 12, Rio de Janeiro; túnel da filial de Lisboa."
	authority := tryOut(
		t, b, "createCa", object{"name": "ca-matriz", "email": "ca@example.com", "description": description},
	)
	site := tryOut(t, b, "createClientSite2Site", object{
		"ca_id": authority.ID, "name": "lisboa", "email": "site@example.com", "description": description,
		"key_algorithm": "ed25519",
	})
	if problems := b.Problems(); len(problems) > 0 {
		t.Errorf("problems: %q", problems)
	}
	var kept record
	if err := c.Do(t.Context(), http.MethodGet, clientPath(site.ID, ""), nil, &kept); err != nil || kept != site {
		t.Errorf("the page says %+v, and it is %+v (%v)", site, kept, err)
	}
}

// TestExplorer_Vault changes to the other document and works with the devices of the vault, as a
// user does who has client credentials. The requests go to both addresses of the document.
func TestExplorer_Vault(t *testing.T) {
	t.Parallel()
	b := browsertest.Open(t)
	c := login(t, apptest.Start(t, onSQLite(t)))
	b.Navigate(c.URL)
	chooseVault(t, b, authorize(t, c, "oauth2"))
	want := deviceOf("lisboa", 1)
	want.Domains = ""
	var made deviceAnswer
	for _, step := range []struct{ ip, message string }{
		{"10.0.0.1", "Device successfully registered!"}, {"10.0.0.2", "Device updated successfully!"},
	} {
		want.IP = step.ip
		execute(t, b, "upsertDevice", want, http.StatusCreated, &made)
		wantSent(t, b, "upsertDevice", c.URL+upsertPath)
		got := made.Device.plain()
		got.ID = ""
		if made.Code != http.StatusCreated || made.Response.Message != step.message || got != want {
			t.Errorf("the page says %+v, want %q and %+v", made, step.message, want)
		}
	}

	b.Choose(".swagger-ui .servers select", "/api - the same under its other name")
	type item struct{ ID, Hostname, IP string }
	var list struct {
		Response struct{ Message string }
		Devices  []item
	}
	execute(t, b, "listDevices", nil, http.StatusOK, &list)
	wantSent(t, b, "listDevices", c.URL+"/api/pam/device")
	if list.Response.Message != "1 devices found" ||
		!slices.Equal(list.Devices, []item{{made.Device.ID, want.Hostname, want.IP}}) {
		t.Errorf("the page says %+v", list)
	}
	if problems := b.Problems(); len(problems) > 0 {
		t.Errorf("problems: %q", problems)
	}
	var kept devicePage
	if err := c.Do(t.Context(), http.MethodGet, devicesPath, nil, &kept); err != nil || len(kept.Devices) != 1 ||
		kept.Devices[0].IP != want.IP {
		t.Errorf("there are %+v (%v)", kept.Devices, err)
	}
}

// chooseVault changes to the document of the vault, gets a token for the keys there, and authorizes
// the page with it.
func chooseVault(t *testing.T, b *browsertest.Browser, keys vaultKeys) {
	t.Helper()
	b.Choose("#document", "pam")
	b.WaitForText(".swagger-ui .info .title", "Chaveiro, the vault dialect")
	var token tokenAnswer
	execute(t, b, "createToken", keys.credentials(), http.StatusOK, &token)
	b.Authorize(token.AccessToken)
}

// wantSent checks to which address the page says that it has sent the request of an operation.
func wantSent(t *testing.T, b *browsertest.Browser, operation, address string) {
	t.Helper()
	if got := b.Text(fmt.Sprintf(`.opblock[id$="-%s"] .request-url pre`, operation)); got != address {
		t.Errorf("%s was sent to %q, not to %s", operation, got, address)
	}
}

// tryOut executes an operation in the page; it must succeed.
func tryOut(t *testing.T, b *browsertest.Browser, operation string, in any) record {
	t.Helper()
	var out record
	execute(t, b, operation, in, http.StatusOK, &out)
	return out
}

// execute executes an operation in the page, without a body if in is nil. The answer that is shown
// must have this status.
func execute(t *testing.T, b *browsertest.Browser, operation string, in any, want int, out any) {
	t.Helper()
	body := ""
	if in != nil {
		text, err := json.MarshalIndent(in, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		body = string(text)
	}
	status, response := b.TryItOut(operation, body)
	if err := json.Unmarshal([]byte(response), out); err != nil || status != want {
		t.Fatalf("%s: %d %s (%v)", operation, status, response, err)
	}
}
