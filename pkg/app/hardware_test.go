//go:build pkcs11 && cgo

package app_test

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/kms/kmstest"
	"github.com/chaveiro/chaveiro/pkg/openvpn/openvpntest"
)

// onToken is a server with the key store hsm, a token of SoftHSM.
func onToken(t *testing.T, o apptest.Options) (apptest.Options, kmstest.SoftHSM) {
	t.Helper()
	hsm := kmstest.NewSoftHSM(t, "chaveiro")
	o.Env = append(o.Env, "SOFTHSM2_CONF="+hsm.Conf, "CHAVEIRO_KEY_STORES=hsm="+hsm.Address())
	return o, hsm
}

// TestHardware_CA: a CA whose key is in a token does all that a CA does, with a real OpenVPN, and
// goes on after a restart.
func TestHardware_CA(t *testing.T) {
	t.Parallel()
	openvpntest.Require(t)
	o, _ := onToken(t, onSQLite(t))
	p := apptest.Start(t, o)
	c := login(t, p)
	authority := createStored(t, c, cas, object{"name": "ca-matriz", "email": "ca@example.com", "key_store": "hsm"})
	if authority.KeyURI == nil || !strings.HasPrefix(*authority.KeyURI, "pkcs11:token=chaveiro;object=ca-matriz;id=") {
		t.Fatalf("the key is at %v", authority.KeyURI)
	}
	sites := &renewalSites{}
	sites.add(t, c, authority.ID, "lisboa", "porto")
	server := startOpenVPN(t, c, authority.ID)
	sites.want(t, get(t, c, caPath(authority.ID, "/crl")), server)

	renewed := createStored(t, c, caPath(authority.ID, "/renew"), object{})
	if renewed.ID != authority.ID || *renewed.KeyURI != *authority.KeyURI {
		t.Errorf("renewed: %+v", renewed)
	}
	next := createStored(t, c, caPath(authority.ID, "/renew"), object{"key": "new"})
	if next.KeyURI == nil || *next.KeyURI == *authority.KeyURI {
		t.Errorf("the key of the successor is at %v", next.KeyURI)
	}
	sealed := createStored(t, c, caPath(next.ID, "/renew"), object{"key": "new", "key_store": "database"})
	if sealed.KeyURI != nil {
		t.Errorf("the key that belongs into the database is at %v", *sealed.KeyURI)
	}
	below := createStored(t, c, cas, object{
		"name": "below", "email": "ca@example.com", "key_store": "hsm", "key_algorithm": "ecdsa-p384",
		"parent_id": next.ID, "path_length": 0,
	})
	create(t, c, clients, object{"ca_id": below.ID, "name": "filial", "email": "x@example.com"})

	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	again := apptest.Start(t, o)
	c.URL = again.URL
	sites.add(t, c, authority.ID, "faro", "braga")
	sites.want(t, get(t, c, caPath(authority.ID, "/crl")), server)
	wantOCSP(t, c, authority.ID)
	wantReady(t, again.URL)
	wantQuiet(t, again.Log())
}

// TestHardware_ExistingKey: a CA takes a key that is in the token already, once, and one whose
// certificate was made elsewhere is imported with it.
func TestHardware_ExistingKey(t *testing.T) {
	t.Parallel()
	o, _ := onToken(t, onSQLite(t))
	c := login(t, apptest.Start(t, o))
	first := createStored(t, c, cas, object{"name": "first", "email": "ca@example.com", "key_store": "hsm"})
	certificate := string(get(t, c, caPath(first.ID, "/certificate")))
	for _, one := range []struct {
		in    object
		field string
	}{
		{object{"key_uri": *first.KeyURI}, "key_uri"},
		{object{"key_uri": *first.KeyURI + "?pin-value=1"}, "key_uri"},
		{object{"key_uri": "pkcs11:token=other;object=x"}, "key_uri"},
		{object{"key_uri": "pkcs11:token=chaveiro;object=no"}, "key_uri"},
		{object{"key_store": "other"}, "key_store"},
		{object{"key_store": "hsm", "key_algorithm": "ed25519"}, "key_algorithm"},
	} {
		one.in["name"], one.in["email"] = "second", "ca@example.com"
		wantFault(t, c, one.in, one.field)
	}
	if err := c.Do(t.Context(), http.MethodDelete, caPath(first.ID, ""), nil, nil); err != nil {
		t.Fatal(err)
	}
	imported := createStored(t, c, cas+"/import", object{"name": "imported", "cert": certificate, "key": *first.KeyURI})
	createClient(t, c, imported.ID, "lisboa")
	if *imported.KeyURI != *first.KeyURI {
		t.Errorf("imported: %s", *imported.KeyURI)
	}
	out := apptest.Command(t, o, "export", "pki", "--ca", "imported", t.TempDir()+"/pki")
	if out.Code != 4 || !strings.Contains(out.Stderr, "does not leave it") {
		t.Errorf("export: %+v", out)
	}
	made := apptest.MustCommand(t, o, "ca", "create", "--json", "--name", "by-command", "--email", "c@example.com",
		"--key-store", "hsm", "--key-algorithm", "rsa-2048")
	if !strings.Contains(made, `"key_uri":"pkcs11:token=chaveiro;object=by-command`) {
		t.Error(made)
	}
}

func wantFault(t *testing.T, c *apptest.Client, in object, field string) {
	t.Helper()
	err := c.Do(t.Context(), http.MethodPost, cas, in, nil)
	refused, ok := errors.AsType[*apptest.StatusError](err)
	if !ok || refused.Status != http.StatusConflict || !strings.Contains(refused.Body, `"field":"`+field+`"`) {
		t.Errorf("%v: %v", in, err)
	}
}

// TestHardware_Away: while the token is away what needs it fails at once and stores nothing, and
// all else goes on. It heals by itself.
func TestHardware_Away(t *testing.T) {
	t.Parallel()
	o, hsm := onToken(t, onPostgres(t))
	p := apptest.Start(t, o)
	c := login(t, p)
	inToken := createStored(t, c, cas, object{"name": "in-token", "email": "ca@example.com", "key_store": "hsm"})
	other := createCA(t, c, "in-database")
	createClient(t, c, inToken.ID, "before")
	list := get(t, c, caPath(inToken.ID, "/crl"))
	audited := len(get(t, c, "/api/audit/events?size=100"))

	hsm.Remove(t)
	begun := time.Now()
	for range 20 {
		wantAway(t, c, clients, object{"ca_id": inToken.ID, "name": "meanwhile", "email": "x@example.com"})
	}
	if took := time.Since(begun); took > 20*time.Second {
		t.Errorf("20 refusals took %s", took)
	}
	wantAway(t, c, cas, object{"name": "another", "email": "ca@example.com", "key_store": "hsm"})
	wantAway(t, c, caPath(inToken.ID, "/renew"), object{})
	awaitReady(t, p.URL, "the key store hsm can't be reached")
	if got := len(get(t, c, "/api/audit/events?size=100")); got != audited {
		t.Errorf("the audit has grown from %d to %d octets", audited, got)
	}
	createClient(t, c, other.ID, "elsewhere")
	if got := get(t, c, caPath(inToken.ID, "/crl")); !bytes.Equal(got, list) {
		t.Error("another list is served")
	}

	hsm.Insert(t)
	awaitHealed(t, c, object{"ca_id": inToken.ID, "name": "meanwhile", "email": "x@example.com"})
	awaitReady(t, p.URL, "")
}

// TestHardware_MasterKey: the master key is wrapped under a key of the token. The server starts
// with it, and says what is missing when the token is away.
func TestHardware_MasterKey(t *testing.T) {
	t.Parallel()
	o, hsm := onToken(t, onSQLite(t))
	p := apptest.Start(t, o)
	c := login(t, p)
	authority := createCA(t, c, "ca-matriz")
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	hsm.AddAES(t, "master")
	wrapped := t.TempDir() + "/master.wrapped"
	apptest.MustCommand(t, o, "master-key", "wrap", "--key", "pkcs11:token=chaveiro;object=master", "--out", wrapped)
	plain := o
	o.Env = append(o.Env, "CHAVEIRO_MASTER_KEY_FILE="+wrapped)
	again := apptest.Start(t, o)
	c.URL = again.URL
	createClient(t, c, authority.ID, "lisboa")
	if err := again.Stop(); err != nil {
		t.Fatal(err)
	}
	unwrapped := apptest.MustCommand(t, o, "master-key", "unwrap", "--out", "-")
	if want := read(t, plain.DataDir, "master.key"); unwrapped != want {
		t.Error("another key was unwrapped")
	}
	hsm.Remove(t)
	out := apptest.Command(t, o, "ca", "list")
	if out.Code != 1 || !strings.Contains(out.Stderr, "the key store can't be reached") {
		t.Errorf("without the token: %+v", out)
	}
}
