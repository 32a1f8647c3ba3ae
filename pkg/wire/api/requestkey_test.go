package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
	"github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// keyed is a request of an operation that takes an Idempotency-Key, and another one of the same
// operation.
type keyed struct{ path, body, other, media string }

// keyedRequests has a request of every operation that takes an Idempotency-Key. round makes the
// names new.
func keyedRequests(t *testing.T, s *wiretest.Server, round string) map[string]keyed {
	t.Helper()
	app := fmt.Sprint(send(t, s, "POST", "/api/pam/applications", `{"name": "`+round+`", "method": "oauth1"}`).
		object(t)["id"])
	authorization := fmt.Sprint(send(t, s, "POST", "/api/pam/authorizations",
		`{"application_id": `+app+`, "name": "rotated"}`).object(t)["id"])
	apikey := fmt.Sprint(send(t, s, "POST", apikeysPath, `{"name": "rotated`+round+`"}`).object(t)["id"])
	const header = "hostname,ip,model,type,vendor,site\n"
	send(t, s, "POST", "/api/pam/devices/import", header+round+",10.0.0.1,m,t,v,s\n", "Content-Type", "text/csv").
		want(t, 200, "", "")
	found := send(t, s, "GET", "/api/pam/devices?hostname="+round, "").object(t)["devices"].([]any)
	device := fmt.Sprint(found[0].(map[string]any)["id"])
	send(t, s, "DELETE", "/api/pam/devices/"+device, "").want(t, 200, "", "")
	foreign := servicetest.NewForeignCA(t)
	foreignKey, clientKey := servicetest.KeyPEM(t, foreign.Key), servicetest.NewKey(t)
	imported := fmt.Sprint(send(t, s, "POST", casPath+"/import", object(t,
		"name", "foreign"+round, "cert", string(servicetest.CertPEM(foreign.Cert.Raw)), "key", string(foreignKey),
	)).object(t)["id"])
	own := servicetest.NewForeignCA(t)
	site := func(name string) string {
		made := send(t, s, "POST", clientsPath, `{"name": "`+name+round+`", "ca_id": `+imported+`, "email": "a@b.c"}`)
		return clientsPath + "/" + fmt.Sprint(made.object(t)["id"])
	}
	held := site("held")
	site("manifold")
	server := fmt.Sprint(send(t, s, "POST", instancesPath, `{"name": "server`+round+`", "ca_id": `+imported+
		`, "network": "10.77.0.0/24"}`).object(t)["id"])
	send(t, s, "POST", held+"/suspend", "").want(t, 200, "", "")
	linked := site("linked")
	send(t, s, "PUT", linked+"/configs/"+server, "{}").want(t, 200, "", "")
	instance, campaign := campaignOf(t, s, round)
	all := keyedUsers(t, s, round, imported, server)
	all["createMailRecipient"] = keyed{
		path: "/api/mail/recipients", body: `{"address": "` + round + `@example.com"}`,
		other: `{"address": "other` + round + `@example.com"}`,
	}
	maps.Copy(all, keyedWebhooks(t, s, round))
	maps.Copy(all, map[string]keyed{
		"rotateInstanceControlKey": {path: instancesPath + "/" + server + "/control-key"},
		"endInstanceCampaign":      {path: instance + "/campaigns/" + campaign + "/end"},
		"createInstanceEnrolments": {
			path: instancesPath + "/" + server + "/enrolments", body: `{"ids": [` + linked[len(clientsPath)+1:] + `]}`,
			other: `{"state": "never"}`,
		},
		"createApikey": {
			path: apikeysPath, body: `{"name": "` + round + `", "allowed_ips": ["10.0.0.0/8"]}`,
			other: `{"name": "other` + round + `"}`,
		},
		"rotateApikey":      {path: apikeysPath + "/" + apikey + "/rotate", body: `{"overlap": 60}`, other: `{"overlap": 61}`},
		"createApplication": {path: "/api/pam/applications", body: `{"name": "a` + round + `", "method": "oauth2"}`},
		"createAuthorization": {
			path: "/api/pam/authorizations", body: `{"application_id": ` + app + `, "name": "` + round + `"}`,
		},
		"rotateAuthorization": {path: "/api/pam/authorizations/" + authorization + "/rotate", other: `{"overlap": 5}`},
		"createCa":            {path: casPath, body: `{"name": "` + round + `", "email": "ca@empresa.com.br"}`},
		"importCa": {path: casPath + "/import", body: object(t, "name", "own"+round,
			"cert", string(servicetest.CertPEM(own.Cert.Raw)), "key", string(servicetest.KeyPEM(t, own.Key)))},
		"renewCa": {path: casPath + "/" + imported + "/renew", body: `{"expiration": 10950}`, other: `{"expiration": 10949}`},
		"createClientSite2Site": {
			path: clientsPath, body: `{"name": "` + round + `", "ca_id": ` + imported + `, "email": "a@b.c"}`,
		},
		"createClientSite2SiteEnrolment": {
			path: linked + "/enrolments", body: `{"instance_id": ` + server + `}`,
			other: `{"instance_id": ` + server + `, "format": "vyos"}`,
		},
		"createClientsSite2Site": {path: clientsPath + "/batch", body: `{"mode": "each", "clients": [
			{"name": "b` + round + `", "ca_id": ` + imported + `, "email": "a@b.c"}, {"name": "B` + round + `"}]}`},
		"importClientsSite2Site": {
			path: clientsPath + "/import.csv?atomic=false&ca_id=" + imported, body: "name,email\nf" + round + ",a@b.c\n,\n,x\n",
			other: "name,email\n", media: "text/csv",
		},
		"renewClientSite2Site":     {path: site("renewed") + "/renew", body: `{"overlap": "P1D"}`, other: `{"overlap": "P2D"}`},
		"renewClientsSite2Site":    {path: clientsPath + "/renew", body: `{"name": "manifold*"}`, other: `{"ca_id": 1}`},
		"revokeClientSite2SiteFor": {path: site("revoked") + "/revoke", body: `{"reason": "keyCompromise"}`, other: `{"reason": "superseded"}`},
		"suspendClientSite2Site":   {path: site("suspended") + "/suspend"},
		"resumeClientSite2Site":    {path: held + "/resume"},
		"createServerCertificate": {
			path: "/api/openvpn/certificates", body: `{"ca_id": ` + imported + `, "kind": "server", "name": "vpn` + round + `.example.com"}`,
		},
		"createRevocation": {path: casPath + "/" + imported + "/revocations", body: `{"serial": "0x0a1b2c", "reason": "superseded"}`},
		"importCaCrl":      {path: casPath + "/" + imported + "/crl/import", body: object(t, "crl", string(foreign.List(t, big.NewInt(1))))},
		"importClientSite2Site": {path: clientsPath + "/import", body: object(t,
			"ca_id", json.Number(imported), "email", "a@b.c", "key", string(servicetest.KeyPEM(t, clientKey)),
			"cert", string(foreign.Issue(t, clientKey.Public())))},
		"importCaCertificates": {
			path: casPath + "/" + imported + "/imports", other: `{"crl": "x"}`,
			body: manyOf(t, string(foreign.Issue(t, servicetest.NewKey(t).Public()))),
		},
		"importPamDevices": {
			path: "/api/pam/devices/import", body: header + "n" + round + ",10.0.0.2,m,t,v,s\n", other: header,
			media: "text/csv",
		},
		"enablePamDevice": {path: "/api/pam/devices/" + device + "/enable"},
		"createInstance": {
			path: instancesPath, body: `{"name": "` + round + `", "ca_id": ` + imported + `, "network": "10.78.0.0/24"}`,
		},
		"killInstanceSession": {path: killedSession(t, s, server, round)},
		"reloadInstance":      {path: instancesPath + "/" + server + "/reload"},
		"renewInstance":       {path: instancesPath + "/" + server + "/renew", body: `{"overlap": "P1D"}`, other: `{"overlap": "P2D"}`},
		"createInstanceModel": {path: instancesPath + "/models", body: `{"name": "` + round + `", "template": "port {{.Port}}"}`},
		"createDeviceDomain":  {path: "/api/pam/domains", body: `{"name": "` + round + `.com.br"}`},
		"createRole":          {path: rolesPath, body: `{"name": "` + round + `", "scopes": [{"name": "audit", "read": true, "write": false}]}`},
		"createUser":          {path: usersPath, body: `{"username": "` + round + `", "password": "senha bem longa, e rara"}`},
	})
	return all
}

// killedSession is the path that ends a session of an instance.
func killedSession(t *testing.T, s *wiretest.Server, server, round string) string {
	t.Helper()
	send(t, s, "POST", instancesPath+"/"+server+"/agent/report", `{"version": "1", "interval": 3600, "at": "2026-10-05T12:20:02Z",
		"up": true, "looked": true, "sessions": [{"number": 1, "since": 1, "name": "`+round+`", "bytes_in": 0, "bytes_out": 0}]}`).
		want(t, 200, "", "")
	list := send(t, s, "GET", instancesPath+"/"+server+"/sessions", "").object(t)["sessions"].([]any)
	return instancesPath + "/" + server + "/sessions/" + fmt.Sprint(list[0].(map[string]any)["id"]) + "/kill"
}

// campaignOf makes an instance with a site that has got the profile of the campaign that runs
// there. They have a CA of their own: a renewal would make the profile stale.
func campaignOf(t *testing.T, s *wiretest.Server, round string) (instance, campaign string) {
	t.Helper()
	caID := fmt.Sprint(send(t, s, "POST", casPath, `{"name": "mover`+round+`", "email": "a@b.c"}`).object(t)["id"])
	site := clientsPath + "/" + fmt.Sprint(send(t, s, "POST", clientsPath,
		`{"name": "moving`+round+`", "ca_id": `+caID+`, "email": "a@b.c"}`).object(t)["id"])
	made := send(t, s, "POST", instancesPath, `{"name": "moving`+round+`", "ca_id": `+caID+
		`, "network": "10.76.0.0/24", "remotes": ["vpn.example.com"]}`).object(t)
	instance = instancesPath + "/" + fmt.Sprint(made["id"])
	send(t, s, "PUT", site+"/configs/"+fmt.Sprint(made["id"]), "{}").want(t, 200, "", "")
	send(t, s, "GET", site+"/profile", "").want(t, 200, "", "")
	changed := send(t, s, "PUT", instance, `{"port": 1195}`).object(t)
	send(t, s, "GET", site+"/profile", "").want(t, 200, "", "")
	return instance, fmt.Sprint(changed["campaign_id"])
}

// object writes JSON of names and values in turn.
func object(t *testing.T, pairs ...any) string {
	t.Helper()
	values := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i].(string)] = pairs[i+1]
	}
	return string(domaintest.Must(json.Marshal(values))(t))
}

// send sends the request, or the other one, with a key.
func (k keyed) send(t testing.TB, s *wiretest.Server, body, key string, header ...string) answer {
	t.Helper()
	if k.media != "" {
		header = append(header, "Content-Type", k.media)
	}
	return send(t, s, "POST", k.path, body, append(header, "Idempotency-Key", key)...)
}

// unkeyed are the operations with POST that take no Idempotency-Key, because they change nothing,
// or because a repeat does no harm.
var unkeyed = []string{
	"createCertificatePkcs12", "createClientSite2SitePkcs12", "createClientSite2SiteProfile",
	"createClientSite2UserPkcs12", "createClientSite2UserProfile",
	"createClientsSite2SitePkcs12", "createClientsSite2SiteProfiles", "createToken",
	"createTokenV1", "reportInstanceAgent", "testMailRecipient", "testWebhook",
}

func TestRequestKey_EveryOperation(t *testing.T) {
	t.Parallel()
	var posts, keys []string
	for _, item := range contract(t).Paths.Map() {
		if item.Post == nil {
			continue
		}
		posts = append(posts, item.Post.OperationID)
		if item.Post.Parameters.GetByInAndName(openapi3.ParameterInHeader, "Idempotency-Key") != nil {
			keys = append(keys, item.Post.OperationID)
		}
	}
	slices.Sort(keys)
	slices.Sort(posts)
	tested := slices.Sorted(maps.Keys(keyedRequests(t, wiretest.Start(t), "x")))
	if diff := cmp.Diff(keys, tested); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(posts, slices.Sorted(slices.Values(append(tested, unkeyed...)))); diff != "" {
		t.Error(diff)
	}
}

func events(t *testing.T, s *wiretest.Server) int {
	t.Helper()
	page, err := s.Services.Audit.Page(s.Operator, domain.AuditFilter{}, domain.PageRequest{Size: 500})
	domaintest.Check(t, err)
	return len(page.Items)
}

func TestRequestKey_Repeats(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	for operation, k := range keyedRequests(t, s, "repeat") {
		t.Run(operation, func(t *testing.T) {
			key := "key-of-" + operation
			first := k.send(t, s, k.body, key)
			first.want(t, 200, "", "")
			before := events(t, s)
			again := k.send(t, s, k.body, key)
			again.want(t, 200, "", "")
			if diff := cmp.Diff(string(first.body), string(again.body)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(first.header.Get("Content-Type"), again.header.Get("Content-Type")); diff != "" {
				t.Error(diff)
			}
			if after := events(t, s); after != before {
				t.Errorf("the repeat made %d events", after-before)
			}
			if k.other != "" {
				k.send(t, s, k.other, key).want(t, 409, "Idempotency-Key", "rule")
			}
			send(t, s, "POST", rolesPath, `{"name": "unlike", "scopes": []}`, "Idempotency-Key", key).
				want(t, 409, "Idempotency-Key", "rule")
		})
	}
}

// TestRequestKey_AtOnce: of many equal requests one does the work, and all get its answer.
func TestRequestKey_AtOnce(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	for operation, k := range keyedRequests(t, s, "atonce") {
		t.Run(operation, func(t *testing.T) {
			answers, _ := domaintest.Together(6, func(int) (answer, error) {
				return k.send(t, s, k.body, operation), nil
			})
			for _, one := range answers {
				one.want(t, 200, "", "")
				if diff := cmp.Diff(string(answers[0].body), string(one.body)); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestRequestKey_Sameness(t *testing.T) {
	t.Parallel()
	s := wiretest.Start(t)
	create := func(body, key string, header ...string) answer {
		return send(t, s, "POST", apikeysPath, body, append(header, "Idempotency-Key", key)...)
	}
	const body = `{"name": "one", "description": "d"}`
	first := create(body, "k")
	first.want(t, 200, "", "")
	t.Run("JSON counts by its value", func(t *testing.T) {
		for _, same := range []string{
			`{"description":"d","name":"one"}`, `{"name": "one", "description": "d", "unknown": 1}`,
			`{"name": "\u006fne", "description": "d"}`,
		} {
			if got := create(same, "k"); string(got.body) != string(first.body) {
				t.Errorf("%s: %d %s", same, got.status, got.body)
			}
		}
		for _, other := range []string{
			`{"name": "One", "description": "d"}`, `{"name": "one"}`,
			`{"name": "one", "description": ""}`, `{"name": "one", "description": null}`,
		} {
			create(other, "k").want(t, 409, "Idempotency-Key", "rule")
		}
	})
	t.Run("keys are told apart, and belong to a caller", func(t *testing.T) {
		create(body, "K").want(t, 409, "name", "duplicated")
		create(body, "").want(t, 409, "name", "duplicated")
		token := s.APIKey(t, domain.APIKey{Name: "another", Superuser: true})
		create(body, "k", "Authorization", "Bearer "+token).want(t, 409, "name", "duplicated")
		create(body, "k", "Authorization", "Bearer "+s.Powerless).want(t, 403, "authorization", "rule")
	})
	t.Run("a refused request keeps nothing", func(t *testing.T) {
		create(`{"name": "two", "roles": [7]}`, "refused").want(t, 409, "roles[0]", "not_found")
		create(`{"name": "two"}`, "refused").want(t, 200, "", "")
	})
	t.Run("a key that is none is refused", func(t *testing.T) {
		for _, key := range []string{"a b", "é", strings.Repeat("k", 256)} {
			create(`{"name": "three"}`, key).want(t, 400, "Idempotency-Key", "invalid")
		}
		create(`{"name": "three"}`, strings.Repeat("k", 255)).want(t, 200, "", "")
	})
	t.Run("the answer stays as it was, and operations without keys ignore them", func(t *testing.T) {
		send(t, s, "PUT", apikeysPath+"/3", `{"description": "e"}`, "Idempotency-Key", "k").want(t, 200, "", "")
		if got := create(body, "k"); string(got.body) != string(first.body) {
			t.Errorf("the answer has changed: %s", got.body)
		}
	})
}
