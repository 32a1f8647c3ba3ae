package ca_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"flag"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"testing/cryptotest"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// With randomness and clock fixed, every byte of a profile is fixed: a change of these files is a
// change of what the service publishes.
func TestGolden(t *testing.T) {
	cryptotest.SetGlobalRandom(t, 1)
	authority := newRoot(t, ca.ECDSAP256)
	client := issue(t, authority, ca.ECDSAP256)
	crl := signCRL(t, authority, []ca.Revocation{
		{Serial: client.SerialNumber, RevokedAt: epoch, Reason: 1},
		{Serial: authority.Certificate.SerialNumber, RevokedAt: epoch.Add(-year)},
	})
	long := rootOf(t, "Chaveiro Test Root", 1)
	sub, server := below(t, long, "Chaveiro Test Sub-CA", 0), issueServer(t, long, serverRequest(), ca.ECDSAP256)
	reasons := signCRL(t, long, []ca.Revocation{
		{Serial: big.NewInt(7), RevokedAt: epoch, Reason: ca.CertificateHold, InvalidityDate: epoch.Add(-year)},
	})
	goldenOCSP(t, long, server)
	golden(t, "sub.pem", ca.EncodeCertificatePEM(sub.Certificate.Raw))
	golden(t, "server.pem", ca.EncodeCertificatePEM(server.Raw))
	golden(t, "reasons.pem", ca.EncodeCRLPEM(reasons.Raw))
	golden(t, "ca.pem", ca.EncodeCertificatePEM(authority.Certificate.Raw))
	golden(t, "client.pem", ca.EncodeCertificatePEM(client.Raw))
	golden(t, "crl.pem", ca.EncodeCRLPEM(crl.Raw))
	verifyClient(t, authority, client, epoch)
	if err := crl.CheckSignatureFrom(authority.Certificate); err != nil {
		t.Error(err)
	}
}

// goldenOCSP is what OCSP adds: the URL in a certificate, the certificate of a responder, and an
// answer.
func goldenOCSP(t *testing.T, authority *ca.Authority, cert *x509.Certificate) {
	t.Helper()
	responder, signer := newResponder(t, authority, epoch)
	id := readOCSP(t, askAbout(t, cert, authority.Certificate, crypto.SHA256)).CertIDs[0].Raw
	der, err := signer.Sign(ca.OCSPAnswer{
		Statuses:   []ca.CertStatus{{CertID: id, RevokedAt: epoch.Add(-time.Hour), Reason: ca.Superseded}},
		ThisUpdate: epoch, NextUpdate: epoch.Add(time.Hour), Nonce: []byte("nonce"),
	})
	if err != nil {
		t.Fatal(err)
	}
	named := *authority
	named.OCSP = "https://pki.example/ocsp/1"
	golden(t, "responder.pem", ca.EncodeCertificatePEM(responder.Raw))
	golden(t, "answer.ocsp", der)
	golden(t, "named.pem", ca.EncodeCertificatePEM(issue(t, &named, ca.ECDSAP256).Raw))
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := readFile(t, "testdata", name); !bytes.Equal(got, want) {
		t.Errorf("%s is not what it was:\n%s", path, got)
	}
}

// The golden files are read as a user's upload would be.
func TestGolden_ParsesBack(t *testing.T) {
	t.Parallel()
	root, err := ca.ParseCertificate(readFile(t, "testdata", "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	client, err := ca.ParseCertificate(readFile(t, "testdata", "client.pem"))
	if err != nil {
		t.Fatal(err)
	}
	list, err := ca.ParseCRL(readFile(t, "testdata", "crl.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if err := list.CheckFrom(root); err != nil {
		t.Error(err)
	}
	if entries := list.Entries; len(entries) != 2 || entries[0].Serial.Cmp(client.SerialNumber) != 0 {
		t.Errorf("entries are %+v", entries)
	}
	if got := client.ExtKeyUsage; len(got) != 1 || got[0] != x509.ExtKeyUsageClientAuth {
		t.Errorf("extended key usage is %v", got)
	}
}
