package api_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// logBuffer keeps what is logged, at every level.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (b *logBuffer) handler() slog.Handler {
	return slog.NewJSONHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug})
}

// No token, password, cookie or private key gets into the log, whether requests succeed or fail.
func TestLog_HoldsNoSecrets(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	vars := materials(t)
	var log logBuffer
	s := withCA(t, func(settings *wiretest.Settings) { settings.Log = log.handler() })
	secrets := map[string]string{"the apikey": s.Token, "another apikey": s.Powerless}
	leaveClientTraces(t, s, secrets)
	leaveImportTraces(t, s, vars, secrets)
	leaveTokenTraces(t, s, secrets)
	checkLog(t, log.String(), secrets,
		`"operation":"createClientSite2Site"`, `"principal":{"kind":"apikey","id":1,"name":"superuser"}`,
		`"action":"export"`, `"msg":"request refused"`)
}

// leaveClientTraces makes a client with a password, and sends that in every wrong way.
func leaveClientTraces(t *testing.T, s *wiretest.Server, secrets map[string]string) {
	t.Helper()
	const password, wrong = "Correct-Horse-7", "Battery-Staple-9"
	secrets["a password"], secrets["a wrong password"] = password, wrong
	create := `{"ca_id": 1, "name": "filial", "email": "a@b.c", "password": "` + password + `"`
	send(t, s, "POST", clientsPath, create+"}").want(t, 200, "", "")
	send(t, s, "POST", clientsPath, create+"}").want(t, 409, "name", "duplicated")
	send(t, s, "POST", clientsPath, create+`, "password": "`+wrong+`"}`).want(t, 400, "password", "invalid")
	send(t, s, "POST", clientsPath, create+`, "city": 1}`).want(t, 409, "city", "invalid")
	send(t, s, "POST", clientsPath, `"`+password+`"`).want(t, 400, "", "invalid")
	send(t, s, "POST", clientsPath, password).want(t, 400, "", "invalid")
	send(t, s, "POST", clientsPath, `{"ca_id": 1, "name": "b", "email": "a@b.c", "password": ["`+password+`"]}`).
		want(t, 409, "password", "invalid")
	send(
		t, s, "POST", clientsPath, `{"ca_id": 1, "name": "b", "email": "a@b.c", "password": "`+
			strings.Repeat(password, 100)+`"}`,
	).want(
		t, 409, "password", "invalid",
	)
	send(t, s, "PUT", clientsPath+"/1", `{"password": "`+password+`"}`).want(t, 409, "password", "rule")
	send(t, s, "POST", clientsPath+"/1/pkcs12", `{"password": "`+password+`"}`).want(t, 200, "", "")
	send(t, s, "POST", clientsPath+"/1/pkcs12", `{"password": "`+wrong+`"}`).want(t, 409, "password", "invalid")
	key := send(t, s, "GET", clientsPath+"/1/key", "")
	key.want(t, 200, "", "")
	secrets["the key that was made"] = strings.Split(string(key.body), "\n")[1]
}

// leaveImportTraces imports a CA and a client with their keys, and sends keys in wrong places.
func leaveImportTraces(t *testing.T, s *wiretest.Server, vars, secrets map[string]string) {
	t.Helper()
	quote := func(text string) string {
		quoted, _ := json.Marshal(text)
		return string(quoted)
	}
	for _, name := range []string{"rootKey", "rootKeyLocked", "siteKey", "otherKey"} {
		secrets[name] = strings.Split(vars[name], "\n")[1]
	}
	imported := `{"cert": ` + quote(vars["rootCert"]) + `, "key": ` + quote(vars["rootKeyLocked"]) +
		`, "password": "segredo da ca"}`
	secrets["the password of the import"] = "segredo da ca"
	send(t, s, "POST", casPath+"/import", imported).want(t, 200, "", "")
	send(t, s, "POST", casPath+"/import", `{"cert": `+quote(vars["rootKey"])+`, "key": `+quote(vars["otherKey"])+`}`).
		want(t, 409, "cert", "invalid")
	send(
		t, s, "POST", clientsPath+"/import", `{"ca_id": 2, "email": "a@b.c", "cert": `+quote(vars["siteCert"])+
			`, "key": `+quote(vars["siteKey"])+`}`,
	).want(
		t, 200, "", "",
	)
	send(
		t, s, "POST", clientsPath+"/import", `{"ca_id": 2, "email": "a@b.c", "cert": `+quote(vars["siteCert"])+
			`, "key": `+quote(vars["otherKey"])+`}`,
	).want(
		t, 409, "key", "invalid",
	)
}

// leaveTokenTraces exchanges the apikey for an access token, and presents it, a forged one and
// passwords in every place.
func leaveTokenTraces(t *testing.T, s *wiretest.Server, secrets map[string]string) {
	t.Helper()
	password := secrets["a password"]
	exchange := `{"grant_type": "refresh_token", "refresh_token": "`
	token := send(t, s, "POST", tokenPath, exchange+s.Token+`"}`)
	var got struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(token.body, &got); err != nil {
		t.Fatal(err)
	}
	secrets["the access token"] = got.AccessToken
	forged := got.AccessToken[:len(got.AccessToken)-6] + "forged"
	secrets["a forged token"] = forged
	send(t, s, "POST", tokenPath, exchange+forged+`"}`).want(t, 401, "authorization", "invalid")
	send(t, s, "POST", tokenPath, `{"grant_type": "password", "username": "u", "password": "`+password+`"}`).
		want(t, 401, "authorization", "invalid")
	send(t, s, "POST", tokenPath, `{"grant_type": "`+password+`"}`).want(t, 400, "grant_type", "invalid")
	send(t, s, "POST", tokenPath, `{"grant_type": "refresh_token", "refresh_token": 5}`).
		want(t, 409, "refresh_token", "invalid")
	for _, authorization := range []string{"Bearer " + forged, "Basic " + forged, forged, "Bearer " + s.Powerless} {
		if status := send(t, s, "GET", casPath, "", "Authorization", authorization).status; status != 401 &&
			status != 403 {
			t.Errorf("%d", status)
		}
	}
	send(t, s, "GET", casPath, "", "Authorization", "", "Cookie", "access-token="+got.AccessToken).want(t, 200, "", "")
	send(t, s, "GET", casPath, "", "Authorization", "", "Cookie", "access-token="+forged+"; refresh-token="+s.Token).
		want(t, 200, "", "")
	send(t, s, "GET", casPath, "", "Authorization", "", "Cookie", "access-token="+forged+"; refresh-token="+forged).
		want(t, 401, "authorization", "invalid")
	send(t, s, "GET", clientsPath+"?token="+s.Token+"&size=x", "").want(t, 400, "token", "invalid")
	send(t, s, "GET", "/api/nothing?access_token="+s.Token, "").want(t, 404, "", "not_found")
}

// checkLog demands a log of JSON lines that has all of the parts and none of the secrets.
func checkLog(t *testing.T, text string, secrets map[string]string, parts ...string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for _, line := range lines {
		var record map[string]any
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Errorf("%v: %s", err, line)
		}
		for name, secret := range secrets {
			if strings.Contains(line, secret) {
				t.Errorf("the log holds %s: %s", name, line)
			}
		}
		for _, sign := range []string{"PRIVATE KEY", "eyJ", "Bearer ", "-token="} {
			if strings.Contains(line, sign) {
				t.Errorf("the log holds %q: %s", sign, line)
			}
		}
	}
	requests := strings.Count(text, `"msg":"request"`)
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("the log lacks %s in its %d lines", part, len(lines))
		}
	}
	if requests < 30 {
		t.Errorf("%d requests are logged", requests)
	}
}
