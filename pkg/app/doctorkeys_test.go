package app_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// TestDoctor_KeyStores: what is said of a key store, of the key of a CA there, and of the key that
// wraps the master key, while all is well and when it is not.
func TestDoctor_KeyStores(t *testing.T) {
	t.Parallel()
	o, stub := onTransit(t, onSQLite(t))
	stub.Ask(t, http.MethodPost, "transit/keys/master", object{"type": "aes256-gcm96"})
	apptest.MustCommand(t, o, "migrate", "up")
	apptest.MustCommand(t, o, "ca", "create", "--name", "matriz", "--email", "ca@example.com", "--key-store", "bao")
	file := filepath.Join(t.TempDir(), "master.wrapped")
	apptest.MustCommand(t, o, "master-key", "wrap", "--key", "transit:mount=transit;name=master", "--out", file)
	o.Env = append(o.Env, "CHAVEIRO_MASTER_KEY_FILE="+file)
	found := examined(t, o, 0)
	wantFinding(t, found, "key stores", "ok", "bao can be used; its token ends in 5")
	wantFinding(t, found, "key stores", "ok", "the key of the CA matriz can be used: transit:mount=transit;name=matriz-")
	wantFinding(t, found, "key stores", "ok", "the key of the master key can be used: transit:mount=transit;name=master")
	wantFinding(t, found, "size", "ok", "0 certificates")

	stub.Fixed(t, stub.First, 10*time.Minute)
	wantFinding(t, examined(t, o, 0), "key stores", "warn", "and is not renewed | write another token into "+stub.Token)
	chmod(t, stub.Token, 0o644)
	wantFinding(t, examined(t, o, 1), "files", "fail", "chmod 600 "+stub.Token)
	chmod(t, stub.Token, 0o600)

	without := o
	without.Env = append(without.Env[:len(without.Env):len(without.Env)], "CHAVEIRO_KEY_STORES=")
	wantFinding(t, examined(t, without, 1), "master key", "fail", "name its store in key-stores")
	stub.Seal(t)
	found = examined(t, o, 1)
	wantFinding(t, found, "key stores", "fail", "bao can't be used: the key store can't be reached: it is sealed")
	wantFinding(t, found, "master key", "fail", "without it no server starts")
	stub.Unseal(t)
	for _, name := range stub.Keys() {
		stub.Ask(t, http.MethodPut, "transit/keys/"+name+"/config", object{"deletion_allowed": true})
		if name != "master" {
			stub.Ask(t, http.MethodDelete, "transit/keys/"+name, nil)
		}
	}
	wantFinding(t, examined(t, o, 1), "key stores", "fail", "there is no such key in the store")
	stub.WriteToken(t, "hvs.unknown")
	wantFinding(t, examined(t, o, 1), "key stores", "fail", "the token is refused: it has ended, or was revoked")
	if err := os.Remove(stub.Token); err != nil {
		t.Fatal(err)
	}
	wantFinding(t, examined(t, o, 1), "key stores", "fail", "the token can't be read")
}

// TestKeyStore_Metrics: a server tells which key stores it can use, and until when.
func TestKeyStore_Metrics(t *testing.T) {
	t.Parallel()
	o, stub := onTransit(t, onSQLite(t))
	p := apptest.Start(t, o)
	c := login(t, p)
	createStored(t, c, cas, object{"name": "in-transit", "email": "ca@example.com", "key_store": "bao"})
	want := func(words ...string) {
		t.Helper()
		awaitTrue(t, func() bool {
			text := get(t, c, "/metrics")
			for _, one := range words {
				if !bytes.Contains(text, []byte(one)) {
					return false
				}
			}
			return true
		})
	}
	want(`chaveiro_key_store_usable{store="bao"} 1`, `chaveiro_key_store_token_life_seconds{store="bao"} 3600`,
		`chaveiro_key_store_token_expires_timestamp_seconds{store="bao"} `)
	stub.Seal(t)
	wantAway(t, c, clients, object{"ca_id": 1, "name": "meanwhile", "email": "x@example.com"})
	want(`chaveiro_key_store_usable{store="bao"} 0`)
}

func awaitTrue(t *testing.T, holds func() bool) {
	t.Helper()
	for since := time.Now(); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Since(since) > 30*time.Second {
			t.Fatal("it does not hold")
		}
	}
}
