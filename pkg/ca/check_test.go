package ca_test

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

// foreign signs a certificate as some other software might have, with the
// given authority.
func foreign(
	t testing.TB, authority *ca.Authority, pub crypto.PublicKey, change func(*x509.Certificate),
) *x509.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "legacy"},
		NotBefore:    epoch,
		NotAfter:     epoch.Add(year),
	}
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, authority.Certificate, pub, authority.Signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestCheckClient(t *testing.T) {
	t.Parallel()
	authority := newRoot(t, ca.ECDSAP256)
	pub := newKey(t, ca.ECDSAP256).Public()
	usage := func(usages ...x509.ExtKeyUsage) func(*x509.Certificate) {
		return func(c *x509.Certificate) { c.ExtKeyUsage = usages }
	}
	tests := []struct {
		name   string
		pub    crypto.PublicKey
		change func(*x509.Certificate)
		want   error
	}{
		{"clientAuth", pub, usage(x509.ExtKeyUsageClientAuth), nil},
		{"no extended key usage", pub, usage(), nil},
		{"any extended key usage", pub, usage(x509.ExtKeyUsageAny), ca.ErrNotClient},
		{"clientAuth and serverAuth", pub, usage(x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth), nil},
		{"serverAuth only", pub, usage(x509.ExtKeyUsageServerAuth), ca.ErrNotClient},
		{
			"an unknown usage only", pub,
			func(c *x509.Certificate) { c.UnknownExtKeyUsage = []asn1.ObjectIdentifier{{1, 2, 3}} }, ca.ErrNotClient,
		},
		{"a CA", pub, func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true }, ca.ErrIsCA},
		{"RSA of 1024 bits", rsaPublic(1024), usage(), ca.ErrWeakKey},
		{"RSA of 2560 bits", rsaPublic(2560), usage(), nil},
		{"RSA of 16384 bits", rsaPublic(16384), usage(), ca.ErrUnsupportedKey},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			wantError(t, authority.CheckClient(foreign(t, authority, test.pub, test.change)), test.want)
		})
	}
}

func TestCheckClient_OnlyItsOwn(t *testing.T) {
	t.Parallel()
	authority, twin := newRoot(t, ca.ECDSAP256), newRoot(t, ca.ECDSAP256)
	cert := issue(t, authority, ca.ECDSAP256)
	wantError(t, authority.CheckClient(cert), nil)
	wantError(t, twin.CheckClient(cert), ca.ErrNotSignedByCA)
	wantError(t, authority.CheckClient(authority.Certificate), ca.ErrIsCA)

	req := rootRequest()
	req.Subject.CommonName = "another"
	other, err := ca.NewRoot(newKey(t, ca.ECDSAP256), req)
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, other.CheckClient(cert), ca.ErrNotSignedByCA)
}

// The standard library no longer signs over SHA-1, so OpenSSL does.
func TestCheckClient_WeakSignature(t *testing.T) {
	t.Parallel()
	for _, digest := range []string{"sha1", "md5"} {
		dir := t.TempDir()
		authority := newRoot(t, ca.RSA2048)
		writeAuthority(t, dir, authority)
		openssl(
			t, dir, "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", "leaf.key", "-subj", "/CN=old", "-out",
			"leaf.csr",
		)
		openssl(
			t, dir, "x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-"+digest, "-set_serial",
			"5", "-out", "leaf.pem",
		)
		cert, err := ca.ParseCertificate(readFile(t, dir, "leaf.pem"))
		if err != nil {
			t.Fatal(err)
		}
		wantError(t, authority.CheckClient(cert), ca.ErrWeakSignature)
	}
}

func TestNewAuthority_Refuses(t *testing.T) {
	t.Parallel()
	root := newRoot(t, ca.ECDSAP256)
	_, err := ca.NewAuthority(root.Certificate, newKey(t, ca.ECDSAP256))
	wantError(t, err, ca.ErrKeyMismatch)
	_, err = ca.NewAuthority(root.Certificate, nil)
	wantError(t, err, ca.ErrKeyMismatch)

	key := newKey(t, ca.ECDSAP256)
	tests := []struct {
		name   string
		change func(*x509.Certificate)
		want   error
	}{
		{"a client", func(c *x509.Certificate) { c.IsCA = false }, ca.ErrNotCA},
		{
			"no basic constraints", func(c *x509.Certificate) { c.BasicConstraintsValid, c.IsCA = false, false },
			ca.ErrNotCA,
		},
		{"no cRLSign", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCertSign }, ca.ErrNotCA},
		{"no keyCertSign", func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign }, ca.ErrNotCA},
		{
			"for servers only",
			func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }, ca.ErrNotCA,
		},
		{"a critical extension unknown", func(c *x509.Certificate) {
			c.ExtraExtensions = []pkix.Extension{
				{Id: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}},
			}
		}, ca.ErrNotCA},
		{"no key usage", func(*x509.Certificate) {}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cert := foreign(t, root, key.Public(), func(c *x509.Certificate) {
				c.IsCA, c.BasicConstraintsValid = true, true
				test.change(c)
			})
			_, err := ca.NewAuthority(cert, key)
			wantError(t, err, test.want)
		})
	}
}

// The CAs of easy-rsa 2 lack keyUsage, some lack key identifiers too.
func TestNewAuthority_OldCA(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(
		t, dir, "old.cnf",
		[]byte("[req]\ndistinguished_name=dn\nx509_extensions=v3\n[dn]\n[v3]\nbasicConstraints=CA:TRUE\n"),
	)
	openssl(t, dir, "req", "-x509", "-config", "old.cnf", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key",
		"-subj", "/C=BR/O=Empresa XYZ/CN=Old CA/emailAddress=ca@example.com", "-days", "3650", "-out", "ca.pem")
	cert, err := ca.ParseCertificate(readFile(t, dir, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := ca.ParsePrivateKey(readFile(t, dir, "ca.key"), "")
	if err != nil {
		t.Fatal(err)
	}
	authority, err := ca.NewAuthority(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	if got := ca.SubjectOf(cert); got.Email != "ca@example.com" || got.CommonName != "Old CA" {
		t.Errorf("subject is %+v", got)
	}
	req := clientRequest(newKey(t, ca.ECDSAP256).Public())
	req.NotBefore, req.NotAfter = cert.NotBefore, cert.NotAfter
	client, err := authority.IssueClient(req)
	if err != nil {
		t.Fatal(err)
	}
	thisUpdate, nextUpdate := ca.CRLWindow(cert.NotBefore, year)
	crl, err := authority.SignCRL(ca.CRLRequest{Number: big.NewInt(1), ThisUpdate: thisUpdate, NextUpdate: nextUpdate})
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, "client.pem", ca.EncodeCertificatePEM(client.Raw))
	writeFile(t, dir, "crl.pem", ca.EncodeCRLPEM(crl))
	openssl(
		t, dir, "verify", "-CAfile", "ca.pem", "-CRLfile", "crl.pem", "-crl_check", "-purpose", "sslclient",
		"client.pem",
	)
}
