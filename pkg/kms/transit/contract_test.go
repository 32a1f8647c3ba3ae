package transit_test

import (
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/kms/kmstest"
)

var update = flag.Bool("update", false, "record the contract anew, from the real server")

const contract = "testdata/contract.json"

// exchange is a request, and what the real server answers: the status, and the shape of the answer.
type exchange struct {
	As     string // root, service, ended or stranger
	Method string
	Path   string
	Body   map[string]any `json:",omitempty"`
	Status int
	Answer any
}

// digest is one of SHA-256, in base64.
const digest = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

// conversation has a request for each answer that pkg/kms/transit tells apart.
func conversation() []exchange {
	type object = map[string]any
	prehashed := func(version int) object {
		return object{
			"input": digest, "key_version": version, "prehashed": true, "hash_algorithm": "sha2-256",
			"signature_algorithm": "pkcs1v15", "marshaling_algorithm": "asn1",
		}
	}
	ask := func(method, path string, body object) exchange {
		return exchange{As: "service", Method: method, Path: path, Body: body}
	}
	var all []exchange
	for _, kind := range []string{"ecdsa-p256", "rsa-2048", "ed25519"} {
		all = append(all,
			ask(http.MethodPut, "transit/keys/"+kind, object{"type": kind, "exportable": false, "allow_plaintext_backup": false}),
			ask(http.MethodGet, "transit/keys/"+kind, nil),
			ask(http.MethodPut, "transit/sign/"+kind, prehashed(1)),
			ask(http.MethodPut, "transit/sign/"+kind, prehashed(2)),
			ask(http.MethodDelete, "transit/keys/"+kind, nil),
			ask(http.MethodPut, "transit/keys/"+kind+"/config", object{"deletion_allowed": true}),
			ask(http.MethodDelete, "transit/keys/"+kind, nil),
			ask(http.MethodGet, "transit/keys/"+kind, nil),
			ask(http.MethodPut, "transit/sign/"+kind, prehashed(1)),
		)
	}
	return append(all,
		ask(http.MethodPut, "transit/keys/dsa", object{"type": "dsa"}),
		ask(http.MethodPut, "transit/keys/master", object{"type": "aes256-gcm96"}),
		ask(http.MethodGet, "transit/keys/master", nil),
		ask(http.MethodPut, "transit/sign/master", prehashed(1)),
		ask(http.MethodPut, "transit/encrypt/master", object{"plaintext": digest}),
		ask(http.MethodPut, "transit/decrypt/master", object{"ciphertext": "vault:v1:" + digest}),
		ask(http.MethodPut, "transit/decrypt/master", object{"ciphertext": "{ciphertext}"}),
		ask(http.MethodPut, "transit/decrypt/nobody", object{"ciphertext": "vault:v1:" + digest}),
		ask(http.MethodGet, "transit/keys/nobody", nil),
		ask(http.MethodPut, "transit/keys/nobody/config", object{"deletion_allowed": true}),
		ask(http.MethodPut, "transit/export/master", nil),
		ask(http.MethodPut, "sys/seal", nil),
		ask(http.MethodGet, "auth/token/lookup-self", nil),
		ask(http.MethodPut, "auth/token/renew-self", object{}),
		exchange{As: "stranger", Method: http.MethodGet, Path: "auth/token/lookup-self"},
		exchange{As: "ended", Method: http.MethodGet, Path: "transit/keys/master"},
		exchange{As: "root", Method: http.MethodPut, Path: "transit/keys/master/rotate"},
		ask(http.MethodGet, "transit/keys/master", nil),
		ask(http.MethodPut, "transit/decrypt/master", object{"ciphertext": "{ciphertext}"}),
		exchange{As: "root", Method: http.MethodPut, Path: "sys/seal"},
		ask(http.MethodGet, "auth/token/lookup-self", nil),
		ask(http.MethodGet, "transit/keys/master", nil),
	)
}

// record has the conversation with a server.
func record(t *testing.T, server *kmstest.TransitServer) []exchange {
	t.Helper()
	ended := server.NewToken(t, "1h")
	server.Ask(t, http.MethodPut, "auth/token/revoke", map[string]any{"token": ended})
	tokens := map[string]string{
		"root": server.Root, "service": server.First, "stranger": "hvs.stranger", "ended": ended,
	}
	all, ciphertext := conversation(), ""
	for i, one := range all {
		body := one.Body
		if body["ciphertext"] == "{ciphertext}" {
			body = map[string]any{"ciphertext": ciphertext}
		}
		status, answer := server.AskAs(t, tokens[one.As], one.Method, one.Path, body)
		data, _ := answer["data"].(map[string]any)
		if text, _ := data["ciphertext"].(string); text != "" {
			ciphertext = text
		}
		all[i].Status, all[i].Answer = status, shape("", answer)
	}
	return all
}

// shape keeps the fields of an answer and the kinds of their values, and a few values.
func shape(name string, value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, one := range v {
			out[key] = shape(key, one)
		}
		if v == nil {
			return nil
		}
		return out
	case []any:
		out := []any{}
		for _, one := range v {
			out = append(out, shape("", one))
		}
		return out
	case float64:
		return "number"
	case string:
		return shapeOfText(name, v)
	}
	return value
}

func shapeOfText(name, text string) string {
	if slices.Contains([]string{"name", "type", "plaintext", "path", "token_type"}, name) || text == "" {
		return text
	}
	for _, beginning := range []string{"vault:v1:", "vault:v2:", "-----BEGIN PUBLIC KEY-----"} {
		if strings.HasPrefix(text, beginning) {
			return beginning + "…"
		}
	}
	return "text"
}

// TestContract: the stub answers a conversation as the real server does, which was recorded.
func TestContract(t *testing.T) {
	t.Parallel()
	wantContract(t, record(t, kmstest.NewTransitStub(t).TransitServer))
}

// TestContract_Vault: the real server answers as it was recorded. With -update it is recorded.
func TestContract_Vault(t *testing.T) {
	t.Parallel()
	if !nightly && !*update {
		t.Skip("the real server runs in make nightly")
	}
	got := record(t, kmstest.NewVault(t))
	if *update {
		text, err := json.MarshalIndent(got, "", "  ")
		if err == nil {
			err = os.WriteFile(contract, append(text, '\n'), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	wantContract(t, got)
}

func wantContract(t *testing.T, got []exchange) {
	t.Helper()
	var want, plain []exchange
	text, err := os.ReadFile(contract)
	if err == nil {
		err = json.Unmarshal(text, &want)
	}
	if err != nil {
		t.Fatal(err)
	}
	text, _ = json.Marshal(got)
	_ = json.Unmarshal(text, &plain)
	if len(plain) != len(want) {
		t.Fatalf("%d requests, %d are recorded", len(plain), len(want))
	}
	for i, one := range plain {
		if !reflect.DeepEqual(one, want[i]) {
			is, _ := json.Marshal(one)
			was, _ := json.Marshal(want[i])
			t.Errorf("%d:\n%s\nrecorded:\n%s", i, is, was)
		}
	}
}
