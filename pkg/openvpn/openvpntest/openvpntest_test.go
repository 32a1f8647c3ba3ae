package openvpntest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/youmark/pkcs8"
)

func TestServer_Connect(t *testing.T) {
	t.Parallel()
	ca, stranger := newAuthority(t), newAuthority(t)
	valid := ca.issue(t, 10, time.Hour)
	encrypted := Credentials{Certificate: valid.Certificate, Key: encrypt(t, valid.Key, "sesame")}
	with := func(password string) Credentials {
		encrypted.Password = password
		return encrypted
	}
	tests := []struct {
		name   string
		client Credentials
		reason string // empty: connects
	}{
		{"a valid certificate connects", valid, ""},
		{
			"a certificate of another authority is refused", stranger.issue(t, 10, time.Hour),
			"unable to get local issuer certificate",
		},
		{"an expired certificate is refused", ca.issue(t, 11, -time.Minute), "certificate has expired"},
		{"an encrypted key with its password connects", with("sesame"), ""},
		{"an encrypted key with another password is refused", with("open"), "password verification failed"},
		{"an encrypted key without a password is refused", with(""), "can't ask for"},
		{"a valid certificate still connects", valid, ""},
	}
	bothModes(t, func(t *testing.T, p2p bool) {
		s := Start(t, ServerConfig{ClientCA: ca.pem, PointToPoint: p2p})
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) { check(t, s, test.client, test.reason) })
		}
	})
}

func TestServer_SetCRL(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	lisboa, porto := ca.issue(t, 10, time.Hour), ca.issue(t, 11, time.Hour)
	bothModes(t, func(t *testing.T, p2p bool) {
		s := Start(t, ServerConfig{ClientCA: ca.pem, CRL: ca.revoke(t, 1), PointToPoint: p2p})
		pid := s.PID()
		check(t, s, lisboa, "")
		setCRL(t, s, ca.revoke(t, 2, 10))
		check(t, s, lisboa, "certificate revoked")
		check(t, s, porto, "")
		setCRL(t, s, ca.revoke(t, 3, 11)) // as large as the list before, and in the same second
		check(t, s, porto, "certificate revoked")
		if s.PID() != pid || closed(s.proc.exited) {
			t.Error("this is not the server it was")
		}
	})
}

func TestServer_SetCRL_BeforeTheFirstClient(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	lisboa := ca.issue(t, 10, time.Hour)
	bothModes(t, func(t *testing.T, p2p bool) {
		s := Start(t, ServerConfig{ClientCA: ca.pem, CRL: ca.revoke(t, 1), PointToPoint: p2p})
		setCRL(t, s, ca.revoke(t, 2, 10))
		check(t, s, lisboa, "certificate revoked")
	})
}

func TestServer_SetCRL_NeedsOneToReplace(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	s := Start(t, ServerConfig{ClientCA: ca.pem})
	if err := s.SetCRL(ca.revoke(t, 1)); err == nil {
		t.Error("replaced a CRL that the server does not read")
	}
}

func TestStartServer_SaysWhyNot(t *testing.T) {
	t.Parallel()
	Require(t)
	_, err := StartServer(t.Context(), ServerConfig{ClientCA: []byte("no certificate")})
	if err == nil || !strings.Contains(err.Error(), "client-ca.pem") {
		t.Errorf("got %v, want what OpenVPN says about client-ca.pem", err)
	}
}

// bothModes runs the server as sites do, where this machine allows it, and
// point-to-point everywhere.
func bothModes(t *testing.T, run func(t *testing.T, p2p bool)) {
	for _, p2p := range []bool{false, true} {
		t.Run(fmt.Sprintf("point-to-point %t", p2p), func(t *testing.T) {
			t.Parallel()
			run(t, p2p)
		})
	}
}

func check(t *testing.T, s *Server, client Credentials, reason string) {
	t.Helper()
	began := time.Now()
	got, err := s.Connect(t.Context(), client)
	if err != nil {
		t.Fatalf("%v\nserver:\n%s\nclient:\n%s", err, got.ServerLog, got.ClientLog)
	}
	if got.Connected != (reason == "") || !strings.Contains(got.Reason, reason) {
		t.Errorf("connected %t, because %q, want %q\nserver:\n%s\nclient:\n%s",
			got.Connected, got.Reason, reason, got.ServerLog, got.ClientLog)
	}
	t.Logf("%v %s", time.Since(began).Round(time.Millisecond), got.Reason)
}

func setCRL(t *testing.T, s *Server, crl []byte) {
	t.Helper()
	if err := s.SetCRL(crl); err != nil {
		t.Fatal(err)
	}
}

// authority issues client certificates, with no more than OpenVPN looks at.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         []byte
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	key := newKey(t)
	ca := template("client CA", 1)
	ca.BasicConstraintsValid, ca.IsCA = true, true
	ca.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return authority{parsed, key, encode("CERTIFICATE", der)}
}

func (a authority) issue(t *testing.T, serial int64, validFor time.Duration) Credentials {
	t.Helper()
	leaf := template(fmt.Sprintf("site %d", serial), serial)
	leaf.NotAfter = time.Now().Add(validFor)
	return a.sign(t, leaf)
}

func (a authority) issueWith(t *testing.T, serial int64, extensions ...pkix.Extension) Credentials {
	t.Helper()
	leaf := template(fmt.Sprintf("site %d", serial), serial)
	leaf.ExtraExtensions = extensions
	return a.sign(t, leaf)
}

// sign makes the key and the certificate of a client.
func (a authority) sign(t *testing.T, leaf *x509.Certificate) Credentials {
	t.Helper()
	key := newKey(t)
	leaf.KeyUsage, leaf.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	der, err := x509.CreateCertificate(rand.Reader, leaf, a.certificate, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return Credentials{Certificate: encode("CERTIFICATE", der), Key: encode("PRIVATE KEY", keyDER)}
}

func (a authority) revoke(t *testing.T, number int64, serials ...int64) []byte {
	t.Helper()
	now := time.Now()
	list := &x509.RevocationList{
		Number: big.NewInt(number), ThisUpdate: now.Add(-time.Minute), NextUpdate: now.Add(time.Hour),
	}
	for _, serial := range serials {
		entry := x509.RevocationListEntry{SerialNumber: big.NewInt(serial), RevocationTime: now.Add(-time.Minute)}
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, entry)
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, a.certificate, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return encode("X509 CRL", der)
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func decode(t *testing.T, text []byte) []byte {
	t.Helper()
	block, _ := pem.Decode(text)
	return block.Bytes
}

func encrypt(t *testing.T, key []byte, password string) []byte {
	t.Helper()
	parsed, err := pkcs8.ParsePKCS8PrivateKey(decode(t, key))
	if err != nil {
		t.Fatal(err)
	}
	der, err := pkcs8.MarshalPrivateKey(parsed, []byte(password), nil)
	if err != nil {
		t.Fatal(err)
	}
	return encode("ENCRYPTED PRIVATE KEY", der)
}

func TestTryConfig(t *testing.T) {
	t.Parallel()
	Require(t)
	log, err := TryConfig(t.Context(), t.TempDir(), "dev tun\nupp x\n")
	if err == nil || !strings.Contains(log, "Unrecognized option") {
		t.Errorf("%v: %s", err, log)
	}
	log, err = TryConfig(t.Context(), t.TempDir(), "dev tun\nport 1\ntls-server\n")
	if err == nil || !strings.Contains(log, "Options error") {
		t.Errorf("a server without an authority: %v: %s", err, log)
	}
}
