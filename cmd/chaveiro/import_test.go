package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
)

// easyRSA is easy-rsa 3 on a directory of its own.
type easyRSA struct{ pki string }

const easyRSAProgram = "/usr/share/easy-rsa/easyrsa"

// newEasyRSA makes a PKI whose CA has a password.
func newEasyRSA(t *testing.T) easyRSA {
	t.Helper()
	if _, err := os.Stat(easyRSAProgram); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%v: scripts/setup.sh easyrsa installs it", err)
		}
		t.Skipf("%v: scripts/setup.sh easyrsa installs it", err)
	}
	e := easyRSA{filepath.Join(t.TempDir(), "pki")}
	e.run(t, "init-pki")
	e.run(t, "--req-cn=Easy-RSA-CA", "build-ca")
	return e
}

func (e easyRSA) run(t *testing.T, args ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), easyRSAProgram, args...)
	command.Dir = filepath.Dir(e.pki)
	command.Env = append(os.Environ(), "EASYRSA_PKI="+e.pki, "EASYRSA_BATCH=1", "EASYRSA_ALGO=ec",
		"EASYRSA_CERT_RENEW=36500", "EASYRSA_PASSIN=pass:"+longPassword, "EASYRSA_PASSOUT=pass:"+longPassword)
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("easyrsa %v: %v\n%s", args, err, output)
	}
}

func (e easyRSA) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(e.pki, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestImport_EasyRSA: a directory of easy-rsa 3 comes in whole, twice it changes nothing, and later
// what is new.
func TestImport_EasyRSA(t *testing.T) {
	t.Parallel()
	e, o := newEasyRSA(t), dataDir(t)
	e.run(t, "build-client-full", "alice", "nopass")
	e.run(t, "build-client-full", "bob", "nopass")
	e.run(t, "revoke", "bob", "keyCompromise")
	e.run(t, "build-client-full", "carl")
	e.run(t, "build-server-full", "vpn", "nopass")
	e.run(t, "gen-crl")
	e.write(t, "ta.key", "-----BEGIN OpenVPN Static key V1-----\n00\n-----END OpenVPN Static key V1-----\n")
	wantFail(t, o, 2, "password: key is encrypted", "import easy-rsa "+e.pki)
	o.Stdin = longPassword + "\n"
	line := "import easy-rsa " + filepath.Dir(e.pki) + " --ca-password-stdin"
	wantWords(t, must(t, o, line+" --dry-run"), "ACTION     KIND    NAME", "import     client  alice",
		"import     server  vpn", "without its key, which is encrypted with another password",
		"not imported: a key of the control channel (tls-auth, tls-crypt)", "\nwould import 6; 0 known already, 1 left out, 0 at fault\n")
	if got := must(t, o, "ca list --json"); got != "" {
		t.Errorf("a dry run has made %s", got)
	}
	wantWords(t, must(t, o, line), `imported 6 into the CA "Easy-RSA-CA" (id 1); 0 known already, 1 left out, 0 at fault`)
	wantClients(t, o, "--status valid", "alice", "carl")
	wantWords(t, must(t, o, "client show bob"), "\nrevocation reason    keyCompromise\n")
	entries := parseCRL(t, must(t, o, "crl get 1")).RevokedCertificateEntries
	if len(entries) != 1 || entries[0].ReasonCode != 1 {
		t.Errorf("%+v", entries)
	}
	parsePEM(t, must(t, o, "client key alice --out -"), "PRIVATE KEY")
	wantFail(t, o, 3, "", "client key carl --out -")
	must(t, o, "client renew alice")
	wantWords(t, must(t, o, line), "nothing was changed; 6 known already, 1 left out, 0 at fault\n")
	testImportLater(t, e, o, line)
}

// testImportLater: easy-rsa goes on after an import.
func testImportLater(t *testing.T, e easyRSA, o apptest.Options, line string) {
	t.Helper()
	e.run(t, "build-client-full", "dora", "nopass")
	e.run(t, "renew", "dora", "nopass")
	e.run(t, "revoke", "carl", "superseded")
	e.run(t, "gen-crl")
	// two of dora, and the revocation of carl; the number of the list is below that of the one here
	wantWords(t, must(t, o, line), "imported 3 into", "6 known already, 1 left out, 0 at fault\n")
	wantClients(t, o, "--status valid", "alice", "dora")
	got := must(t, o, "client certificates dora --json")
	if strings.Count(got, "\n") != 2 || strings.Count(got, `"key_kept":true`) != 2 {
		t.Error(got)
	}
	wantWords(t, must(t, o, "client show carl"), "\nrevocation reason    superseded\n")
	if list := parseCRL(t, must(t, o, "crl get 1")); len(list.RevokedCertificateEntries) != 2 {
		t.Errorf("%+v", list.RevokedCertificateEntries)
	}
	wantWords(t, must(t, o, "audit verify"), " 0 problems")
}

// TestImport_OpenVPNUI: the PKI is a folder of the data directory. As loose files it is the same.
func TestImport_OpenVPNUI(t *testing.T) {
	t.Parallel()
	e := newEasyRSA(t)
	e.run(t, "build-client-full", "alice", "nopass")
	e.run(t, "build-client-full", "bob")
	e.run(t, "gen-crl")
	data := t.TempDir()
	for _, dir := range []string{"clients", "config", "loose"} {
		if err := os.Mkdir(filepath.Join(data, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for i, name := range []string{"ca.crt", "private/ca.key", "issued/alice.crt", "private/alice.key", "issued/bob.crt", "private/bob.key", "crl.pem"} {
		text, err := os.ReadFile(filepath.Join(e.pki, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(data, "loose", fmt.Sprint(i)), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(data, "easy-rsa", "pki"), os.DirFS(e.pki)); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"import openvpn-ui " + data, "import pem " + filepath.Join(data, "loose")} {
		o := dataDir(t)
		o.Stdin = longPassword + "\n" + longPassword + "\n"
		got := must(t, o, line+" --ca-password-stdin --key-password-stdin --name matriz --json")
		if strings.Count(got, `{"action":"import"`) != 4 || strings.Count(got, `"key":true`) != 3 {
			t.Errorf("%s: %s", line, got)
		}
		wantClients(t, o, "--ca matriz", "alice", "bob")
		if protected := fieldsOf(t, o, "client show bob")["key_protected"]; protected != true {
			t.Errorf("%s: the key of bob is protected: %v", line, protected)
		}
	}
}

// oldCA makes the files of easy-rsa 2, which are all in the folder keys.
type oldCA struct {
	keys string
	cert *x509.Certificate
	key  *rsa.PrivateKey
}

func newOldCA(t *testing.T) *oldCA {
	t.Helper()
	o := &oldCA{keys: filepath.Join(t.TempDir(), "keys")}
	if err := os.Mkdir(o.keys, 0o700); err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{Country: []string{"BR"}, CommonName: "Empresa CA"},
		NotBefore: time.Now().Add(-day), NotAfter: time.Now().Add(3650 * day), IsCA: true, BasicConstraintsValid: true,
	}
	o.key = o.certify(t, "ca", template, nil)
	return o
}

// certify writes a certificate and its key, in PKCS#1.
func (o *oldCA) certify(t *testing.T, name string, template, issuer *x509.Certificate) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	signer := o.key
	if issuer == nil {
		issuer, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	if o.cert == nil {
		o.cert, _ = x509.ParseCertificate(der)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	o.write(t, name+".crt", "Certificate:\n    Data:\n"+text)
	o.write(t, fmt.Sprintf("%02X.pem", template.SerialNumber), text)
	o.write(t, name+".key", string(pem.EncodeToMemory(&pem.Block{
		Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key),
	})))
	return key
}

func (o *oldCA) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(o.keys, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (o *oldCA) issue(t *testing.T, name string, serial int64, usage x509.ExtKeyUsage) {
	t.Helper()
	o.certify(t, name, &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{Country: []string{"BR"}, CommonName: name},
		NotBefore: time.Now().Add(-day), NotAfter: time.Now().Add(300 * day), BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{usage},
	}, o.cert)
}

// TestImport_EasyRSA2: what is at fault stops the import of a directory of easy-rsa 2, unless a
// part is asked for.
func TestImport_EasyRSA2(t *testing.T) {
	t.Parallel()
	old, o := newOldCA(t), pkiDir(t)
	old.issue(t, "server", 2, x509.ExtKeyUsageServerAuth)
	old.issue(t, "loja", 3, x509.ExtKeyUsageClientAuth)
	old.issue(t, "site-rio", 4, x509.ExtKeyUsageClientAuth) // a name that a client has
	old.write(t, "index.txt", "V\t360101000000Z\t\t02\tunknown\t/C=BR/CN=server\n"+
		"R\t360101000000Z\t260101000000Z,cessationOfOperation\t03\tunknown\t/C=BR/CN=loja\n"+
		"V\t360101000000Z\t\t04\tunknown\t/C=BR/CN=site-rio\n"+
		"R\t360101000000Z\t260101000000Z\t05\tunknown\t/C=BR/CN=sumido\nbroken\n")
	line := "import easy-rsa " + filepath.Dir(old.keys)
	outcome := apptest.Command(t, o, strings.Fields(line)...)
	if outcome.Code != 1 || !strings.Contains(outcome.Stderr, "--partial imports the rest") {
		t.Errorf("%+v", outcome)
	}
	wantWords(t, outcome.Stdout, "name: duplicated", "the row does not have six columns",
		"\nnothing was changed; 0 known already, 0 left out, 2 at fault\n")
	wantClients(t, o, "", "site-rio", "site-recife")
	outcome = apptest.Command(t, o, strings.Fields(line+" --partial --json")...)
	if outcome.Code != 1 || !strings.Contains(outcome.Stderr, "what is at fault was not imported") {
		t.Errorf("%+v", outcome)
	}
	var first struct{ Kind string }
	line, _, _ = strings.Cut(outcome.Stdout, "\n")
	if err := json.Unmarshal([]byte(line), &first); err != nil || first.Kind != "ca" {
		t.Errorf("%+v (%v)", first, err)
	}
	wantClients(t, o, "", "site-rio", "site-recife", "loja")
	wantWords(t, must(t, o, "client show loja"), "\nrevocation reason    cessationOfOperation\n", "\nrevoked at           2026-01-01T00:00:00Z\n")
	if list := parseCRL(t, must(t, o, "crl get 2")); len(list.RevokedCertificateEntries) != 2 {
		t.Errorf("%+v", list.RevokedCertificateEntries)
	}
	parsePEM(t, must(t, o, "cert key 4 --out -"), "PRIVATE KEY")
	old.issue(t, "vpn", 6, x509.ExtKeyUsageServerAuth)
	file := filepath.Join(old.keys, "vpn")
	made := fieldsOf(t, o, "cert register --ca 2 --cert "+file+".crt --key "+file+".key")
	if made["kind"] != "server" || made["key_kept"] != true {
		t.Errorf("%v", made)
	}
	wantFail(t, o, 4, "cert: duplicated", "cert register --ca 2 --cert "+file+".crt")
	wantFail(t, o, 2, "cert: ", "cert register --ca 1 --cert "+file+".crt")
}

// TestImport_Misuse: a directory or a password that is missing is said, and changes nothing.
func TestImport_Misuse(t *testing.T) {
	t.Parallel()
	o, empty := pkiDir(t), t.TempDir()
	wantFail(t, o, 1, "there is no ca.crt with an index.txt", "import easy-rsa "+empty)
	wantFail(t, o, 1, "no such file or directory", "import pem "+empty+"/none")
	wantFail(t, o, 2, "there is no password on the standard input", "import pem "+empty+" --ca-password-stdin")
	wantFail(t, o, 2, "cert: ", "import pem "+empty)
	file := filepath.Join(empty, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantFail(t, o, 1, "is not a directory", "import pem "+file)
}

// TestProgressBar: a bar is drawn on a terminal alone.
func TestProgressBar(t *testing.T) {
	t.Parallel()
	out, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	bar := newProgressBar(out)
	bar.show(1, 2)
	bar.end()
	bar.on = true
	bar.show(1, 2)
	bar.show(2, 2)
	bar.end()
	text, err := os.ReadFile(out.Name())
	want := "\r[####################                    ] 1 of 2\r[########################################] 2 of 2\r\x1b[K"
	if err != nil || string(text) != want {
		t.Errorf("%q (%v)", text, err)
	}
}
