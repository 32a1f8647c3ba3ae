package pam_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// The seed's requests and answers as they are printed, with the commas that it forgets.
var seed = []struct {
	method, path, request string
	status                int
	answer                string
}{
	{"POST", "/iso/pam/device", `{
"ip": "172.10.21.21",
"hostname": "Device-via-API",
"model": "RedHat",
"type": "Desktop",
"vendor": "Linux",
"site": "AWS",
"device_domain": "api, app",
"device_tags": "api, app",
"connectivities": "SSH:22"
}`, 201, `{
"code": 201,
"response": {
"status": 201,
"message": "Device successfully registered!",
"error": false,
"error_code": 0,
"detail": "",
"mensagem": "Device successfully registered!",
"erro": false,
"cod_erro": 0
},
"device": {
"id": "31",
"hostname": "Device-via-API",
"ip": "172.10.21.21",
"model": "RedHat",
"type": "Desktop",
"vendor": "Linux",
"site": "AWS",
"device_domain": "api,app",
"connectivities": "SSH:22",
"session_remote_config": "",
"device_tags": "api,app"
}
}`},
	{"POST", "/iso/pam/device", `{
"ip": "172.0.0.1",
"hostname": "Device-via-API",
"model": "Server",
"type": "Debian",
"vendor": "Linux",
"site": "Default",
"device_domain": "senhasegura.lab",
"device_tags": "api, app",
"connectivities": "SSH:22, HTTPS:443",
"session_remote_config": "SSH:EXPECT:FILL"
}`, 201, `{
"code": 201,
"response": {
"status": 201,
"message": "Device updated successfully!",
"error": false,
"error_code": 0,
"detail": "",
"mensagem": "Device updated successfully!",
"erro": false,
"cod_erro": 0
},
"device": {
"id": "31",
"hostname": "Device-via-API",
"ip": "172.0.0.1",
"model": "Server",
"type": "Debian",
"vendor": "Linux",
"site": "Default",
"device_domain": "senhasegura.lab",
"connectivities": "SSH:22, HTTPS:443",
"session_remote_config": "SSH:EXPECT:FILL",
"device_tags": "api, app"
}
}`},
	{"POST", "/iso/pam/device", `{"ip": "172.0.0.1", "model": "Server", "type": "Debian", "vendor": "Linux", "site": "Default"}`, 400, `{
"code": 400,
"response": {
"status": 400,
"message": "1004: The device's hostname was not informed",
"error": true,
"error_code": 1,
"detail": "",
"mensagem": "1004: The device's hostname was not informed",
"erro": true,
"cod_erro": 1
},
"exception": {
"code": 1004,
"message": "1004: The device's hostname was not informed",
"detail": null
}
}`},
	{"GET", "/iso/pam/device/32", "", 400, `{
"code": 400,
"response": {
"status": 400,
"message": "1011: Device not found",
"error": true,
"error_code": 1,
"detail": "",
"mensagem": "1011: Device not found",
"erro": true,
"cod_erro": 1
},
"exception": {
"code": 1011,
"message": "1011: Device not found",
"detail": null
}
}`},
}

// The answers are equal byte for byte, apart from white space and the id.
func TestSeed(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	register(t, s, "api", "app", "senhasegura.lab")
	token := authorize(t, s, domain.AuthOAuth2).bearer(t, s)
	for _, step := range seed {
		got := send(
			t, s, step.method, step.path, step.request, "Authorization", "Bearer "+token, "Content-Type",
			"application/json",
		)
		var want bytes.Buffer
		if err := json.Compact(&want, []byte(step.answer)); err != nil {
			t.Fatal(err)
		}
		text := strings.Replace(want.String(), `"id":"31"`, `"id":"1"`, 1)
		if got.status != step.status || strings.TrimSuffix(got.body, "\n") != text {
			t.Errorf("%s %s: %d\n%s\nnot %d\n%s", step.method, step.path, got.status, got.body, step.status, text)
		}
	}
}
