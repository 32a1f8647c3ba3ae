package app_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// loseSigningKey makes a key that signs at once, and lets both servers cache it.
func (w *failover) loseSigningKey(t *testing.T) {
	t.Helper()
	admin := w.replicas[0]
	before := keyOf(t, must(exchange(admin, t, admin.Token)).Access)
	apptest.MustCommand(t, w.options, "signing-key", "rotate", "--revoke")
	for _, c := range w.replicas {
		for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			if w.signed[0] = must(exchange(c, t, c.Token)).Access; keyOf(t, w.signed[0]) != before {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("the server still signs with the key that is revoked")
			}
		}
	}
	w.signed[1] = w.vault.bearer(t, w.replicas[1].URL)
	for i, path := range []string{cas, upsertPath} {
		for _, c := range w.replicas {
			get(t, &apptest.Client{URL: c.URL, Token: w.signed[i]}, path)
		}
	}
}

// keyOf returns the id of the key that a token names.
func keyOf(t *testing.T, token string) string {
	t.Helper()
	var header struct{ Kid string }
	first, _, _ := strings.Cut(token[strings.LastIndexByte(token, ' ')+1:], ".")
	if err := json.Unmarshal(must(base64.RawURLEncoding.DecodeString(first)), &header); err != nil || header.Kid == "" {
		t.Fatalf("a token without a key: %v", err)
	}
	return header.Kid
}

// loseCredentials makes an apikey, a user and an authorization with all rights, and lets both
// servers cache them.
func (w *failover) loseCredentials(t *testing.T) {
	t.Helper()
	key, session := w.newHolders(t, "lost")
	machine := must(exchange(w.replicas[0], t, key))
	vault := authorizeAs(t, w.replicas[0], "lost", "oauth2").bearer(t, w.replicas[0].URL)
	w.sessions = []string{key, session.Refresh}
	for i, token := range []string{key, machine.Access, session.Access} {
		w.gone = append(
			w.gone, goneCredential{
				token, cas, apikeys, object{"name": fmt.Sprint("by a lost one ", i), "superuser": true},
			},
		)
	}
	w.gone = append(w.gone, goneCredential{vault, upsertPath, upsertPath, lostDevice("by-a-lost-one")})
	for _, c := range w.replicas {
		for _, lost := range w.gone {
			get(t, &apptest.Client{URL: c.URL, Token: lost.token}, lost.read)
		}
	}
}

func (w *failover) newHolders(t *testing.T, name string) (key string, s session) {
	t.Helper()
	key = createKey(t, w.options, "--name", name, "--superuser")
	password := strings.TrimSpace(
		apptest.MustCommand(t, w.options, "user", "create", "--username", name, "--superuser"),
	)
	return key, must(signIn(w.replicas[0], t, name, password))
}

func lostDevice(hostname string) device {
	return device{
		Hostname: hostname, IP: "10.0.0.9", Model: "lost-model", Type: "Server", Vendor: "Vendor", Site: "Site",
	}
}

// heirs are the tables in which a new row gets the id of the lost last row.
var heirs = []string{"cas", "apikeys", "users", "pam_applications", "pam_authorizations"}

func (w *failover) lastIDs(t *testing.T) map[string]string {
	t.Helper()
	ids, db := map[string]string{}, openDatabase(t, w.options)
	for _, table := range heirs {
		var id int64
		if err := db.QueryRowContext(t.Context(), "SELECT max(id) FROM "+table).Scan(&id); err != nil {
			t.Fatal(err)
		}
		ids[table] = fmt.Sprint(id)
	}
	return ids
}

// giveNumbersAgain sets the sequences back to the present rows: by itself PostgreSQL continues
// after the numbers that it had reserved.
func (w *failover) giveNumbersAgain(t *testing.T) {
	t.Helper()
	run(t, openDatabase(t, w.options), `DO $$ DECLARE c record; BEGIN
		FOR c IN SELECT table_name AS name, pg_get_serial_sequence(table_name, 'id') AS numbers FROM information_schema.columns
			WHERE table_schema = 'public' AND column_name = 'id' AND pg_get_serial_sequence(table_name, 'id') IS NOT NULL
		LOOP
			EXECUTE format('LOCK TABLE %I IN EXCLUSIVE MODE', c.name); -- a row that is not committed yet has a number, too
			EXECUTE format('SELECT setval(%L, (SELECT COALESCE(max(id), 0) + 1 FROM %I), false)', c.numbers, c.name);
			COMMIT;
		END LOOP;
	END $$`)
}

// makeHeirs makes holders with the ids of the lost ones.
func (w *failover) makeHeirs(t *testing.T) {
	t.Helper()
	key, session := w.newHolders(t, "heir")
	vault := authorizeAs(t, w.replicas[0], "heir", "oauth2").bearer(t, w.replicas[0].URL)
	if got := w.lastIDs(t); !maps.Equal(got, w.ids) {
		t.Fatalf("the rows are %v, not %v: this tests nothing", got, w.ids)
	}
	for _, c := range w.replicas {
		for token, path := range map[string]string{key: cas, session.Access: cas, vault: upsertPath} {
			wantStatus(t, &apptest.Client{URL: c.URL, Token: token}, http.MethodGet, path, nil, http.StatusOK)
		}
	}
}

// askMeanwhile sends requests to both servers until the function that it returns is called. Each
// must succeed, or say when to retry.
func (w *failover) askMeanwhile(t *testing.T) (end func()) {
	ended, answers := make(chan struct{}), map[int]int{}
	var group sync.WaitGroup
	var mu sync.Mutex
	for i, c := range w.replicas {
		for method, path := range map[string]string{
			http.MethodGet: clientPath(w.listed.ID, ""), http.MethodPut: clientPath(w.listed.ID, ""),
			http.MethodHead: caPath(w.kept.ID, "/crl"),
			http.MethodPost: apikeys,
		} {
			group.Go(func() {
				for n := 0; ; n++ {
					var in any
					switch method {
					case http.MethodPut:
						in = object{"description": fmt.Sprint(i, n)}
					case http.MethodPost:
						// refused, but only after the caller is authenticated
						in = object{"name": fmt.Sprint("meanwhile ", i, n), "enabled": 1}
					}
					begin := time.Now()
					status, retry := answeredBy(t, c, method, path, in)
					fine := status == http.StatusOK || status == http.StatusConflict && method == http.MethodPost
					if !fine && (status != http.StatusInternalServerError || retry == "") ||
						time.Since(begin) > 15*time.Second {
						t.Errorf(
							"server %d, %s: %d after %s, try again after %q\n%s", i, method, status, time.Since(begin),
							retry, w.logs[i].Log(),
						)
						return
					}
					mu.Lock()
					answers[status]++
					mu.Unlock()
					select {
					case <-ended:
						return
					case <-time.After(20 * time.Millisecond):
					}
				}
			})
		}
	}
	return func() {
		close(ended)
		group.Wait()
		if answers[http.StatusOK] == 0 || answers[http.StatusConflict] == 0 {
			t.Errorf("answers by status: %v", answers)
		}
	}
}

// checkChanges: from the first moment on, nothing is changed in the name of a lost row, although a
// server may still let it read.
func (w *failover) checkChanges(t *testing.T) {
	t.Helper()
	for _, c := range w.replicas {
		for _, lost := range w.gone {
			wantStatus(
				t, &apptest.Client{URL: c.URL, Token: lost.token}, http.MethodPost, lost.change, lost.in,
				http.StatusUnauthorized,
			)
		}
	}
}

// checkCredentials: the credentials of a lost row give access to nothing, also not to the row that
// has its id now. This is checked after the time in which a server may use the rights in its cache.
func (w *failover) checkCredentials(t *testing.T) {
	t.Helper()
	for i, c := range w.replicas {
		for _, lost := range w.gone {
			wantStatus(
				t, &apptest.Client{URL: c.URL, Token: lost.token}, http.MethodGet, lost.read, nil,
				http.StatusUnauthorized,
			)
		}
		for j, token := range w.sessions {
			if _, err := exchange(c, t, token); statusOf(err) != http.StatusUnauthorized {
				t.Errorf("server %d, session %d: %v", i, j, err)
			}
		}
	}
}

// checkDevices: a lost model leaves no device behind that can't be listed, in either dialect.
func (w *failover) checkDevices(t *testing.T) {
	t.Helper()
	for i, c := range w.replicas {
		importDevice(t, c, fmt.Sprint("again-", i), "lost-model")
		vault := &apptest.Client{URL: c.URL, Token: w.vault.bearer(t, c.URL)}
		request := must(http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL+upsertPath,
			strings.NewReader(string(must(json.Marshal(lostDevice(fmt.Sprint("upserted-", i))))))))
		request.Header.Set("Authorization", "Bearer "+vault.Token)
		request.Header.Set("Content-Type", "application/json")
		if err := sendFor(http.DefaultClient, request, http.StatusCreated, nil); err != nil {
			t.Error(err)
		}
		for _, list := range []string{string(get(t, vault, upsertPath)), string(get(t, c, devicesPath))} {
			if strings.Count(list, "lost-model") != 2*(i+1) || !strings.Contains(list, "kept-1") ||
				strings.Contains(list, `"lost-0"`) {
				t.Errorf("%s", list)
			}
		}
	}
}

// checkSigned: what the lost signing key has signed is refused, and what is signed now is valid at
// both servers.
func (w *failover) checkSigned(t *testing.T) {
	t.Helper()
	lost := keyOf(t, w.signed[0])
	for i, c := range w.replicas {
		for j, path := range []string{cas, upsertPath} {
			wantStatus(
				t, &apptest.Client{URL: c.URL, Token: w.signed[j]}, http.MethodGet, path, nil, http.StatusUnauthorized,
			)
		}
		fresh := must(exchange(c, t, c.Token)).Access
		if keyOf(t, fresh) == lost {
			t.Errorf("server %d signs with the key that is gone", i)
		}
		for _, reader := range w.replicas {
			wantStatus(t, &apptest.Client{URL: reader.URL, Token: fresh}, http.MethodGet, cas, nil, http.StatusOK)
		}
	}
}

// checkLogs: both servers have logged that the database went back, and whose revocation is lost.
func (w *failover) checkLogs(t *testing.T) {
	t.Helper()
	serial, ok := new(big.Int).SetString(w.serial(t, w.listed), 10)
	for i, p := range w.logs {
		log := strings.ToUpper(p.Log())
		for _, words := range []string{
			"the database has another history", "certificates are good again", fmt.Sprintf("%X", serial),
		} {
			if !ok || !strings.Contains(log, strings.ToUpper(words)) {
				t.Errorf("server %d has not said %q", i, words)
			}
		}
	}
}

// checkAudit: nothing in it was altered, and a check with the checkpoints that were signed shows
// that its end is lost.
func (w *failover) checkAudit(t *testing.T) {
	t.Helper()
	if got := apptest.MustCommand(
		t, w.options, "audit", "verify", "--expect", hashOf(t, w.seen[0]),
	); !strings.HasSuffix(
		got, " 0 problems\n",
	) {
		t.Errorf("%s", got)
	}
	if got := apptest.Command(t, w.options, "audit", "verify", "--expect", hashOf(t, w.seen[1])); got.Code != 1 {
		t.Errorf("a checkpoint that is gone: %+v", got)
	}
}

// checkFloor: a server whose floor has what was published does not start before the database is
// accepted with the last CRLs. Then the lost revocations are on the CRLs of all servers.
func (w *failover) checkFloor(t *testing.T) {
	t.Helper()
	wantRefusal(t, w.stopped, "older than what was published", "events of the audit are gone", "restore --accept")
	hand := []string{"restore", "--accept"}
	for name, list := range map[string][]byte{
		"published": w.published, "kept": get(t, w.replicas[0], caPath(w.kept.ID, "/crl")),
		"heir": get(t, w.replicas[0], caPath(w.lost.ID, "/crl")),
	} {
		write(t, w.stopped.DataDir, name+".pem", list)
		hand = append(hand, "--crl", filepath.Join(w.stopped.DataDir, name+".pem"))
	}
	apptest.MustCommand(t, w.stopped, hand...)
	serial, published := w.serial(t, w.listed), must(parseCRL(w.published, w.keptCert))
	for _, c := range w.replicas {
		list := w.readCRL(t, c)
		if !listedIn(list)[serial] || list.Number.Cmp(published.Number) <= 0 ||
			!list.ThisUpdate.After(published.ThisUpdate) {
			t.Errorf(
				"list %d of %s after %d of %s: %v", list.Number, list.ThisUpdate, published.Number,
				published.ThisUpdate, listedIn(list),
			)
		}
	}
	wantReady(t, apptest.Start(t, w.stopped).URL)
}
