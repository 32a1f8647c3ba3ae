package app_test

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
)

// TestSerializable: two servers serve on a database all of whose transactions are serializable, as
// those of distributed databases are. Requests that meet succeed, and none is done twice.
func TestSerializable(t *testing.T) {
	t.Parallel()
	o := onPostgres(t)
	o.DatabaseURL += "&default_transaction_isolation=serializable"
	o.Env = []string{"CHAVEIRO_MASTER_KEY=" + keyText()}
	other := o
	other.DataDir = onSQLite(t).DataDir
	servers := []*apptest.Process{apptest.Start(t, o), apptest.Start(t, other)}
	c := login(t, servers[0])
	authority := createCA(t, c, "shared")
	vault := authorize(t, c, "oauth2").bearer(t, c.URL)
	const callers, rounds = 8, 5
	_, faults := domaintest.Together(callers, func(i int) (struct{}, error) {
		api := &apptest.Client{URL: servers[i%2].URL, Token: c.Token}
		pam := &apptest.Client{URL: servers[(i+1)%2].URL, Token: vault}
		for round := range rounds {
			if err := changeShared(t, api, pam, authority.ID, i, round); err != nil {
				return struct{}{}, fmt.Errorf("caller %d, round %d: %w", i, round, err)
			}
		}
		return struct{}{}, nil
	})
	if err := errors.Join(faults...); err != nil {
		t.Fatal(err)
	}
	issuer := must(parseCertificates(get(t, c, caPath(authority.ID, "/certificate"))))[0]
	list := must(parseCRL(get(t, c, caPath(authority.ID, "/crl")), issuer))
	if n := len(list.RevokedCertificateEntries); n != callers*rounds {
		t.Errorf("the list has %d entries", n)
	}
	repeated := 0
	for _, server := range servers {
		wantReady(t, server.URL)
		if log := server.Log(); strings.Contains(log, `"level":"ERROR"`) {
			t.Errorf("%s", log)
		}
		repeated += retriesOf(t, &apptest.Client{URL: server.URL, Token: c.Token}, "serialization")
	}
	if repeated == 0 {
		t.Error("nothing was tried again")
	}
	// The apikey, the CA, the application and its authorization; then what each round changes once.
	wantWhole(t, o, 4+callers*rounds*5)
}

// changeShared changes what all callers change, in the ways of both dialects, and makes and revokes
// a client, by requests that are repeated.
func changeShared(t *testing.T, api, pam *apptest.Client, caID int64, i, round int) error {
	name := fmt.Sprintf("site-%d-%d", i, round)
	do := func(method, path string, in, out any) error {
		api.Key = fmt.Sprint(name, method, path)
		if err := api.Do(t.Context(), method, path, in, out); err != nil {
			return err
		}
		return api.Do(t.Context(), method, path, in, out)
	}
	one := device{
		Hostname: fmt.Sprint("host-", (i+round)%3), IP: fmt.Sprintf("10.0.%d.%d", i, round), Type: "Server",
		Model: fmt.Sprint("model-", round), Vendor: "v", Site: fmt.Sprint("site-", i%2),
	}
	var site record
	stored := pam.Do(t.Context(), http.MethodPost, upsertPath, one, nil)
	if statusOf(stored) == http.StatusCreated {
		stored = nil
	}
	err := do(http.MethodPost, clients, object{"ca_id": caID, "name": name, "email": "site@example.com"}, &site)
	return errors.Join(
		stored, err, do(http.MethodDelete, clientPath(site.ID, ""), nil, nil),
		do(http.MethodPost, roles, object{"name": name, "scopes": []object{scope("openvpn.cas", true, false)}}, nil),
		api.Do(t.Context(), http.MethodPut, caPath(caID, ""), object{"description": name}, nil), // others undo it
	)
}

func retriesOf(t *testing.T, c *apptest.Client, reason string) int {
	t.Helper()
	line := regexp.MustCompile(`(?m)^chaveiro_database_retries_total\{reason="` + reason + `"\} (\d+)$`)
	found := line.FindSubmatch(get(t, c, "/metrics"))
	if found == nil {
		t.Fatal("no metric")
	}
	return must(strconv.Atoi(string(found[1])))
}
