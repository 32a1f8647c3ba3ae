package app_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/wire/docs/browsertest"
)

// TestExplorer makes a CA and a client as a person does who has a browser and a token.
func TestExplorer(t *testing.T) {
	t.Parallel()
	b := browsertest.Open(t)
	c := login(t, apptest.Start(t, onSQLite(t)))
	b.Navigate(c.URL) // leads to the explorer
	b.Authorize(c.Token)
	// What is as long as this is pasted: Swagger UI takes its time for every key that is typed.
	const description = "Matriz da Empresa XYZ, Rua da Chave 12, Rio de Janeiro; túnel da filial de Lisboa."
	authority := tryOut(t, b, "createCa", object{"name": "ca-matriz", "email": "ca@example.com", "description": description})
	site := tryOut(t, b, "createClientSite2Site", object{
		"ca_id": authority.ID, "name": "lisboa", "email": "site@example.com", "description": description, "key_algorithm": "ed25519",
	})
	if problems := b.Problems(); len(problems) > 0 {
		t.Errorf("problems: %q", problems)
	}
	var kept record
	if err := c.Do(t.Context(), http.MethodGet, clientPath(site.ID, ""), nil, &kept); err != nil || kept != site {
		t.Errorf("the page says %+v, and it is %+v (%v)", site, kept, err)
	}
}

// tryOut executes an operation in the page; it must succeed.
func tryOut(t *testing.T, b *browsertest.Browser, operation string, in object) record {
	t.Helper()
	body, err := json.MarshalIndent(in, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	status, response := b.TryItOut(operation, string(body))
	var out record
	if err := json.Unmarshal([]byte(response), &out); err != nil || status != http.StatusOK {
		t.Fatalf("%s: %d %s (%v)", operation, status, response, err)
	}
	return out
}
