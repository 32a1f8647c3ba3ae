package kmstest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TransitServer is a server with the secrets engine Transit, and who may rule it: a real one of
// [NewVault], or that of a [TransitStub].
type TransitServer struct {
	URL   string
	Token string // the path of the file with the token of the service
	First string // that token, as it was at the beginning
	Root  string // a token that may do all
	key   string // that unseals it
}

// policy is what the service may do in a server: it is that of docs/keys.md.
const policy = `
path "transit/keys/*"    { capabilities = ["create", "read", "update", "delete"] }
path "transit/sign/*"    { capabilities = ["update"] }
path "transit/encrypt/*" { capabilities = ["update"] }
path "transit/decrypt/*" { capabilities = ["update"] }
`

// NewVault starts a real server of HashiCorp Vault, which speaks the API of OpenBao, with Transit
// and a token: see pkg/kms/transit/server. It fails without the program.
func NewVault(t testing.TB) *TransitServer {
	t.Helper()
	cache, err := os.UserCacheDir()
	program := filepath.Join(cache, "chaveiro", "vault-1.13.1", "vault")
	if _, missing := os.Stat(program); err != nil || missing != nil {
		t.Fatal("Vault is missing: scripts/setup.sh vault")
	}
	v := &TransitServer{URL: start(t, program), Token: filepath.Join(t.TempDir(), "token")}
	made := v.Ask(t, http.MethodPut, "sys/init", object{"secret_shares": 1, "secret_threshold": 1})
	v.Root, v.key = made["root_token"].(string), made["keys"].([]any)[0].(string)
	v.Unseal(t)
	v.Ask(t, http.MethodPost, "sys/mounts/transit", object{"type": "transit"})
	v.Ask(t, http.MethodPut, "sys/policy/chaveiro", object{"policy": policy})
	v.First = v.NewToken(t, "1h")
	v.WriteToken(t, v.First)
	return v
}

// start starts the program, which ends with this process, and returns its address.
func start(t testing.TB, program string) string {
	t.Helper()
	command := exec.Command(program)
	_, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

type object = map[string]any

// Ask sends a request as root, which has to succeed.
func (v *TransitServer) Ask(t testing.TB, method, path string, in object) object {
	t.Helper()
	status, out := v.AskAs(t, v.Root, method, path, in)
	if status >= http.StatusMultipleChoices {
		t.Fatalf("%s %s: %d %v", method, path, status, out)
	}
	return out
}

// AskAs sends a request with a token, and returns the status and the answer; nil if it is empty.
func (v *TransitServer) AskAs(t testing.TB, token, method, path string, in object) (status int, out object) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest(method, v.URL+"/v1/"+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Vault-Token", token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && len(text) > 0 {
		err = json.Unmarshal(text, &out)
	}
	if err != nil {
		t.Fatalf("%s %s: %s: %v", method, path, text, err)
	}
	return response.StatusCode, out
}

// Seal seals the server, and Unseal opens it again.
func (v *TransitServer) Seal(t testing.TB) { v.Ask(t, http.MethodPut, "sys/seal", nil) }

// Unseal opens a server that is sealed.
func (v *TransitServer) Unseal(t testing.TB) {
	v.Ask(t, http.MethodPut, "sys/unseal", object{"key": v.key})
}

// NewToken makes a token of the service with a life.
func (v *TransitServer) NewToken(t testing.TB, life string) string {
	made := v.Ask(t, http.MethodPost, "auth/token/create", object{"policies": []string{"chaveiro"}, "ttl": life})
	return made["auth"].(object)["client_token"].(string)
}

// WriteToken writes the file of the token, as an agent does.
func (v *TransitServer) WriteToken(t testing.TB, token string) {
	t.Helper()
	if err := os.WriteFile(v.Token, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Address is the URI of the store.
func (v *TransitServer) Address() string {
	return fmt.Sprintf("transit:mount=transit?address=%s&token-source=file:%s", v.URL, v.Token)
}
