package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// No token of an apikey or a session, no password of a user and no cookie gets into the log or the
// audit, whether requests succeed or fail.
func TestLog_HoldsNoSecretsOfAccess(t *testing.T) {
	t.Parallel()
	var log logBuffer
	s := wiretest.Start(t, func(settings *wiretest.Settings) { settings.Log = log.handler() })
	secrets := map[string]string{"the apikey": s.Token, "another apikey": s.Powerless}
	leaveAccessTraces(t, s, secrets)
	checkLog(t, log.String(), secrets,
		`"operation":"createApikey"`, `"operation":"rotateApikey"`, `"operation":"createUser"`,
		`"operation":"updateUserInfo"`, `"kind":"user","id":1,"name":"maria"`,
		`"action":"create","resource":"auth.apikeys"`, `"action":"login"`, `"msg":"request refused"`)
	for _, event := range all(t, auditOf(s, domain.AuditFilter{})) {
		text := fmt.Sprintf("%+v", event)
		for name, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("the audit holds %s: %s", name, text)
			}
		}
	}
}

// leaveAccessTraces uses every operation that a secret goes through, correctly and incorrectly, and
// adds the secrets to secrets.
func leaveAccessTraces(t *testing.T, s *wiretest.Server, secrets map[string]string) {
	t.Helper()
	secrets["a password"], secrets["a new password"] = firstPassword, secondPassword
	secrets["a short password"], secrets["a wrong password"] = shortPassword, wrongPassword
	leaveAPIKeyTraces(t, s, secrets)
	leaveUserTraces(t, s)
	access, refresh := leaveSessionTraces(t, s, secrets)
	leaveProfileTraces(t, s, "access-token="+access+"; refresh-token="+refresh, secrets)
	leaveTokensInWrongPlaces(t, s, access, refresh)
}

// The passwords that leave traces.
const (
	firstPassword, secondPassword = "Correct-Horse-7", "Battery-Staple-9"
	shortPassword, wrongPassword  = "Bat-3", "Wrong-Donkey-5"
)

// leaveAPIKeyTraces makes and rotates an apikey, and sends its token as a name.
func leaveAPIKeyTraces(t *testing.T, s *wiretest.Server, secrets map[string]string) {
	t.Helper()
	made := send(t, s, "POST", apikeysPath, `{"name": "key", "superuser": true}`).object(t)
	secrets["an apikey that was made"] = made["token"].(string)
	secrets["the one it was rotated to"] = send(t, s, "POST", apikeysPath+"/3/rotate", `{"overlap": 60}`).
		object(t)["token"].(string)
	send(t, s, "GET", apikeysPath, "").want(t, 200, "", "")
	send(t, s, "POST", apikeysPath, `{"name": "`+made["token"].(string)+`", "roles": ["`+made["token"].(string)+`"]}`).
		want(t, 409, "roles[0]", "invalid")
}

// leaveUserTraces makes a user with the first password, and sends passwords in every wrong way.
func leaveUserTraces(t *testing.T, s *wiretest.Server) {
	t.Helper()
	const first, short, wrong = firstPassword, shortPassword, wrongPassword
	user := func(password string) string {
		return `{"username": "maria", "password": ` + password + `, "superuser": true}`
	}
	send(t, s, "POST", usersPath, user(`"`+first+`"`)).want(t, 200, "", "")
	send(t, s, "POST", usersPath, user(`"`+wrong+`"`)).want(t, 409, "username", "duplicated")
	send(t, s, "POST", usersPath, user(`"`+short+`"`)).want(t, 409, "password", "invalid")
	send(t, s, "POST", usersPath, user(`["`+wrong+`"]`)).want(t, 409, "password", "invalid")
	send(t, s, "POST", usersPath, user(`"`+strings.Repeat(wrong, 100)+`"`)).want(t, 409, "password", "invalid")
	send(t, s, "POST", usersPath, user(`"`+wrong+`", "password": "`+wrong+`"`)).want(t, 400, "password", "invalid")
	send(t, s, "POST", usersPath, user(`"`+wrong)).want(t, 400, "", "invalid")
}

// leaveSessionTraces signs the user in, with good and with wrong passwords, and exchanges the
// tokens. It returns those of the session.
func leaveSessionTraces(t *testing.T, s *wiretest.Server, secrets map[string]string) (access, refresh string) {
	t.Helper()
	const first, wrong = firstPassword, wrongPassword
	secret := func(got answer) map[string]any {
		object := got.object(t)
		for _, name := range []string{"refresh_token", "access_token"} {
			secrets[fmt.Sprintf("%s %d", name, len(secrets))] = object[name].(string)
		}
		return object
	}
	grant := func(username, password string) answer {
		body, _ := json.Marshal(map[string]string{"grant_type": "password", "username": username, "password": password})
		return send(t, s, "POST", tokenPath, string(body), "Authorization", "")
	}
	session := secret(grant("maria", first))
	grant("maria", wrong).want(t, 401, "authorization", "invalid")
	grant(wrong, wrong).want(t, 401, "authorization", "invalid") // users type the password into the user name field
	refresh, access = session["refresh_token"].(string), session["access_token"].(string)
	exchange := `{"grant_type": "refresh_token", "refresh_token": "` + refresh + `"`
	secret(send(t, s, "POST", tokenPathV1, exchange+"}"))
	send(t, s, "POST", tokenPath, exchange+`, "username": "maria", "password": "`+first+`"}`).
		want(t, 400, "refresh_token", "invalid")
	send(t, s, "POST", tokenPath, strings.Replace(exchange, refresh, refresh+"x", 1)+"}").
		want(t, 401, "authorization", "invalid")
	return access, refresh
}

// leaveProfileTraces changes the user's own password, after attempts that fail.
func leaveProfileTraces(t *testing.T, s *wiretest.Server, cookies string, secrets map[string]string) {
	t.Helper()
	const first, second, short, wrong = firstPassword, secondPassword, shortPassword, wrongPassword
	own := func(body string, header ...string) answer {
		return send(t, s, "PUT", infoPath, body, append([]string{"Authorization", "", "Cookie", cookies}, header...)...)
	}
	own(`{"password": "`+second+`", "current_password": "`+wrong+`"}`).want(t, 409, "current_password", "invalid")
	own(`{"password": "`+short+`", "current_password": "`+first+`"}`).want(t, 409, "password", "invalid")
	own(`{"password": "`+second+`", "current_password": {"x": "`+first+`"}}`).
		want(t, 409, "current_password", "invalid")
	own(`{"password": "`+second+`", "current_password": "`+first+`"}`, "Sec-Fetch-Site", "cross-site").
		want(t, 403, "authorization", "rule")
	changed := own(`{"password": "` + second + `", "current_password": "` + first + `"}`)
	changed.want(t, 200, "", "")
	for _, cookie := range cookiesOf(changed) {
		secrets["the new "+cookie.Name] = cookie.Value
	}
	own("{}").want(t, 401, "authorization", "invalid")
	send(t, s, "PUT", usersPath+"/1", `{"password": "`+first+`"}`).want(t, 200, "", "")
}

// leaveTokensInWrongPlaces sends tokens where none belong.
func leaveTokensInWrongPlaces(t *testing.T, s *wiretest.Server, access, refresh string) {
	t.Helper()
	send(t, s, "GET", casPath, "", "Authorization", "Bearer "+refresh).want(t, 401, "authorization", "invalid")
	send(t, s, "GET", casPath, "", "Authorization", "Bearer "+access, "Authorization", "Bearer "+s.Token).
		want(t, 400, "authorization", "invalid")
	send(t, s, "GET", usersPath+"/"+url.PathEscape(access), "").want(t, 400, "id", "invalid")
	send(t, s, "GET", usersPath+"?cursor="+access, "").want(t, 400, "cursor", "invalid")
	send(t, s, "GET", auditPath+"?from="+access[:30]+"&actor_type="+access, "").want(t, 400, "actor_type", "invalid")
	send(t, s, "GET", usersPath+"?size=5&size="+access, "").want(t, 400, "", "invalid")
	send(t, s, "GET", auditPath+"?resource=x&resource="+access, "").want(t, 400, "", "invalid")
	if got := send(t, s, "GET", casPath, "", "X-Request-Id", access); got.status != http.StatusOK ||
		got.header.Get("X-Request-Id") == access {
		t.Errorf("%d %s", got.status, got.header.Get("X-Request-Id"))
	}
}
