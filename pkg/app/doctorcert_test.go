package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestDoctor_Certificate: what is said of the TLS certificate of the server.
func TestDoctor_Certificate(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		left  time.Duration
		url   URL
		level Level
		words string
	}{
		{"good", 40 * 24 * time.Hour, "https://vpn.example.com", Good, "39 days"},
		{"without an external URL", 40 * 24 * time.Hour, "", Good, "39 days"},
		{"for another name", 40 * 24 * time.Hour, "https://other.example.com", Failed, "not for other.example.com"},
		{"nearly over", 50 * time.Hour, "https://vpn.example.com", Warned, "2 days"},
		{"over", -time.Hour, "https://vpn.example.com", Failed, "it ended"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			e := &examination{now: Now(), config: Config{ExternalURL: test.url}}
			e.config.TLSCertificate, e.config.TLSKey = certificateUntil(t, e.now.Add(test.left))
			e.tls()
			if len(e.found) != 1 || e.found[0].Level != test.level || !strings.Contains(e.found[0].Text, test.words) {
				t.Errorf("%+v, want %s: %s", e.found, test.level, test.words)
			}
		})
	}
}

// certificateUntil writes the certificate of vpn.example.com and its key.
func certificateUntil(t *testing.T, end time.Time) (certificate, key string) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: end.Add(-100 * 24 * time.Hour), NotAfter: end,
		DNSNames: []string{"vpn.example.com"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, secret.Public(), secret)
	if err != nil {
		t.Fatal(err)
	}
	text, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	for path, block := range map[string]*pem.Block{
		certificate: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: text},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key
}
