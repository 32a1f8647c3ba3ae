package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// fieldsOf reads what a command prints of one record.
func fieldsOf(t *testing.T, o apptest.Options, line string) map[string]any {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal([]byte(must(t, o, line+" --json")), &fields); err != nil {
		t.Fatal(err)
	}
	return fields
}

// TestClient_Renew: a client gets another certificate; the one before stays until the overlap ends.
func TestClient_Renew(t *testing.T) {
	t.Parallel()
	o := pkiDir(t)
	before := fieldsOf(t, o, "client show site-rio")
	o.Stdin = longPassword + "\n"
	after := fieldsOf(t, o, "client renew site-rio --overlap P10D --expires 365d --key-algorithm ed25519 --password-stdin")
	if after["serial"] == before["serial"] || after["key_algorithm"] != "ed25519" || after["key_protected"] != true {
		t.Errorf("%v", after)
	}
	list := must(t, o, "client certificates site-rio --json")
	if strings.Count(list, "\n") != 2 || strings.Count(list, `"superseded_at":null`) != 1 ||
		strings.Contains(list, `"revoked":true`) {
		t.Error(list)
	}
	must(t, o, "client renew site-rio --overlap 0")
	wantRevoked(t, o, "--client site-rio", 2)
	wantFail(t, o, 2, "overlap", "client renew site-rio --overlap 9000d")
	wantFail(t, o, 3, "there is no client", "client renew none")
	wantFail(t, o, 2, "whole days", "client renew site-rio --expires 12h")
}

// wantRevoked checks how many certificates of a list are revoked.
func wantRevoked(t *testing.T, o apptest.Options, flags string, want int) {
	t.Helper()
	if list := must(t, o, "cert list --json --status revoked "+flags); strings.Count(list, "\n") != want {
		t.Errorf("want %d: %s", want, list)
	}
}

// TestClient_CSR: with a request no key is made here, and none can be fetched.
func TestClient_CSR(t *testing.T) {
	t.Parallel()
	o := pkiDir(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(
		rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "x"}}, key,
	)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "a.csr")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, o, "client renew site-rio --csr "+file)
	must(t, o, "client create --ca 1 --name own --email own@example.com --csr "+file)
	for _, name := range []string{"site-rio", "own"} {
		cert, err := x509.ParseCertificate(parsePEM(t, must(t, o, "client certificate "+name), "CERTIFICATE"))
		if err != nil || !key.PublicKey.Equal(cert.PublicKey) || cert.Subject.CommonName != name {
			t.Errorf("%s: another key or name (%v)", name, err)
		}
		wantFail(t, o, 3, "", "client key "+name+" --out -")
	}
	wantFail(t, o, 2, "key_algorithm", "client renew site-rio --key-algorithm ed25519 --csr "+file)
	wantFail(t, o, 1, "no such file", "client renew site-rio --csr none.csr")
}

// TestClient_Suspend: a suspended client can be resumed; a revoked one can not.
func TestClient_Suspend(t *testing.T) {
	t.Parallel()
	o := pkiDir(t)
	must(t, o, "client suspend site-rio")
	wantWords(t, must(t, o, "client show site-rio"), "\nrevocation reason    certificateHold\n")
	must(t, o, "client resume site-rio")
	wantWords(t, must(t, o, "client show site-rio"), "\nrevoked              false\n", "\nrevocation reason    -\n")
	must(t, o, "client revoke site-rio --reason keyCompromise --invalid-since 2026-01-31 --yes")
	wantWords(t, must(t, o, "client show site-rio"), "\nrevocation reason    keyCompromise\n")
	list := parseCRL(t, must(t, o, "crl get 1"))
	if entry := list.RevokedCertificateEntries[0]; entry.ReasonCode != 1 || len(entry.Extensions) != 2 {
		t.Errorf("%+v", entry)
	}
	wantFail(t, o, 4, "", "client resume site-rio")
	wantFail(t, o, 4, "", "client suspend site-rio")
	wantFail(t, o, 2, "--reason", "client revoke site-recife --reason certificateHold --yes")
	wantFail(t, o, 2, "invalidity_date", "client revoke site-recife --invalid-since 2127-01-31 --yes")
	wantFail(t, o, 2, "no date", "client revoke site-recife --invalid-since 90d --yes")
}

// TestLists_ByExpiry: a list has what ends in a time, by its end.
func TestLists_ByExpiry(t *testing.T) {
	t.Parallel()
	o := pkiDir(t) // site-rio lasts 3650 days, site-recife 365
	must(t, o, "client create --ca 1 --name brief --email a@example.com --expires 10d")
	wantClients(t, o, "--expires-before 90d", "brief")
	wantClients(t, o, "--expires-before 1000d", "brief", "site-recife")
	wantClients(t, o, "--expires-before 1000d --sort id", "site-recife", "brief")
	wantClients(t, o, "--sort expiry", "brief", "site-recife", "site-rio")
	wantClients(t, o, "--expires-after 20d", "site-recife", "site-rio")
	wantClients(t, o, "--expires-before 2026-01-01")
	wantClients(t, o, "--serial "+fieldsOf(t, o, "client show brief")["serial"].(string), "brief")
	if list := must(t, o, "cert list --expires-before P90D --csv"); strings.Count(list, "\n") != 2 {
		t.Error(list)
	}
	wantFail(t, o, 2, "--expires-before", "client list --expires-before soon")
	wantFail(t, o, 2, "serial", "client list --serial x")
}

// TestCert: the certificates of servers, and each by its id, serial or fingerprint.
func TestCert(t *testing.T) {
	t.Parallel()
	o := pkiDir(t)
	made := fieldsOf(t, o, "cert create --ca 1 --name vpn --alt-name vpn.example.com --alt-name 192.0.2.1 --expires 365d")
	if made["kind"] != "server" || made["client_id"] != nil || made["ca"] != "ca-matriz" {
		t.Errorf("%v", made)
	}
	serial := made["serial"].(string)
	for _, name := range []string{"3", "0" + serial, made["fingerprint"].(string), made["fingerprint_sha256"].(string)} {
		if got := fieldsOf(t, o, "cert show "+name); got["id"] != 3.0 {
			t.Errorf("%s: %v", name, got)
		}
	}
	cert, err := x509.ParseCertificate(parsePEM(t, must(t, o, "cert pem 3"), "CERTIFICATE"))
	if err != nil || cert.DNSNames[0] != "vpn.example.com" || len(cert.IPAddresses) != 1 {
		t.Errorf("%v (%v)", cert, err)
	}
	parsePEM(t, must(t, o, "cert key 3 --out -"), "PRIVATE KEY")
	o.Stdin = longPassword + "\n"
	must(t, o, "cert p12 3 --password-stdin --out "+filepath.Join(t.TempDir(), "a.p12"))
	if list := must(t, o, "cert list --kind server --json"); strings.Count(list, "\n") != 1 {
		t.Error(list)
	}
	wantFail(t, o, 3, "there is no certificate with the id 9", "cert show 9")
	wantFail(t, o, 3, "there is no certificate abcdef", "cert show abcdef")
	wantFail(t, o, 2, "neither an id", "cert show x")
	wantFail(t, o, 2, "subject_alt_names[0]", "cert create --ca 1 --name vpn --alt-name a_b")
	wantFail(t, o, 3, "there is no client", "cert list --client none")
}

// TestCert_Revoke: a certificate is revoked by its serial or by itself; one that is not known too.
func TestCert_Revoke(t *testing.T) {
	t.Parallel()
	o := pkiDir(t)
	file := filepath.Join(t.TempDir(), "a.pem")
	must(t, o, "cert pem 1 --out "+file)
	wantFail(t, o, 4, "for good?", "cert revoke --ca 1 --cert "+file)
	done := fieldsOf(t, o, "cert revoke --ca ca-matriz --reason superseded --revoked-date 2026-02-01 --yes --cert "+file)
	if done["certificate_id"] != 1.0 || done["client_id"] != 1.0 || done["revocation_reason"] != "superseded" ||
		done["revoked_at"] != "2026-02-01T00:00:00.000000+00:00" {
		t.Errorf("%v", done)
	}
	if done := fieldsOf(t, o, "cert revoke --ca 1 --serial 0xABCDEF --yes"); done["serial"] != "abcdef" || done["client_id"] != nil {
		t.Errorf("%v", done)
	}
	wantRevoked(t, o, "", 1)
	wantFail(t, o, 2, "serial: ", "cert revoke --ca 1 --serial x --yes")
	wantFail(t, o, 2, "--serial", "cert revoke --ca 1 --yes")
	wantFail(t, o, 2, "--serial", "cert revoke --ca 1 --yes --serial 1 --cert "+file)
}

// TestCRL_Import: a list that the CA has signed is taken over; what is known is not added.
func TestCRL_Import(t *testing.T) {
	t.Parallel()
	o := pkiDir(t)
	file := filepath.Join(t.TempDir(), "crl.pem")
	must(t, o, "client revoke site-rio --yes")
	must(t, o, "crl get 1 --out "+file)
	if got := must(t, o, "crl import 1 "+file+" --json"); got != `{"ca_id":1,"entries":1,"added":0}`+"\n" {
		t.Error(got)
	}
	if err := os.WriteFile(file, []byte("no list\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantFail(t, o, 2, "crl", "crl import 1 "+file)
	wantFail(t, o, 1, "no such file", "crl import 1 none.pem")
}
