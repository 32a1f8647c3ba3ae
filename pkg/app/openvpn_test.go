package app_test

import (
	"bytes"
	"crypto/x509"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/openvpn/openvpntest"
)

// soon is the longest time after a DELETE for which a client may still be let in.
const soon = 10 * time.Second

// TestOpenVPN is the main job: certificates made over HTTP let sites in, and a DELETE keeps a site
// out, while the OpenVPN server keeps running.
func TestOpenVPN(t *testing.T) {
	t.Parallel()
	openvpntest.Require(t)
	c := login(t, apptest.Start(t, onSQLite(t)))
	authority := createCA(t, c, "ca-matriz")
	sites := map[string]record{}
	for name, more := range map[string]object{
		"lisboa": {"key_algorithm": "ecdsa-p256"}, "porto": {"key_algorithm": "rsa-2048"},
		"faro":  {"key_algorithm": "ed25519"},
		"braga": {"password": "sésame"},
	} {
		in := object{"ca_id": authority.ID, "name": name, "email": "site@example.com", "expiration": 30}
		for key, value := range more {
			in[key] = value
		}
		sites[name] = create(t, c, clients, in)
	}
	server := startOpenVPN(t, c, authority.ID)
	pid := server.PID()
	for name, site := range sites {
		wantConnected(t, server, credentials(t, c, site, name))
	}

	gone := credentials(t, c, sites["lisboa"], "lisboa")
	revoke(t, c, sites["lisboa"].ID)
	revokedAt := time.Now()
	setCRL(t, c, server, authority.ID)
	wantRefused(t, server, gone)
	if took := time.Since(revokedAt); took > soon {
		t.Errorf("refused %s after the DELETE", took)
	}
	for _, name := range []string{"porto", "faro", "braga"} {
		wantConnected(t, server, credentials(t, c, sites[name], name))
	}
	wantRefused(t, server, gone) // still refused
	if server.PID() != pid {
		t.Error("this is not the server it was")
	}
}

// TestOpenVPN_ImportedCA moves a CA with two sites that openssl has kept so far. One site was
// revoked there and stays refused, although its certificate is not imported; the other is revoked
// after the move.
func TestOpenVPN_ImportedCA(t *testing.T) {
	t.Parallel()
	openvpntest.Require(t)
	dir := newOpenSSLCA(t)
	c := login(t, apptest.Start(t, onSQLite(t)))
	authority := create(t, c, cas+"/import", object{
		"cert": read(t, dir, "ca.pem"), "key": read(t, dir, "ca.key"), "password": "capass",
		"crl": read(t, dir, "crl.pem"),
	})
	server := startOpenVPN(t, c, authority.ID)
	old := openvpntest.Credentials{Certificate: []byte(read(t, dir, "old.pem")), Key: []byte(read(t, dir, "old.key"))}
	kept := openvpntest.Credentials{
		Certificate: []byte(read(t, dir, "kept.pem")), Key: []byte(read(t, dir, "kept.key")),
	}
	wantRefused(t, server, old)
	wantConnected(t, server, kept) // as before, although its certificate is not imported

	imported := create(t, c, clients+"/import", object{
		"ca_id": authority.ID, "email": "site@example.com", "cert": string(kept.Certificate), "key": string(kept.Key),
	})
	wantConnected(t, server, credentials(t, c, imported, "kept"))
	fresh := credentials(t, c, createClient(t, c, authority.ID, "fresh"), "fresh")
	wantConnected(t, server, fresh)
	revoke(t, c, imported.ID)
	setCRL(t, c, server, authority.ID)
	wantRefused(t, server, kept)
	wantRefused(t, server, old)
	wantConnected(t, server, fresh)
}

// TestPKCS12 lets openssl open the file that is served.
func TestPKCS12(t *testing.T) {
	t.Parallel()
	requireProgram(t, "openssl", "apt-get install openssl")
	c := login(t, apptest.Start(t, onSQLite(t)))
	authority := createCA(t, c, "ca-matriz")
	issuer := must(parseCertificates(get(t, c, caPath(authority.ID, "/certificate"))))[0]
	for name, password := range map[string]string{"plain": "", "locked": "chave"} {
		in := object{"ca_id": authority.ID, "name": name, "email": "site@example.com", "password": password}
		site := create(t, c, clients, in)
		var file []byte
		if err := c.Do(
			t.Context(), http.MethodPost, clientPath(site.ID, "/pkcs12"), object{"password": "chave"}, &file,
		); err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		write(t, dir, "site.p12", file)
		text := openssl(t, dir, "pkcs12", "-in", "site.p12", "-passin", "pass:chave", "-nodes")
		leaf := must(parseCertificates(get(t, c, clientPath(site.ID, "/certificate"))))[0]
		for _, want := range []string{certificatePEM(leaf), certificatePEM(issuer), "-----BEGIN PRIVATE KEY-----"} {
			if !bytes.Contains(text, []byte(want)) {
				t.Errorf("%s: no %.40q in\n%s", name, want, text)
			}
		}
		info := openssl(t, dir, "pkcs12", "-in", "site.p12", "-passin", "pass:chave", "-noout", "-info")
		if !bytes.Contains(info, []byte("AES-256-CBC")) || !bytes.Contains(info, []byte("MAC: sha256")) {
			t.Errorf("%s: the file is encrypted otherwise: %s", name, info)
		}
	}
}

func startOpenVPN(t *testing.T, c *apptest.Client, caID int64) *openvpntest.Server {
	t.Helper()
	return openvpntest.Start(t, openvpntest.ServerConfig{
		ClientCA: get(t, c, caPath(caID, "/certificate")),
		CRL:      get(t, &apptest.Client{URL: c.URL}, caPath(caID, "/crl")),
	})
}

// setCRL gives the running OpenVPN server the CRL that is served.
func setCRL(t *testing.T, c *apptest.Client, server *openvpntest.Server, caID int64) {
	t.Helper()
	if err := server.SetCRL(get(t, c, caPath(caID, "/crl"))); err != nil {
		t.Fatal(err)
	}
}

// credentials are what a site downloads, without the certificate of the CA, which comes with the
// profile of the server.
func credentials(t *testing.T, c *apptest.Client, site record, name string) openvpntest.Credentials {
	t.Helper()
	chain := get(t, c, clientPath(site.ID, "/certificate"))
	if leaf := must(parseCertificates(chain))[0]; leaf.Subject.CommonName != name {
		t.Fatalf("the certificate of %s is for %s", name, leaf.Subject.CommonName)
	}
	found := openvpntest.Credentials{Certificate: chain, Key: get(t, c, clientPath(site.ID, "/key"))}
	if bytes.Contains(found.Key, []byte("ENCRYPTED")) {
		found.Password = "sésame"
	}
	return found
}

func connect(t *testing.T, server *openvpntest.Server, c openvpntest.Credentials) openvpntest.Result {
	t.Helper()
	result, err := server.Connect(t.Context(), c)
	if err != nil {
		t.Fatalf("%v\nserver:\n%s\nclient:\n%s", err, result.ServerLog, result.ClientLog)
	}
	return result
}

func wantConnected(t *testing.T, server *openvpntest.Server, c openvpntest.Credentials) {
	t.Helper()
	if result := connect(t, server, c); !result.Connected {
		t.Errorf("refused: %s", result.Reason)
	}
}

func wantRefused(t *testing.T, server *openvpntest.Server, c openvpntest.Credentials) {
	t.Helper()
	if result := connect(t, server, c); result.Connected || !strings.Contains(result.Reason, "certificate revoked") {
		t.Errorf("connected: %t, reason %q; want it refused as revoked", result.Connected, result.Reason)
	}
}

// newOpenSSLCA makes a CA as described in the manual of openssl, with an encrypted key, the clients
// old and kept, and a CRL that lists old.
func newOpenSSLCA(t *testing.T) (dir string) {
	t.Helper()
	requireProgram(t, "openssl", "apt-get install openssl")
	dir = t.TempDir()
	write(t, dir, "openssl.cnf", []byte(opensslConfig))
	write(t, dir, "index.txt", nil)
	openssl(t, dir, "req", "-x509", "-newkey", "rsa:2048", "-passout", "pass:capass", "-keyout", "ca.key", "-out",
		"ca.pem",
		"-config", "openssl.cnf", "-extensions", "root", "-subj", "/CN=ca-antiga", "-days", "3650")
	ca := []string{"ca", "-batch", "-notext", "-config", "openssl.cnf", "-passin", "pass:capass"}
	for _, name := range []string{"old", "kept"} {
		openssl(t, dir, "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", name+".key", "-out", name+".csr",
			"-config", "openssl.cnf", "-subj", "/CN="+name)
		openssl(t, dir, append(ca, "-in", name+".csr", "-out", name+".pem", "-extensions", "client", "-days", "365")...)
	}
	openssl(t, dir, append(ca, "-revoke", "old.pem", "-crl_reason", "keyCompromise")...)
	openssl(t, dir, append(ca, "-gencrl", "-out", "crl.pem")...)
	crl := must(x509.ParseRevocationList(must(decodePEM("X509 CRL", []byte(read(t, dir, "crl.pem"))))[0]))
	if len(crl.RevokedCertificateEntries) != 1 {
		t.Fatalf("openssl's list has %d entries", len(crl.RevokedCertificateEntries))
	}
	return dir
}

const opensslConfig = `
[req]
distinguished_name = name
prompt = no
[name]
[ca]
default_ca = here
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[here]
dir = .
database = index.txt
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
rand_serial = yes
default_md = sha256
default_crl_days = 30
policy = anything
[anything]
commonName = supplied
[client]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
authorityKeyIdentifier = keyid, issuer:always
`

func openssl(t *testing.T, dir string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "openssl", args...)
	cmd.Dir = dir
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("openssl %s: %v\n%s", strings.Join(args, " "), err, output)
	}
	return output
}

func write(t *testing.T, dir, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
