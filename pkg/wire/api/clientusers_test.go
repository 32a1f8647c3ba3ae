package api_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

const userClientsPath = "/api/openvpn/clients/site2user"

// keyedUsers are the requests about users that take an Idempotency-Key.
func keyedUsers(t *testing.T, s *wiretest.Server, round, caID, instance string) map[string]keyed {
	t.Helper()
	user := func(name string) string {
		made := send(t, s, "POST", userClientsPath,
			`{"name": "`+name+`-user`+round+`", "instance_id": `+instance+`, "email": "a@b.c"}`)
		return userClientsPath + "/" + fmt.Sprint(made.object(t)["id"])
	}
	held := user("held")
	send(t, s, "POST", held+"/suspend", "").want(t, 200, "", "")
	foreign, key := servicetest.NewForeignCA(t), servicetest.NewKey(t)
	of := fmt.Sprint(send(t, s, "POST", casPath+"/import", object(t, "name", "of-users"+round,
		"cert", string(servicetest.CertPEM(foreign.Cert.Raw)), "key", string(servicetest.KeyPEM(t, foreign.Key)),
	)).object(t)["id"])
	return map[string]keyed{
		"createClientSite2User": {
			path: userClientsPath, body: `{"name": "u` + round + `", "instance_id": ` + instance + `, "email": "a@b.c"}`,
			other: `{"name": "u` + round + `", "ca_id": ` + caID + `, "email": "a@b.c"}`,
		},
		"importClientSite2User": {path: userClientsPath + "/import", body: object(t,
			"ca_id", json.Number(of), "email", "a@b.c", "cert", string(foreign.Issue(t, key.Public())))},
		"createClientSite2UserEnrolment": {
			path: user("linked") + "/enrolments", body: "{}", other: `{"format": "connect"}`,
		},
		"renewClientSite2User": {path: user("renewed") + "/renew", body: `{"overlap": "P1D"}`, other: `{"overlap": "P2D"}`},
		"revokeClientSite2UserFor": {
			path: user("revoked") + "/revoke", body: `{"reason": "keyCompromise"}`, other: `{"reason": "superseded"}`,
		},
		"suspendClientSite2User": {path: user("suspended") + "/suspend"},
		"resumeClientSite2User":  {path: held + "/resume"},
	}
}

// userEnrolments makes a user of an instance, and returns where the user's links are made.
func userEnrolments(t *testing.T, s *wiretest.Server, instance string) string {
	t.Helper()
	made := send(t, s, "POST", userClientsPath, `{"name": "linked-user", "instance_id": `+instance[len(instancesPath)+1:]+
		`, "email": "a@b.c"}`)
	return userClientsPath + "/" + fmt.Sprint(made.object(t)["id"]) + "/enrolments"
}

// TestClientUsers_AreNoSites: work on many sites, and files of many, leave users out, whether they
// are named or selected. The clients are two sites, and users with names and ends among theirs.
func TestClientUsers_AreNoSites(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *wiretest.Server) {
		withUsers(t, s)
		wantCSV := func(query string, want ...string) {
			t.Helper()
			var got []string
			file := strings.TrimSpace(string(send(t, s, "GET", clientsPath+"/export"+query, "").body))
			for _, row := range strings.Split(file, "\n")[1:] {
				got = append(got, strings.Split(row, ",")[2])
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: the file has %v, want %v", query, got, want)
			}
		}
		wantCSV("", "site-a", "site-b")
		wantCSV("?name=*a*", "site-a")
		wantCSV("?sort=expiry", "site-a", "site-b")
		wantCSV("?name=ana")
		archived := send(t, s, "POST", clientsPath+"/pkcs12", `{"ca_id": 1, "password": "segredo"}`)
		archived.want(t, 200, "", "")
		wantZip(t, archived.body, "site-a.p12", "site-b.p12")
		named := send(t, s, "POST", clientsPath+"/pkcs12", `{"ids": [1, 2], "password": "segredo"}`)
		wantZip(t, named.body, "not-included.txt", "site-a.p12")
		send(t, s, "PUT", instancesPath+"/1", `{"remotes": ["vpn.example.com"]}`).want(t, 200, "", "")
		send(t, s, "PUT", clientsPath+"/1/configs/1", `{}`).want(t, 200, "", "")
		named = send(t, s, "POST", clientsPath+"/profiles", `{"ids": [1, 2], "instance_id": 1}`)
		wantZip(t, named.body, "not-included.txt", "site-a.ovpn")
		selected := send(t, s, "POST", clientsPath+"/profiles", `{"instance_id": 1}`)
		wantZip(t, selected.body, "site-a.ovpn")
		renewed := send(t, s, "POST", clientsPath+"/renew", `{"ca_id": 1}`).object(t)
		if renewed["renewed"] != 2.0 || renewed["failed"] != 0.0 {
			t.Errorf("%v", renewed)
		}
		taken := send(t, s, "POST", clientsPath+"/batch", `{"clients": [{"ca_id": 1, "name": "ANA", "email": "a@b.c"}]}`)
		taken.want(t, 409, "clients[0].name", "duplicated")
	})
}

// withUsers makes sites with the ids 1 and 4, and users with 2 and 3.
func withUsers(t *testing.T, s *wiretest.Server) {
	t.Helper()
	send(t, s, "POST", casPath, `{"name": "ca", "email": "a@b.c"}`).want(t, 200, "", "")
	send(t, s, "POST", instancesPath, `{"name": "vpn", "ca_id": 1, "network": "10.8.0.0/24"}`).want(t, 200, "", "")
	for _, one := range [][2]string{
		{clientsPath, `{"ca_id": 1, "name": "site-a", "email": "a@b.c"}`},
		{userClientsPath, `{"instance_id": 1, "name": "ana", "email": "a@b.c"}`},
		{userClientsPath, `{"ca_id": 1, "name": "site-ab", "email": "a@b.c"}`},
		{clientsPath, `{"ca_id": 1, "name": "site-b", "email": "a@b.c"}`},
	} {
		send(t, s, "POST", one[0], one[1]).want(t, 200, "", "")
	}
}

func wantZip(t *testing.T, body []byte, want ...string) {
	t.Helper()
	files, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, file := range files.File {
		got = append(got, file.Name)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the archive has %v, want %v", got, want)
	}
}
