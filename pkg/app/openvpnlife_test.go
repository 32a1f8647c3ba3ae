package app_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app/apptest"
	"github.com/chaveiro/chaveiro/pkg/openvpn/openvpntest"
)

// TestOpenVPN_Renewal: while the overlap of a renewal lasts both certificates let the site in.
// After it, the server refuses the one before, and nobody has to do anything. A site that was
// revoked is renewed and comes back under its name.
func TestOpenVPN_Renewal(t *testing.T) {
	t.Parallel()
	openvpntest.Require(t)
	c := login(t, apptest.Start(t, onSQLite(t)))
	authority := createCA(t, c, "ca-matriz")
	site := createClient(t, c, authority.ID, "lisboa")
	server := startOpenVPN(t, c, authority.ID)
	first := credentials(t, c, site, "lisboa")

	change(t, c, site, "/renew", object{"overlap": "PT1H"})
	second := credentials(t, c, site, "lisboa")
	setCRL(t, c, server, authority.ID)
	wantConnected(t, server, first)
	wantConnected(t, server, second)

	change(t, c, site, "/renew", object{"overlap": "PT1S"}) // ends the longer overlap too
	third := credentials(t, c, site, "lisboa")
	time.Sleep(3 * time.Second)
	setCRL(t, c, server, authority.ID)
	wantRefused(t, server, first)
	wantRefused(t, server, second)
	wantConnected(t, server, third)

	revoke(t, c, site.ID)
	setCRL(t, c, server, authority.ID)
	wantRefused(t, server, third)
	change(t, c, site, "/renew", nil)
	wantConnected(t, server, credentials(t, c, site, "lisboa"))
	wantRefused(t, server, third)
}

// TestOpenVPN_Suspension: a suspended site is refused, and let in again when it is resumed, while
// the server keeps running.
func TestOpenVPN_Suspension(t *testing.T) {
	t.Parallel()
	openvpntest.Require(t)
	c := login(t, apptest.Start(t, onSQLite(t)))
	authority := createCA(t, c, "ca-matriz")
	site, other := createClient(t, c, authority.ID, "lisboa"), createClient(t, c, authority.ID, "porto")
	server := startOpenVPN(t, c, authority.ID)
	held, free := credentials(t, c, site, "lisboa"), credentials(t, c, other, "porto")
	wantConnected(t, server, held)

	change(t, c, site, "/suspend", nil)
	setCRL(t, c, server, authority.ID)
	wantRefused(t, server, held)
	wantConnected(t, server, free)

	change(t, c, site, "/resume", nil)
	setCRL(t, c, server, authority.ID)
	wantConnected(t, server, held)
	wantConnected(t, server, free)
}

// TestOpenVPN_Chain: a CA below a root issues the certificate of the server, and that of a site for
// its own key. Both sides trust the root alone, and the server has the lists of both CAs. When the
// root revokes the CA below, its sites are out.
func TestOpenVPN_Chain(t *testing.T) {
	t.Parallel()
	openvpntest.Require(t)
	c := login(t, apptest.Start(t, onSQLite(t)))
	root := createCA(t, c, "ca-raiz")
	middle := create(t, c, cas, object{"name": "ca-filiais", "email": "ca@example.com", "parent_id": root.ID})
	host := create(t, c, certificates, object{"ca_id": middle.ID, "kind": "server", "name": "vpn.example.com"})
	key, csr := newRequest(t)
	site := create(t, c, clients, object{"ca_id": middle.ID, "name": "lisboa", "email": "a@example.com", "csr": csr})
	trusted := get(t, c, caPath(root.ID, "/certificate"))
	server := openvpntest.Start(t, openvpntest.ServerConfig{
		ClientCA: trusted, CRL: get(t, c, caPath(middle.ID, "/crl-bundle")),
		Identity: &openvpntest.Identity{
			Name: "vpn.example.com", CA: trusted,
			Certificate: get(t, c, fmt.Sprintf("%s/%d/pem", certificates, host.ID)),
			Key:         get(t, c, fmt.Sprintf("%s/%d/key", certificates, host.ID)),
		},
	})
	own := openvpntest.Credentials{Certificate: get(t, c, clientPath(site.ID, "/certificate")), Key: key}
	wantConnected(t, server, own)

	below := must(parseCertificates(get(t, c, caPath(middle.ID, "/certificate"))))[0]
	create(t, c, caPath(root.ID, "/revocations"), object{"cert": certificatePEM(below), "reason": "cACompromise"})
	if err := server.SetCRL(get(t, c, caPath(middle.ID, "/crl-bundle"))); err != nil {
		t.Fatal(err)
	}
	wantRefused(t, server, own)
}

// newRequest makes a key, and a certificate request that is signed with it.
func newRequest(t *testing.T) (key []byte, csr string) {
	t.Helper()
	signer := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	der := must(x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, signer))
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	pkcs8 := must(x509.MarshalPKCS8PrivateKey(signer))
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), string(text)
}

// change sends a POST to an operation of a client.
func change(t *testing.T, c *apptest.Client, site record, operation string, body any) {
	t.Helper()
	if err := c.Do(t.Context(), http.MethodPost, clientPath(site.ID, operation), body, nil); err != nil {
		t.Fatal(err)
	}
}
