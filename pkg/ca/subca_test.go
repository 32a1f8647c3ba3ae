package ca_test

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

// rootOf makes a root that allows a number of CAs below it.
func rootOf(t testing.TB, name string, pathLength int) *ca.Authority {
	t.Helper()
	req := rootRequest()
	req.Subject, req.PathLength = ca.Subject{CommonName: name}, pathLength
	authority, err := ca.NewRoot(newKey(t, ca.ECDSAP256), req)
	if err != nil {
		t.Fatal(err)
	}
	return authority
}

func caRequest(name string, pathLength int) ca.CARequest {
	return ca.CARequest{
		Subject: ca.Subject{CommonName: name}, PathLength: pathLength, NotBefore: epoch, NotAfter: epoch.Add(year),
	}
}

// below makes a CA that another one issues.
func below(t testing.TB, parent *ca.Authority, name string, pathLength int) *ca.Authority {
	t.Helper()
	prepared, err := parent.PrepareCA(caRequest(name, pathLength))
	if err != nil {
		t.Fatal(err)
	}
	key := newKey(t, ca.ECDSAP256)
	cert, err := prepared.Issue(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	authority, err := ca.NewAuthority(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return authority
}

// verifyBelow asks openssl whether a client is valid under a root, with CAs between them.
func verifyBelow(t *testing.T, root, client *x509.Certificate, between ...*x509.Certificate) error {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, dir, "root.pem", ca.EncodeCertificatePEM(root.Raw))
	writeFile(t, dir, "client.pem", ca.EncodeCertificatePEM(client.Raw))
	var chain []byte
	for _, one := range append(between, client) { // -untrusted needs some certificate
		chain = append(chain, ca.EncodeCertificatePEM(one.Raw)...)
	}
	writeFile(t, dir, "chain.pem", chain)
	_, err := tryOpenssl(t, dir, "verify", "-x509_strict", "-purpose", "sslclient", "-attime",
		strconv.FormatInt(epoch.Unix(), 10), "-CAfile", "root.pem", "-untrusted", "chain.pem", "client.pem")
	return err
}

func TestPrepareCA_ItsClientsAreValidUnderTheRoot(t *testing.T) {
	t.Parallel()
	root := rootOf(t, "root", 2)
	middle := below(t, root, "middle", 1)
	last := below(t, middle, "last", 0)
	client := issue(t, last, ca.Ed25519)
	if err := verifyBelow(t, root.Certificate, client, last.Certificate, middle.Certificate); err != nil {
		t.Error(err)
	}
	chain, err := ca.CheckChain(last.Certificate, root.Certificate, middle.Certificate)
	if diff := cmp.Diff([]*x509.Certificate{middle.Certificate, root.Certificate}, chain); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	list := signCRL(t, last, manyRevocations(1))
	if err := list.CheckSignatureFrom(last.Certificate); err != nil {
		t.Error(err)
	}
	for name, test := range map[string]struct {
		parent *ca.Authority
		req    ca.CARequest
		want   error
	}{
		"below the last":   {last, caRequest("x", 0), ca.ErrPathLength},
		"as long as above": {middle, caRequest("x", 1), ca.ErrPathLength},
		"a negative path":  {middle, caRequest("x", -1), ca.ErrInvalidRequest},
		"the same subject": {root, caRequest("root", 0), ca.ErrSelfIssued},
		"without a name":   {root, caRequest("", 0), ca.ErrInvalidRequest},
		"beyond the root": {root, ca.CARequest{
			Subject: ca.Subject{CommonName: "x"}, NotBefore: epoch, NotAfter: epoch.Add(11 * year),
		}, ca.ErrBeyondCA},
	} {
		if _, err := test.parent.PrepareCA(test.req); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whoever trusts the other root accepts the clients of a CA that it has signed across.
func TestCrossSign(t *testing.T) {
	t.Parallel()
	mine, theirs := rootOf(t, "mine", 0), rootOf(t, "theirs", 3)
	client := issue(t, mine, ca.Ed25519)
	cross, err := theirs.CrossSign(mine.Certificate, epoch.Add(-year), epoch.Add(year))
	if err != nil {
		t.Fatal(err)
	}
	if err := verifyBelow(t, theirs.Certificate, client, cross); err != nil {
		t.Error(err)
	}
	if !bytes.Equal(cross.RawSubject, mine.Certificate.RawSubject) || cross.MaxPathLen != 0 ||
		!bytes.Equal(cross.SubjectKeyId, mine.Certificate.SubjectKeyId) ||
		cross.SerialNumber.Cmp(mine.Certificate.SerialNumber) == 0 ||
		!cross.NotBefore.Equal(theirs.Certificate.NotBefore) {
		t.Errorf("%v, %v, path length %d", cross.Subject, cross.NotBefore, cross.MaxPathLen)
	}
	chain, err := ca.CheckChain(cross, theirs.Certificate)
	if err != nil || len(chain) != 1 {
		t.Errorf("%v, %v", chain, err)
	}
	_, err = mine.CrossSign(theirs.Certificate, epoch, epoch.Add(year))
	wantError(t, err, ca.ErrPathLength)
	_, err = theirs.CrossSign(mine.Certificate, epoch, epoch.Add(11*year))
	wantError(t, err, ca.ErrBeyondCA)
	_, err = theirs.CrossSign(mine.Certificate, epoch, epoch)
	wantError(t, err, ca.ErrInvalidRequest)
	_, err = theirs.CrossSign(client, epoch, epoch.Add(year))
	wantError(t, err, ca.ErrNotCA)
	_, err = theirs.CrossSign(theirs.Certificate, epoch, epoch.Add(year))
	wantError(t, err, ca.ErrSelfIssued)
}

// The path length of a cross-certificate is what the issuer leaves of it.
func TestCrossSign_PathLength(t *testing.T) {
	t.Parallel()
	open := foreignCA(t, func(c *x509.Certificate) { c.MaxPathLen = -1 })
	for _, test := range []struct {
		parent, of *ca.Authority
		want       int
	}{
		{rootOf(t, "theirs", 3), rootOf(t, "mine", 1), 1},
		{rootOf(t, "theirs", 2), rootOf(t, "mine", 5), 1},
		{rootOf(t, "theirs", 2), open, 1},
		{open, rootOf(t, "mine", 1), 1},
		{open, foreignCA(t, func(c *x509.Certificate) { c.MaxPathLen, c.Subject.CommonName = -1, "x" }), -1},
		{rootOf(t, "same", 0), rootOf(t, "same", 0), 0}, // a new key of the same CA, signed with the old one
	} {
		cert, err := test.parent.CrossSign(test.of.Certificate, epoch, epoch.Add(year))
		if err != nil {
			t.Fatal(err)
		}
		if cert.MaxPathLen != test.want {
			t.Errorf("path length %d, want %d", cert.MaxPathLen, test.want)
		}
		client := issue(t, test.of, ca.Ed25519)
		if err := verifyBelow(t, test.parent.Certificate, client, cert); err != nil {
			t.Error(err)
		}
	}
}

// foreignCA is a self-signed CA of another program.
func foreignCA(t testing.TB, change func(*x509.Certificate)) *ca.Authority {
	t.Helper()
	plain := newRoot(t, ca.ECDSAP256)
	self := &ca.Authority{Certificate: &x509.Certificate{
		Subject: pkix.Name{CommonName: "legacy"}, PublicKey: plain.Signer.Public(),
	}, Signer: plain.Signer}
	cert := foreign(t, self, plain.Signer.Public(), func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage = true, true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
		change(c)
		self.Certificate.Subject = c.Subject
	})
	authority, err := ca.NewAuthority(cert, plain.Signer)
	if err != nil {
		t.Fatal(err)
	}
	return authority
}

// A renewed CA is the same to those who trust it, and keeps what limited it.
func TestRenew(t *testing.T) {
	t.Parallel()
	constraints := pkix.Extension{
		Id: asn1.ObjectIdentifier{2, 5, 29, 30}, Critical: true,
		Value: []byte("\x30\x0c\xa1\x0a\x30\x08\x82\x06x.evil"), // excluded, a dNSName
	}
	old := foreignCA(t, func(c *x509.Certificate) {
		c.MaxPathLen, c.ExtraExtensions = 2, []pkix.Extension{constraints}
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
		c.UnknownExtKeyUsage = []asn1.ObjectIdentifier{{1, 2, 3}}
		c.KeyUsage |= x509.KeyUsageDigitalSignature
		c.CRLDistributionPoints = []string{"http://old.example/"} // not of the new one
	})
	client := issue(t, old, ca.Ed25519)
	renewed, err := old.Renew(epoch.Add(-year), epoch.Add(20*year))
	if err != nil {
		t.Fatal(err)
	}
	was, is := old.Certificate, renewed.Certificate
	if !bytes.Equal(is.RawSubject, was.RawSubject) || is.SerialNumber.Cmp(was.SerialNumber) == 0 ||
		!is.NotAfter.Equal(epoch.Add(20*year)) || is.MaxPathLen != 2 || is.KeyUsage != was.KeyUsage ||
		len(is.CRLDistributionPoints) != 0 || !slices.Equal(is.ExtKeyUsage, was.ExtKeyUsage) ||
		len(is.UnknownExtKeyUsage) != 1 || !slices.ContainsFunc(is.Extensions, func(e pkix.Extension) bool {
		return e.Id.Equal(constraints.Id) && e.Critical && bytes.Equal(e.Value, constraints.Value)
	}) {
		t.Errorf("%+v", is)
	}
	if err := verifyBelow(t, is, client); err != nil {
		t.Error(err)
	}
	again, err := renewed.Renew(epoch, epoch.Add(30*year))
	if err != nil || !bytes.Equal(again.Certificate.SubjectKeyId, is.SubjectKeyId) {
		t.Errorf("%v, %v", again, err)
	}
	_, err = renewed.Renew(epoch, epoch.Add(101*year))
	wantError(t, err, ca.ErrInvalidRequest)
	root := rootOf(t, "root", 1)
	sub := below(t, root, "sub", 0)
	_, err = sub.Renew(epoch, epoch.Add(year))
	wantError(t, err, ca.ErrInvalidRequest)
	cert, err := root.CrossSign(sub.Certificate, epoch, epoch.Add(9*year))
	if err != nil {
		t.Fatal(err)
	}
	if err := verifyBelow(t, root.Certificate, issue(t, sub, ca.Ed25519), cert); err != nil {
		t.Error(err)
	}
}
