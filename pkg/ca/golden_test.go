package ca_test

import (
	"bytes"
	"crypto/x509"
	"flag"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"testing/cryptotest"

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
