package openvpntest

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"
)

// The facts about OpenVPN on which the renewal of a CA rests (docs/decisions/0021).

// again makes another certificate for a subject and a key, signed by a CA or by itself.
func (a authority) again(t *testing.T, name string, serial int64, key *ecdsa.PrivateKey, by *authority) authority {
	t.Helper()
	ca := template(name, serial)
	ca.BasicConstraintsValid, ca.IsCA = true, true
	ca.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	issuer, signer := ca, key
	if by != nil {
		issuer, signer = by.certificate, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, issuer, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return authority{parsed, key, encode("CERTIFICATE", der)}
}

// A server does not start with two certificates of one subject in its file of CAs, of one key or of
// two.
func TestCAFile_OneCertificateASubject(t *testing.T) {
	t.Parallel()
	Require(t)
	old := newAuthority(t)
	for what, other := range map[string]authority{
		"of the same key": old.again(t, "client CA", 2, old.key, nil), "of another key": newAuthority(t),
	} {
		s, err := StartServer(t.Context(), ServerConfig{Dir: t.TempDir(), ClientCA: slices.Concat(other.pem, old.pem)})
		if err == nil {
			s.Stop()
		}
		if err == nil || !strings.Contains(err.Error(), "only 1 of 2 entries were valid X509 names") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A client whose certificate names the serial number of its CA, as those of easy-rsa do, is let in
// with another certificate of the CA only if that has the same serial number.
func TestCAFile_SerialOfTheIssuer(t *testing.T) {
	t.Parallel()
	old := newAuthority(t)
	client := old.issueNaming(t, 10)
	for serial, reason := range map[int64]string{1: "", 2: "unable to get local issuer certificate"} {
		renewed := old.again(t, "client CA", serial, old.key, nil)
		check(t, Start(t, ServerConfig{ClientCA: renewed.pem}), client, reason)
		check(t, Start(t, ServerConfig{ClientCA: renewed.pem}), renewed.issue(t, 11, time.Hour), "")
	}
}

// issueNaming makes a client whose authorityKeyIdentifier has the issuer and serial number of the
// CA (RFC 5280, section 4.2.1.1).
func (a authority) issueNaming(t *testing.T, serial int64) Credentials {
	t.Helper()
	name := asn1.RawValue{Class: 2, Tag: 4, IsCompound: true, Bytes: a.certificate.RawSubject}
	names, err := asn1.Marshal(name)
	if err != nil {
		t.Fatal(err)
	}
	value, err := asn1.Marshal(struct {
		ID     []byte        `asn1:"tag:0"`
		Issuer asn1.RawValue `asn1:"tag:1"`
		Serial *big.Int      `asn1:"tag:2"`
	}{
		a.certificate.SubjectKeyId, asn1.RawValue{Class: 2, Tag: 1, IsCompound: true, Bytes: names},
		a.certificate.SerialNumber,
	})
	if err != nil {
		t.Fatal(err)
	}
	return a.issueWith(t, serial, pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 35}, Value: value})
}

// A server that trusts the earlier CA alone lets in the clients of its successor that present what
// the earlier one has signed for its key, in place of its own certificate or before it. Without the
// list of the successor it does so even if that has revoked them.
func TestCAFile_CrossSigned(t *testing.T) {
	t.Parallel()
	old := newAuthority(t)
	next := old.again(t, "client CA G2", 3, newKey(t), nil)
	cross := old.again(t, "client CA G2", 4, next.key, &old)
	client, revoked := next.issue(t, 10, time.Hour), next.issue(t, 11, time.Hour)
	presenting := func(c Credentials, above ...[]byte) Credentials {
		c.Certificate = slices.Concat(append([][]byte{c.Certificate}, above...)...)
		return c
	}
	s := Start(t, ServerConfig{ClientCA: old.pem, CRL: old.revoke(t, 1)})
	check(t, s, presenting(client, cross.pem), "")
	check(t, s, presenting(client, cross.pem, next.pem), "")
	check(t, s, client, "unable to get local issuer certificate")
	check(t, s, presenting(client, next.pem), "self-signed certificate in certificate chain")
	check(t, s, presenting(client, next.pem, cross.pem), "self-signed certificate in certificate chain")
	check(t, s, presenting(revoked, cross.pem), "")
	setCRL(t, s, slices.Concat(old.revoke(t, 2), next.revoke(t, 1, 11)))
	check(t, s, presenting(revoked, cross.pem), "certificate revoked")
	check(t, s, presenting(client, cross.pem), "")

	both := Start(t, ServerConfig{
		ClientCA: slices.Concat(next.pem, old.pem), CRL: slices.Concat(old.revoke(t, 2), next.revoke(t, 1, 11)),
	})
	check(t, both, presenting(client, cross.pem), "")
	check(t, both, presenting(revoked, cross.pem), "certificate revoked")
}
