package ca_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"math/big"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/crypto/ocsp"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

// newResponder is a responder of an authority.
func newResponder(t testing.TB, authority *ca.Authority, now time.Time) (*x509.Certificate, *ca.Responder) {
	t.Helper()
	prepared, err := authority.PrepareResponder(ca.ResponderRequest{
		Subject: ca.Subject{CommonName: "OCSP"}, NotBefore: now.Add(-time.Minute), NotAfter: now.Add(30 * 24 * time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	key := newKey(t, ca.ECDSAP256)
	cert, err := prepared.Issue(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	responder, err := authority.OpenResponder(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return cert, responder
}

func askAbout(t testing.TB, cert, issuer *x509.Certificate, hash crypto.Hash) []byte {
	t.Helper()
	der, err := ocsp.CreateRequest(cert, issuer, &ocsp.RequestOptions{Hash: hash})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func readOCSP(t testing.TB, der []byte) ca.OCSPRequest {
	t.Helper()
	request, err := ca.ReadOCSPRequest(der)
	if err != nil {
		t.Fatal(err)
	}
	return request
}

// TestResponder: what is signed is read by another implementation, for each hash and each kind of
// CA, and verifies with the CA alone.
func TestResponder(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []ca.KeyAlgorithm{ca.ECDSAP256, ca.ECDSAP384, ca.Ed25519, ca.RSA2048} {
		root := newRoot(t, algorithm)
		client := issue(t, root, ca.ECDSAP256)
		_, responder := newResponder(t, root, epoch)
		for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256, crypto.SHA384, crypto.SHA512} {
			id := readOCSP(t, askAbout(t, client, root.Certificate, hash)).CertIDs[0]
			if id.Serial.Cmp(client.SerialNumber) != 0 || !ca.NewOCSPIssuer(root.Certificate).Issued(id) {
				t.Errorf("%s, %s: the certificate is not recognized", algorithm, hash)
			}
			if ca.NewOCSPIssuer(newRoot(t, algorithm).Certificate).Issued(id) && algorithm != ca.RSA2048 {
				t.Errorf("%s, %s: another CA takes the certificate for its own", algorithm, hash)
			}
			for _, want := range []ca.CertStatus{
				{}, {Unknown: true}, {RevokedAt: epoch}, {RevokedAt: epoch.Add(-year), Reason: ca.CertificateHold},
			} {
				want.CertID = id.Raw
				der, err := responder.Sign(ca.OCSPAnswer{
					Statuses: []ca.CertStatus{want}, ThisUpdate: epoch, NextUpdate: epoch.Add(time.Hour),
				})
				if err != nil {
					t.Fatal(err)
				}
				wantStatus(t, der, client, root.Certificate, want)
			}
		}
	}
}

func wantStatus(t *testing.T, der []byte, cert, issuer *x509.Certificate, want ca.CertStatus) {
	t.Helper()
	got, err := ocsp.ParseResponseForCert(der, cert, issuer)
	if err != nil {
		t.Fatal(err)
	}
	status := ocsp.Good
	switch {
	case want.Unknown:
		status = ocsp.Unknown
	case !want.RevokedAt.IsZero():
		status = ocsp.Revoked
	}
	if got.Status != status || got.RevocationReason != int(want.Reason) || !got.RevokedAt.Equal(want.RevokedAt) ||
		!got.ThisUpdate.Equal(epoch) || !got.ProducedAt.Equal(epoch) || !got.NextUpdate.Equal(epoch.Add(time.Hour)) {
		t.Errorf("the answer is %+v, want %+v", got, want)
	}
}

// TestPrepareResponder: the certificate is for that alone, and lives shortly.
func TestPrepareResponder(t *testing.T) {
	t.Parallel()
	root := newRoot(t, ca.ECDSAP256)
	root.OCSP = "http://pki.example/ocsp/1"
	cert, _ := newResponder(t, root, epoch)
	if !slices.Equal(cert.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}) || cert.IsCA ||
		cert.KeyUsage != x509.KeyUsageDigitalSignature || len(cert.OCSPServer) > 0 {
		t.Errorf("the certificate is %+v", cert)
	}
	noCheck := slices.ContainsFunc(cert.Extensions, func(e pkixExtension) bool {
		return e.Id.String() == "1.3.6.1.5.5.7.48.1.5" && bytes.Equal(e.Value, []byte{5, 0}) && !e.Critical
	})
	if !noCheck {
		t.Error("clients have to ask whether it is revoked")
	}
	for _, end := range []time.Duration{91 * 24 * time.Hour, 11 * year} {
		_, err := root.PrepareResponder(ca.ResponderRequest{
			Subject: ca.Subject{CommonName: "OCSP"}, NotBefore: epoch, NotAfter: epoch.Add(end),
		})
		if !errors.Is(err, ca.ErrInvalidRequest) && !errors.Is(err, ca.ErrBeyondCA) {
			t.Errorf("%s: %v", end, err)
		}
	}
}

// TestIssue_OCSP: clients and servers name the responder of their CA, other certificates do not.
func TestIssue_OCSP(t *testing.T) {
	t.Parallel()
	const url = "https://pki.example/ocsp/1"
	root := rootOf(t, "root", 1)
	root.OCSP = url
	for name, cert := range map[string]*x509.Certificate{
		"client": issue(t, root, ca.ECDSAP256), "server": issueServer(t, root, serverRequest(), ca.RSA2048),
	} {
		if !slices.Equal(cert.OCSPServer, []string{url}) || len(cert.IssuingCertificateURL) > 0 {
			t.Errorf("%s: %q, %q", name, cert.OCSPServer, cert.IssuingCertificateURL)
		}
	}
	if sub := below(t, root, "sub", 0).Certificate; len(sub.OCSPServer) > 0 {
		t.Errorf("sub-CA: %q", sub.OCSPServer)
	}
}

// TestOpenResponder: neither the certificate of a client, nor that of another CA's responder, nor
// another key will do.
func TestOpenResponder(t *testing.T) {
	t.Parallel()
	root, other := newRoot(t, ca.ECDSAP256), rootOf(t, "other", 0)
	cert, _ := newResponder(t, root, epoch)
	_, err := root.OpenResponder(cert, newKey(t, ca.ECDSAP256))
	wantError(t, err, ca.ErrKeyMismatch)
	key := newKey(t, ca.ECDSAP256)
	client, err := root.IssueClient(clientRequest(key.Public()))
	if err != nil {
		t.Fatal(err)
	}
	_, err = root.OpenResponder(client, key)
	wantError(t, err, ca.ErrContent)
	_, err = other.OpenResponder(client, key)
	wantError(t, err, ca.ErrNotSignedByCA)
}

// TestResponder_Refuses what can't be written, and a signer that signs something else.
func TestResponder_Refuses(t *testing.T) {
	t.Parallel()
	root := newRoot(t, ca.ECDSAP256)
	_, responder := newResponder(t, root, epoch)
	id := readOCSP(t, askAbout(t, issue(t, root, ca.ECDSAP256), root.Certificate, crypto.SHA1)).CertIDs[0].Raw
	good := ca.OCSPAnswer{
		Statuses: []ca.CertStatus{{CertID: id}}, ThisUpdate: epoch, NextUpdate: epoch.Add(time.Second),
	}
	for name, alter := range map[string]func(*ca.OCSPAnswer){
		"no statuses":          func(a *ca.OCSPAnswer) { a.Statuses = nil },
		"no validity":          func(a *ca.OCSPAnswer) { a.NextUpdate = a.ThisUpdate.Add(time.Millisecond) },
		"no reason":            func(a *ca.OCSPAnswer) { a.Statuses = []ca.CertStatus{{CertID: id, RevokedAt: epoch, Reason: 7}} },
		"a reason for deltas":  func(a *ca.OCSPAnswer) { a.Statuses = []ca.CertStatus{{CertID: id, RevokedAt: epoch, Reason: 8}} },
		"a date of year 10000": func(a *ca.OCSPAnswer) { a.NextUpdate = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) },
	} {
		answer := good
		alter(&answer)
		if _, err := responder.Sign(answer); !errors.Is(err, ca.ErrInvalidRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	cert, key := certificateOfLiar(t, root)
	liar, err := root.OpenResponder(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	_, err = liar.Sign(good)
	wantError(t, err, ca.ErrSelfCheck)
}

// certificateOfLiar is a responder whose signer has the right public key, and signs with another.
func certificateOfLiar(t *testing.T, root *ca.Authority) (*x509.Certificate, crypto.Signer) {
	t.Helper()
	prepared, err := root.PrepareResponder(ca.ResponderRequest{
		Subject: ca.Subject{CommonName: "liar"}, NotBefore: epoch, NotAfter: epoch.Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	key := newKey(t, ca.ECDSAP256)
	cert, err := prepared.Issue(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return cert, otherSigner{Signer: newKey(t, ca.ECDSAP256), public: key.Public()}
}

type otherSigner struct {
	crypto.Signer
	public crypto.PublicKey
}

func (s otherSigner) Public() crypto.PublicKey { return s.public }

// TestResponder_Nonce: the nonce of the request is in the answer, and so are several certificates,
// each as it was named and in their order.
func TestResponder_Nonce(t *testing.T) {
	t.Parallel()
	root := newRoot(t, ca.ECDSAP256)
	_, responder := newResponder(t, root, epoch)
	var ids [][]byte
	for n := range int64(64) {
		ids = append(ids, certID(t, root.Certificate, big.NewInt(n-3)))
	}
	nonce := bytes.Repeat([]byte{7}, 32)
	request := readOCSP(t, ocspRequest(ids, extensionDER(nonceOID, false, octetString(nonce))))
	if !bytes.Equal(request.Nonce, nonce) || len(request.CertIDs) != 64 {
		t.Fatalf("the request is %+v", request)
	}
	answer := ca.OCSPAnswer{Nonce: request.Nonce, ThisUpdate: epoch, NextUpdate: epoch.Add(time.Hour)}
	for i, id := range request.CertIDs {
		if id.Serial.Int64() != int64(i-3) || !bytes.Equal(id.Raw, ids[i]) {
			t.Errorf("the certificate %d is %s", i, id.Serial)
		}
		answer.Statuses = append(answer.Statuses, ca.CertStatus{CertID: id.Raw, Unknown: i%2 == 0})
	}
	der, err := responder.Sign(answer)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(der, append([]byte{4, 34, 4, 32}, nonce...)) {
		t.Error("the answer lacks the nonce")
	}
	at := 0
	for _, id := range ids {
		found := bytes.Index(der[at:], id)
		if found < 0 {
			t.Fatal("the answer lacks a certificate, or has them in another order")
		}
		at += found + len(id)
	}
}

var nonceOID = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}

// certID names a certificate by SHA-1.
func certID(t testing.TB, issuer *x509.Certificate, serial *big.Int) []byte {
	t.Helper()
	named := *issuer
	named.SerialNumber = serial
	return readOCSP(t, askAbout(t, &named, issuer, crypto.SHA1)).CertIDs[0].Raw
}

func octetString(value []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1OctetString(value)
	return b.BytesOrPanic()
}

func extensionDER(oid asn1.ObjectIdentifier, critical bool, value []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid)
		if critical {
			b.AddASN1Boolean(true)
		}
		b.AddASN1OctetString(value)
	})
	return b.BytesOrPanic()
}

func tag(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }

// ocspRequest writes a request with extensions, if there are any.
func ocspRequest(ids [][]byte, extensions ...[]byte) []byte {
	return rawRequest(ids, nil, extensions, nil)
}

// rawRequest writes a request with what comes before the list, and what comes after all.
func rawRequest(ids [][]byte, before []byte, extensions [][]byte, after []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(before)
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, id := range ids {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(id) })
				}
			})
			if len(extensions) > 0 {
				b.AddASN1(tag(2), func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(bytes.Join(extensions, nil)) })
				})
			}
		})
		b.AddBytes(after)
	})
	return b.BytesOrPanic()
}
