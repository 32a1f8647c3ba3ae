package app_test

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/kms/kmstest"
)

// storedCA is what these tests read of a CA.
type storedCA struct {
	record
	KeyURI       *string `json:"key_uri"`
	KeyAlgorithm string  `json:"key_algorithm"`
}

func createStored(t *testing.T, c *apptest.Client, path string, in object) storedCA {
	t.Helper()
	var out storedCA
	if err := c.Do(t.Context(), http.MethodPost, path, in, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// wantOCSP asks for the status of a client of the CA.
func wantOCSP(t *testing.T, c *apptest.Client, caID int64) {
	t.Helper()
	site := createClient(t, c, caID, "asked")
	certs, err := parseCertificates(get(t, c, clientPath(site.ID, "/certificate")))
	if err != nil || len(certs) == 0 {
		t.Fatal(err)
	}
	issuer := must(parseCertificates(get(t, c, caPath(caID, "/certificate"))))[0]
	request := must(ocsp.CreateRequest(certs[0], issuer, nil))
	response := must(http.Post(c.URL+"/ocsp/"+jsonText(caID), "application/ocsp-request", bytes.NewReader(request)))
	defer response.Body.Close()
	var body bytes.Buffer
	must(body.ReadFrom(response.Body))
	answer, err := ocsp.ParseResponseForCert(body.Bytes(), certs[0], issuer)
	if err != nil || answer.Status != ocsp.Good {
		t.Errorf("OCSP: %v, %v", answer, err)
	}
}

func jsonText(v any) string { return string(must(json.Marshal(v))) }

// wantAway checks that a request is refused as one that may be tried again.
func wantAway(t *testing.T, c *apptest.Client, path string, in object) {
	t.Helper()
	body := strings.NewReader(jsonText(in))
	request := must(http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL+path, body))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+c.Token)
	response := must(http.DefaultClient.Do(request))
	response.Body.Close()
	if response.StatusCode != http.StatusInternalServerError || response.Header.Get("Retry-After") == "" {
		t.Errorf("%s: %s, Retry-After %q", path, response.Status, response.Header.Get("Retry-After"))
	}
}

// awaitHealed makes a client as soon as the store of its CA is back.
func awaitHealed(t *testing.T, c *apptest.Client, in object) {
	t.Helper()
	since := time.Now()
	for {
		err := c.Do(t.Context(), http.MethodPost, clients, in, nil)
		if err == nil {
			break
		}
		if time.Since(since) > 30*time.Second {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Logf("healed after %s", time.Since(since))
}

// onTransit is a server with the key store bao, a stub of Transit.
func onTransit(t *testing.T, o apptest.Options) (apptest.Options, *kmstest.TransitStub) {
	t.Helper()
	stub := kmstest.NewTransitStub(t)
	o.Env = append(o.Env, "CHAVEIRO_KEY_STORES=bao="+stub.Address())
	return o, stub
}

// signatures is how many signatures a stub has made.
func signatures(stub *kmstest.TransitStub) (made int) {
	for _, request := range stub.Requests() {
		if strings.HasPrefix(request, "PUT transit/sign/") && strings.HasSuffix(request, " 200") {
			made++
		}
	}
	return made
}

// TestKeyStore_Transit: a CA whose key is in Transit issues and revokes, each time by a signature
// of the store, and goes on after a restart.
func TestKeyStore_Transit(t *testing.T) {
	t.Parallel()
	o, stub := onTransit(t, onSQLite(t))
	p := apptest.Start(t, o)
	c := login(t, p)
	authority := createStored(t, c, cas, object{"name": "ca-matriz", "email": "ca@example.com", "key_store": "bao"})
	if authority.KeyURI == nil || !strings.HasPrefix(*authority.KeyURI, "transit:mount=transit;name=ca-matriz-") {
		t.Fatalf("the key is at %v", authority.KeyURI)
	}
	before := signatures(stub)
	lisboa := createClient(t, c, authority.ID, "lisboa")
	if got := signatures(stub); got <= before {
		t.Errorf("issued with %d signatures of the store, %d before", got, before)
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	again := apptest.Start(t, o)
	c.URL = again.URL
	wantRevoked(t, c, authority.ID, lisboa.ID)
	wantOCSP(t, c, authority.ID)
	wantReady(t, again.URL)
	wantQuiet(t, again.Log())
}

// wantRevoked revokes a client, and checks its certificate and the list with that of the CA.
func wantRevoked(t *testing.T, c *apptest.Client, caID, clientID int64) {
	t.Helper()
	issuer := must(parseCertificates(get(t, c, caPath(caID, "/certificate"))))[0]
	cert := must(parseCertificates(get(t, c, clientPath(clientID, "/certificate"))))[0]
	if err := cert.CheckSignatureFrom(issuer); err != nil {
		t.Error(err)
	}
	revoke(t, c, clientID)
	list := must(x509.ParseRevocationList(must(decodePEM("X509 CRL", get(t, c, caPath(caID, "/crl"))))[0]))
	if err := list.CheckSignatureFrom(issuer); err != nil {
		t.Error(err)
	}
	if !slices.ContainsFunc(list.RevokedCertificateEntries, func(e x509.RevocationListEntry) bool {
		return e.SerialNumber.Cmp(cert.SerialNumber) == 0
	}) {
		t.Error("the list lacks the certificate that was revoked")
	}
}

// TestKeyStore_TransitAway: while Transit can't be reached, or is sealed, what needs it fails as
// what may be tried again, and stores nothing; all else goes on. It heals by itself.
func TestKeyStore_TransitAway(t *testing.T) {
	t.Parallel()
	o, stub := onTransit(t, onSQLite(t))
	p := apptest.Start(t, o)
	c := login(t, p)
	stored := createStored(t, c, cas, object{"name": "in-transit", "email": "ca@example.com", "key_store": "bao"})
	other := createCA(t, c, "in-database")
	for name, way := range map[string]struct{ leave, back func(testing.TB) }{
		"gone": {stub.Leave, stub.Return}, "sealed": {stub.Seal, stub.Unseal},
	} {
		list := get(t, c, caPath(stored.ID, "/crl"))
		audited := len(get(t, c, "/api/audit/events?size=100"))
		way.leave(t)
		in := object{"ca_id": stored.ID, "name": "while-" + name, "email": "x@example.com"}
		for range 5 {
			wantAway(t, c, clients, in)
		}
		wantAway(t, c, cas, object{"name": "another", "email": "ca@example.com", "key_store": "bao"})
		awaitReady(t, p.URL, "the key store bao can't be reached")
		if got := len(get(t, c, "/api/audit/events?size=100")); got != audited {
			t.Errorf("%s: the audit has grown from %d to %d octets", name, audited, got)
		}
		createClient(t, c, other.ID, "elsewhere-"+name)
		if got := get(t, c, caPath(stored.ID, "/crl")); !bytes.Equal(got, list) {
			t.Errorf("%s: another list is served", name)
		}
		way.back(t)
		awaitHealed(t, c, in)
		awaitReady(t, p.URL, "")
	}
}

// TestKeyStore_RotatedMasterKey: a master key that is wrapped under a key in Transit is rotated as
// any other, and is wrapped at each step. The server asks the store when it starts and when the
// file has changed, and not again and again.
func TestKeyStore_RotatedMasterKey(t *testing.T) {
	t.Parallel()
	o, stub := onTransit(t, onSQLite(t))
	stub.Ask(t, http.MethodPost, "transit/keys/master", object{"type": "aes256-gcm96"})
	apptest.MustCommand(t, o, "migrate", "up")
	apptest.MustCommand(t, o, "ca", "create", "--name", "ca", "--email", "ca@example.com")
	file := filepath.Join(t.TempDir(), "master.wrapped")
	apptest.MustCommand(t, o, "master-key", "wrap", "--key", "transit:mount=transit;name=master", "--out", file)
	o.Env = append(o.Env, "CHAVEIRO_MASTER_KEY_FILE="+file)
	p := apptest.Start(t, o)
	c := login(t, p)
	site := createClient(t, c, 1, "lisboa")

	apptest.MustCommand(t, o, "master-key", "add")
	apptest.MustCommand(t, o, "master-key", "rotate")
	settle(t, o)
	keep := filepath.Join(filepath.Dir(file), "old.key")
	apptest.MustCommand(t, o, "master-key", "remove", "1", "--keep", keep)
	wantKeys(t, o, `"version":2,`, `"state":"seals"`)
	if text := read(t, filepath.Dir(file), "master.wrapped"); !strings.Contains(text, "\nchaveiro-wrapped 1\n") {
		t.Error("the file is not wrapped any more")
	}
	if plain := apptest.MustCommand(t, o, "master-key", "unwrap", "--out", "-"); !strings.HasPrefix(plain, "2:") ||
		strings.Count(plain, "\n") != 1 {
		t.Error("the file has other keys than the second one")
	}
	get(t, c, clientPath(site.ID, "/key"))

	before := len(stub.Requests())
	for range 3 {
		if err := p.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		time.Sleep(500 * time.Millisecond)
	}
	if asked := stub.Requests()[before:]; len(asked) > 1 { // once since the file has changed
		t.Errorf("the store was asked again and again: %q", asked)
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	c.URL = apptest.Start(t, o).URL
	get(t, c, clientPath(site.ID, "/key"))
}
