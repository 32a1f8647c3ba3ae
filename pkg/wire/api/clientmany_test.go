package api_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// TestRenewMany_DryRun: it changes no row, and says what the renewal then does.
func TestRenewMany_DryRun(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *wiretest.Server) {
		send(t, s, "POST", casPath, `{"name": "ca", "email": "a@b.c"}`).want(t, 200, "", "")
		for i := range 3 {
			send(t, s, "POST", clientsPath, fmt.Sprintf(`{"ca_id": 1, "name": "site-%d", "email": "a@b.c"}`, i)).
				want(t, 200, "", "")
		}
		send(t, s, "POST", clientsPath+"/2/suspend", "").want(t, 200, "", "")
		const body = `{"ids": [3, 2, 1], "overlap": "0", "key_algorithm": "rsa-2048"}`
		before := rowsOf(t, s)
		said := renewMany(t, s, "?dry_run=true", body)
		if diff := cmp.Diff(before, rowsOf(t, s)); diff != "" {
			t.Fatal(diff)
		}
		done := renewMany(t, s, "", body)
		for i, one := range done.Clients {
			if one.Ok && (one.Serial == nil || *one.Serial == one.OldSerial) {
				t.Errorf("%+v", one)
			}
			done.Clients[i].Serial, done.Clients[i].ExpiryDate = nil, nil
		}
		if !said.DryRun || done.DryRun || done.Renewed != 2 || done.Failed != 1 {
			t.Errorf("%+v, %+v", said, done)
		}
		said.DryRun = false
		if diff := cmp.Diff(said, done); diff != "" {
			t.Errorf("(-said +done):\n%s", diff)
		}
	})
}

func renewMany(t *testing.T, s *wiretest.Server, query, body string) (done gen.ClientsSite2SiteRenewal) {
	t.Helper()
	got := send(t, s, "POST", clientsPath+"/renew"+query, body, "Idempotency-Key", "k")
	got.want(t, 200, "", "")
	domaintest.Check(t, json.Unmarshal(got.body, &done))
	return done
}

// TestClientExport: a row for every client, in every column what the client has; no cell begins as
// a formula does.
func TestClientExport(t *testing.T) {
	t.Parallel()
	s := withCA(t)
	const count = 230 // more than two pages
	for i := range count {
		send(t, s, "POST", clientsPath, object(t, "ca_id", 1, "name", fmt.Sprintf("-site-%d", i), "email", "a@b.c",
			"description", []string{"@SUM(1)", "'-1", "a,b\n\"c\"", "São João"}[i%4])).want(t, 200, "", "")
	}
	send(t, s, "DELETE", clientsPath+"/8", "").want(t, 200, "", "")
	rows := domaintest.Must(csv.NewReader(strings.NewReader(string(send(t, s, "GET", clientsPath+"/export", "").body))).
		ReadAll())(t)
	if len(rows) != count+1 {
		t.Fatalf("%d rows", len(rows))
	}
	for i, row := range rows[1:] {
		client := send(t, s, "GET", fmt.Sprintf("%s/%d", clientsPath, i+1), "").object(t)
		if len(client) != len(rows[0]) {
			t.Fatalf("a client has %d fields, and a row %d columns", len(client), len(rows[0]))
		}
		for n, column := range rows[0] {
			checkCell(t, row[n], client[column])
		}
	}
	part := send(t, s, "GET", clientsPath+"/export?status=revoked&ca_id=1", "")
	if lines := strings.Count(string(part.body), "\n"); lines != 2 {
		t.Errorf("of those that are revoked: %s", part.body)
	}
}

// checkCell compares a cell with the field of a client, regardless of the ' before a formula.
func checkCell(t *testing.T, cell string, field any) {
	t.Helper()
	if cell != "" && strings.Contains("=+-@\t\r", cell[:1]) {
		t.Errorf("the cell %q is a formula", cell)
	}
	want := ""
	if field != nil {
		want = fmt.Sprint(field)
	}
	if cell != want && cell != "'"+want {
		t.Errorf("the cell is %q, and the field %q", cell, want)
	}
}

// TestClientArchive: it has a file of each client with a key, and each is in the audit.
func TestClientArchive(t *testing.T) {
	t.Parallel()
	s := withCA(t)
	for _, name := range []string{"a", "b.c", "-x", "CON"} {
		send(t, s, "POST", clientsPath, object(t, "ca_id", 1, "name", name, "email", "a@b.c")).want(t, 200, "", "")
	}
	got := send(t, s, "POST", clientsPath+"/pkcs12", `{"ids": [4, 3, 2, 1, 9], "password": "segredo"}`,
		"Accept-Language", "en")
	got.want(t, 200, "", "")
	files := domaintest.Must(unzip(got.body))(t)
	var names []string
	for name, content := range files {
		names = append(names, name)
		if strings.HasSuffix(name, ".p12") {
			domaintest.Check(t, checkPKCS12(content, []string{
				"segredo", strings.TrimPrefix(strings.TrimSuffix(name, ".p12"), "_"), "ca",
			}))
		}
	}
	slices.Sort(names)
	want := []string{"-x.p12", "_CON.p12", "a.p12", "b.c.p12", "not-included.txt"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
	if left := string(files["not-included.txt"]); left != "9\t\tNot found.\r\n" {
		t.Errorf("left out: %q", left)
	}
	events := all(t, auditOf(s, domain.AuditFilter{Action: domain.ActionExport}))
	if len(events) != 4 || events[0].ResourceID != 4 || !strings.Contains(events[0].After, `"form":"pkcs12"`) {
		t.Errorf("%d hand-outs are in the audit: %v", len(events), events)
	}
}

// TestMany_OfInstance: the sites of an instance are exported, renewed and packed, and no others.
func TestMany_OfInstance(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *wiretest.Server) {
		send(t, s, "POST", casPath, `{"name": "ca", "email": "a@b.c"}`).want(t, 200, "", "")
		for i := range 4 {
			send(t, s, "POST", clientsPath, fmt.Sprintf(`{"ca_id": 1, "name": "site-%d", "email": "a@b.c"}`, i+1)).
				want(t, 200, "", "")
		}
		for i, name := range []string{"vpn", "other"} {
			send(t, s, "POST", "/api/openvpn/instances", fmt.Sprintf(
				`{"ca_id": 1, "name": %q, "network": "10.%d.0.0/24"}`, name, i+8)).want(t, 200, "", "")
		}
		for _, site := range []string{"/2/configs/1", "/3/configs/2", "/4/configs/1", "/4/configs/2"} {
			send(t, s, "PUT", clientsPath+site, `{}`).want(t, 200, "", "")
		}
		export := string(send(t, s, "GET", clientsPath+"/export?instance_id=1&name=site-*", "").body)
		if names := exportedNames(t, export); !slices.Equal(names, []string{"site-2", "site-4"}) {
			t.Errorf("exported: %q", names)
		}
		files := domaintest.Must(unzip(send(t, s, "POST", clientsPath+"/pkcs12",
			`{"instance_id": 2, "password": "segredo"}`).body))(t)
		if len(files) != 2 || files["site-3.p12"] == nil || files["site-4.p12"] == nil {
			t.Errorf("packed: %d files", len(files))
		}
		done := renewMany(t, s, "", `{"instance_id": 1, "after": 2}`)
		if len(done.Clients) != 1 || done.Clients[0].Name != "site-4" || !done.Clients[0].Ok {
			t.Errorf("renewed: %+v", done)
		}
		if none := renewMany(t, s, "?dry_run=true", `{"instance_id": 9}`); len(none.Clients) != 0 {
			t.Errorf("of no instance: %+v", none)
		}
	})
}

func exportedNames(t *testing.T, file string) (names []string) {
	t.Helper()
	for _, row := range domaintest.Must(csv.NewReader(strings.NewReader(file)).ReadAll())(t)[1:] {
		names = append(names, row[2])
	}
	return names
}
