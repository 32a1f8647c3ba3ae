package api_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

const mediaDryRun = "application/vnd.chaveiro.dry-run+json"

// takingAway is a request of an operation that has a dry run. again is the status of a repeat: 200
// when it changes nothing more.
type takingAway struct {
	method, path, body string
	again              int
}

// takingAways has a request of every operation that has a dry run, of which each changes something.
func takingAways(t *testing.T, s *wiretest.Server) map[string]takingAway {
	t.Helper()
	all := map[string]takingAway{}
	for operation, k := range keyedRequests(t, s, "dry") {
		all[operation] = takingAway{"POST", k.path, k.body, 200}
	}
	maps.DeleteFunc(all, func(operation string, _ takingAway) bool {
		return !takesDryRun(t, operation) || slices.Contains(manySites, operation)
	})
	made := func(path, body string) string {
		return path + "/" + fmt.Sprint(send(t, s, "POST", path, body).object(t)["id"])
	}
	ca := made(casPath, `{"name": "unused", "email": "a@b.c"}`)
	app := made("/api/pam/applications", `{"name": "unused", "method": "oauth1"}`)
	other := made("/api/pam/applications", `{"name": "granted", "method": "oauth2"}`)
	const header = "hostname,ip,model,type,vendor,site\n"
	send(t, s, "POST", devicesPath+"/import", header+"gone,10.0.0.9,m,t,v,s\n", "Content-Type", "text/csv").
		want(t, 200, "", "")
	device := send(t, s, "GET", devicesPath+"?hostname=gone", "").object(t)["devices"].([]any)[0].(map[string]any)
	client := made(clientsPath, `{"name": "gone", "ca_id": 1, "email": "a@b.c"}`)
	instance := made(instancesPath, `{"name": "sites", "ca_id": 1, "network": "10.80.0.0/24"}`)
	config := func(name string) string {
		return made(clientsPath, `{"name": "`+name+`", "ca_id": 1, "email": "a@b.c"}`) + "/configs" + instance[len(instancesPath):]
	}
	left := config("leaving")
	send(t, s, "PUT", left, `{"iroutes": ["10.81.0.0/24"]}`).want(t, 200, "", "")
	linked := config("linked-too")
	send(t, s, "PUT", linked, "{}").want(t, 200, "", "")
	links := linked[:strings.Index(linked, "/configs")] + "/enrolments"
	user := made(userClientsPath, `{"name": "leaving-user", "instance_id": `+instance[len(instancesPath)+1:]+`, "email": "a@b.c"}`)
	maps.Copy(all, map[string]takingAway{
		"revokeClientSite2User":          {"DELETE", user, "", 200},
		"revokeClientSite2UserEnrolment": {"DELETE", made(userEnrolments(t, s, instance), "{}"), "", 200},
		"revokeClientSite2SiteEnrolment": {
			"DELETE", made(links, `{"instance_id": `+instance[len(instancesPath)+1:]+`}`), "", 200,
		},
		"revokeClientSite2Site": {"DELETE", client, "", 200},
		"deleteCa":              {"DELETE", ca, "", 404},
		"deleteInstance":        {"DELETE", made(instancesPath, `{"name": "gone", "ca_id": 1, "network": "10.79.0.0/24"}`), "", 404},
		"deleteInstanceModel": {
			"DELETE", made(instancesPath+"/models", `{"name": "gone", "template": "port {{.Port}}"}`), "", 404,
		},
		"updateClientSite2SiteConfig": {"PUT", config("coming"), `{"iroutes": ["10.82.0.0/24"]}`, 200},
		"deleteClientSite2SiteConfig": {"DELETE", left, "", 200},
		"deleteApikey":                {"DELETE", made(apikeysPath, `{"name": "gone"}`), "", 404},
		"deleteRole":                  {"DELETE", made(rolesPath, `{"name": "gone", "scopes": []}`), "", 404},
		"deleteUser":                  {"DELETE", made(usersPath, `{"username": "gone", "password": "senha bem longa, e rara"}`), "", 404},
		"disablePamDevice":            {"DELETE", devicesPath + "/" + fmt.Sprint(device["id"]), "", 200},
		"deleteApplication":           {"DELETE", app, "", 404},
		"deleteMailRecipient":         {"DELETE", made("/api/mail/recipients", `{"address": "gone@example.com"}`), "", 404},
		"deleteWebhook": {
			"DELETE", made(webhooksPath, `{"name": "gone", "url": "https://hooks.example.com"}`), "", 404,
		},
		"deleteDeviceDomain": {"DELETE", made("/api/pam/domains", `{"name": "gone.com.br"}`), "", 404},
		"deleteAuthorization": {
			"DELETE", made("/api/pam/authorizations", `{"application_id": `+other[len("/api/pam/applications/"):]+`, "name": "gone"}`), "", 404,
		},
	})
	return all
}

// readContract reads the document once: that takes 50 ms, and tests only look into it.
var readContract = sync.OnceValues(gen.GetSpec)

func contract(t testing.TB) *openapi3.T {
	t.Helper()
	return domaintest.Must(readContract())(t)
}

// operations returns all operations of the document, by id.
func operations(t testing.TB) map[string]*openapi3.Operation {
	t.Helper()
	all := map[string]*openapi3.Operation{}
	for _, item := range contract(t).Paths.Map() {
		for _, operation := range item.Operations() {
			all[operation.OperationID] = operation
		}
	}
	return all
}

func takesDryRun(t testing.TB, operation string) bool {
	t.Helper()
	return operations(t)[operation].Parameters.GetByInAndName(openapi3.ParameterInQuery, "dry_run") != nil
}

// manySites are the operations that have a dry run with an answer of their own.
var manySites = []string{
	"createClientsSite2Site", "importClientsSite2Site", "renewClientsSite2Site", "importCaCertificates",
	"createInstanceEnrolments",
}

// TestDryRun: a dry run of every operation that has one changes no row, and then the operation does
// what the dry run has said.
func TestDryRun(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *wiretest.Server) {
		requests := takingAways(t, s)
		var known []string
		for operation := range operations(t) {
			if takesDryRun(t, operation) && !slices.Contains(manySites, operation) {
				known = append(known, operation)
			}
		}
		slices.Sort(known)
		if diff := cmp.Diff(known, slices.Sorted(maps.Keys(requests))); diff != "" {
			t.Fatal(diff)
		}
		for _, operation := range known {
			one := requests[operation]
			t.Run(operation, func(t *testing.T) { one.check(t, s, operation) })
		}
	})
}

func (r takingAway) check(t *testing.T, s *wiretest.Server, operation string) {
	t.Helper()
	before := rowsOf(t, s)
	said := r.dryRun(t, s)
	if diff := cmp.Diff(before, rowsOf(t, s)); diff != "" {
		t.Fatalf("the dry run has changed something (-before +after):\n%s", diff)
	}
	reversible := []string{
		"suspendClientSite2Site", "resumeClientSite2Site", "suspendClientSite2User", "resumeClientSite2User",
		"disablePamDevice", "enablePamDevice",
	}
	if !said.DryRun || !said.Changes || said.Reversible != slices.Contains(reversible, operation) {
		t.Errorf("%+v", said)
	}
	send(t, s, r.method, r.path, r.body, "Idempotency-Key", operation).want(t, 200, "", "")
	var done gen.AuditEventPage
	body := send(t, s, "GET", auditPath+"?order=desc&size=1", "").body
	domaintest.Check(t, json.Unmarshal(body, &done))
	event := done.Events[0]
	if diff := cmp.Diff([]any{*said.Action, said.Resource, said.ID, said.Name},
		[]any{event.Action, event.Resource, event.ResourceID, event.ResourceName}); diff != "" &&
		operation != "createRevocation" { // which may make the record of the certificate
		t.Errorf("what was said and what was done differ (-said +done):\n%s", diff)
	}
	sameFacts(t, "before", said.Before, event.Before)
	sameFacts(t, "after", said.After, event.After)
	if r.again == http.StatusOK && slices.Contains(lasting, operation) {
		if again := r.dryRun(t, s); again.Changes || again.Action != nil || again.After != nil {
			t.Errorf("again: %+v", again)
		}
	} else if r.again != http.StatusOK {
		send(t, s, r.method, r.path+"?dry_run=true", r.body).want(t, r.again, "id", "not_found")
	}
}

// lasting are operations that change nothing when they come again.
var lasting = []string{
	"revokeClientSite2Site", "revokeClientSite2SiteFor", "suspendClientSite2Site", "resumeClientSite2Site",
	"revokeClientSite2User", "revokeClientSite2UserFor", "suspendClientSite2User", "resumeClientSite2User",
	"createRevocation", "disablePamDevice", "enablePamDevice", "endInstanceCampaign",
}

// dryRun sends the dry run, with the Idempotency-Key of what comes after it.
func (r takingAway) dryRun(t *testing.T, s *wiretest.Server) (said gen.DryRun) {
	t.Helper()
	got := send(t, s, r.method, r.path+"?dry_run=true", r.body, "Idempotency-Key", "of-the-dry-run")
	if got.status != http.StatusOK || got.header.Get("Content-Type") != mediaDryRun {
		t.Fatalf("%d %s: %s", got.status, got.header.Get("Content-Type"), got.body)
	}
	domaintest.Check(t, json.Unmarshal(got.body, &said))
	return said
}

// sameFacts compares facts but for moments, and for what is made anew by each run.
func sameFacts(t *testing.T, what string, said, done map[string]any) {
	t.Helper()
	if (said == nil) != (done == nil) {
		t.Errorf("%s: %v was said, and %v was done", what, said, done)
	}
	for name, is := range done {
		was, there := said[name]
		if !there {
			t.Errorf("%s: nothing was said of %s", what, name)
		}
		if was == nil && (name == "serial" || name == "certificate_id") || isMoment(was) && isMoment(is) {
			continue
		}
		if diff := cmp.Diff(was, is); diff != "" {
			t.Errorf("%s: %s differs (-said +done):\n%s", what, name, diff)
		}
	}
	if len(said) != len(done) {
		t.Errorf("%s: %v was said, and %v was done", what, said, done)
	}
}

func isMoment(value any) bool {
	text, _ := value.(string)
	_, err := time.Parse(time.RFC3339Nano, text)
	return err == nil
}

// TestDryRun_Refusals: a dry run is refused as the request would be.
func TestDryRun_Refusals(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *wiretest.Server) {
		for operation, one := range takingAways(t, s) {
			send(t, s, one.method, one.path+"?dry_run=true", one.body, "Authorization", "Bearer "+s.Powerless).
				want(t, 403, "authorization", "rule")
			send(t, s, one.method, one.path+"?dry_run=true", one.body, "Authorization", "").
				want(t, 401, "authorization", "invalid")
			if send(t, s, one.method, unknownID(one.path)+"?dry_run=true", one.body).status != 404 {
				t.Errorf("%s of an unknown id is not 404", operation)
			}
		}
		before := rowsOf(t, s)
		for path, field := range map[string]string{
			casPath + "/1":     "id",
			apikeysPath + "/1": "superuser",
		} {
			got := send(t, s, "DELETE", path+"?dry_run=true", "")
			got.want(t, 409, field, "rule")
			if real := send(t, s, "DELETE", path, ""); string(real.body) != string(got.body) {
				t.Errorf("%s: a dry run answers %s, and the request %s", path, got.body, real.body)
			}
		}
		if diff := cmp.Diff(before, rowsOf(t, s)); diff != "" {
			t.Error(diff)
		}
	})
}

// unknownID puts an id that nothing has in the place of the first id of a path.
func unknownID(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if part != "" && strings.Trim(part, "0123456789") == "" {
			parts[i] = "999999"
			break
		}
	}
	return strings.Join(parts, "/")
}

// TestDryRun_OfNone: an operation that changes something and has no dry run is refused when one is
// asked for, and a value that is no boolean does nothing.
func TestDryRun_OfNone(t *testing.T) {
	t.Parallel()
	s := withCA(t)
	before := rowsOf(t, s)
	for _, one := range [][3]string{
		{"POST", rolesPath, `{"name": "a", "scopes": []}`},
		{"POST", casPath, `{"name": "a", "email": "a@b.c"}`},
		{"POST", clientsPath, `{"ca_id": 1, "name": "a", "email": "a@b.c"}`},
		{"PUT", apikeysPath + "/2", `{"name": "a"}`},
		{"DELETE", apikeysPath + "/2", ""},
	} {
		const field = "dry_run"
		send(t, s, one[0], one[1]+"?dry_run=maybe", one[2]).want(t, 400, field, "invalid")
		if one[0] != "DELETE" {
			send(t, s, one[0], one[1]+"?dry_run=true", one[2]).want(t, 400, field, "invalid")
			send(t, s, one[0], one[1]+"?dry_run=false&dry_run=true", one[2]).want(t, 400, field, "invalid")
		}
	}
	if diff := cmp.Diff(before, rowsOf(t, s)); diff != "" {
		t.Error(diff)
	}
	for _, value := range []string{"false", ""} {
		path := apikeysPath + "/" + fmt.Sprint(send(t, s, "POST", apikeysPath, `{"name": "k`+value+`"}`).object(t)["id"])
		send(t, s, "DELETE", path+"?dry_run="+value, "").want(t, 200, "", "")
		send(t, s, "GET", path, "").want(t, 404, "id", "not_found")
	}
	send(t, s, "GET", rolesPath+"?dry_run=true", "").want(t, 400, "dry_run", "invalid")
}
