package api_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
)

// checkProfile demands the parts of a profile that are named.
func checkProfile(body []byte, arguments []string) error {
	text := string(body)
	for _, part := range arguments {
		want, ok := map[string]string{
			"remote": "remote vpn.empresa.com.br 1194 udp\n", "tls-crypt-v2": "<tls-crypt-v2>\n",
			"key": "<key>\n-----BEGIN PRIVATE KEY-----\n", "no-key": "key site-rio.key\n", "p12": "<pkcs12>\n",
			"vyos": "set interfaces openvpn",
		}[part]
		if !ok || !strings.Contains(text, want) {
			return fmt.Errorf("there is no %s in the profile", part)
		}
		if part == "no-key" && strings.Contains(text, "PRIVATE KEY") {
			return fmt.Errorf("the profile has a private key")
		}
	}
	return nil
}

// TestProfiles_OfMany: each is the profile of its client, is in the audit, and counts as fetched.
// The reason why a client has none is in the archive.
func TestProfiles_OfMany(t *testing.T) {
	t.Parallel()
	s := withCA(t)
	send(t, s, "POST", "/api/openvpn/instances", object(t, "ca_id", 1, "name", "vpn", "network", "10.8.0.0/24",
		"remotes", []string{"vpn.empresa.com.br"})).want(t, 200, "", "")
	for id, name := range []string{"rio", "lisboa", "natal", "CON"} {
		send(t, s, "POST", clientsPath, object(t, "ca_id", 1, "name", name, "email", "a@b.c")).want(t, 200, "", "")
		if name != "natal" {
			send(t, s, "PUT", fmt.Sprint(clientsPath, "/", id+1, "/configs/1"), `{}`).want(t, 200, "", "")
		}
	}
	send(t, s, "DELETE", clientsPath+"/2", "").want(t, 200, "", "")

	got := send(t, s, "POST", clientsPath+"/profiles", `{"ids": [1, 2, 3, 4], "instance_id": 1}`)
	got.want(t, 200, "", "")
	files := domaintest.Must(unzip(got.body))(t)
	for id, name := range map[int]string{1: "rio.ovpn", 4: "_CON.ovpn"} {
		alone := send(t, s, "GET", fmt.Sprint(clientsPath, "/", id, "/profile"), "")
		if !bytes.Equal(files[name], alone.body) || len(alone.body) == 0 {
			t.Errorf("%s is not the profile of client %d", name, id)
		}
		config := send(t, s, "GET", fmt.Sprint(clientsPath, "/", id, "/configs/1"), "")
		if !strings.Contains(string(config.body), `"profile_version":1`) {
			t.Errorf("the config of client %d: %s", id, config.body)
		}
	}
	left := strings.Split(string(files["not-included.txt"]), "\r\n")
	if len(files) != 3 || len(left) != 3 ||
		!strings.HasPrefix(left[0], "2\tlisboa\t") || !strings.HasPrefix(left[1], "3\tnatal\t") {
		t.Errorf("%d files; left out: %q", len(files), left)
	}
	if events := all(t, auditOf(s, domain.AuditFilter{Action: domain.ActionExport})); len(events) != 4 {
		t.Errorf("%d hand-outs are in the audit, and 4 happened", len(events))
	}
	// By its instance a selection has the clients in force alone.
	got = send(t, s, "POST", clientsPath+"/profiles", `{"instance_id": 1, "key": false}`)
	files = domaintest.Must(unzip(got.body))(t)
	if len(files) != 2 || bytes.Contains(files["rio.ovpn"], []byte("PRIVATE KEY")) {
		t.Errorf("%d files without keys: %q", len(files), files["rio.ovpn"])
	}
}
