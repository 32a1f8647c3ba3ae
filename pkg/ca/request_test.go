package ca_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

func requestPEM(t testing.TB, template *x509.CertificateRequest, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

// A client certificate has the key of the request and the subject that the issuer chose.
func TestReadRequest_TheKeyCanBeIssuedFor(t *testing.T) {
	t.Parallel()
	authority := newRoot(t, ca.ECDSAP256)
	for _, algorithm := range []ca.KeyAlgorithm{ca.ECDSAP256, ca.ECDSAP384, ca.Ed25519, ca.RSA2048} {
		key := newKey(t, algorithm)
		request, err := ca.ReadRequest(requestPEM(t, &x509.CertificateRequest{
			Subject:  pkix.Name{CommonName: "somebody else", Organization: []string{"Evil"}},
			DNSNames: []string{"vpn.example"}, EmailAddresses: []string{"a@b.example"},
			IPAddresses: []net.IP{{192, 0, 2, 1}, net.ParseIP("2001:db8::1")},
		}, key))
		if err != nil {
			t.Fatal(err)
		}
		want := ca.Request{
			Subject: ca.Subject{CommonName: "somebody else", Organization: "Evil", Email: "a@b.example"},
			Names: ca.AltNames{
				DNS: []string{"vpn.example"}, Emails: []string{"a@b.example"},
				IPs: []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")},
			},
			PublicKey: key.Public(),
		}
		if diff := cmp.Diff(want, *request, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
			t.Error(diff)
		}
		asked := clientRequest(nil)
		prepared, err := authority.PrepareClient(asked)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := prepared.Issue(request.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		verifyClient(t, authority, cert, epoch)
		if diff := cmp.Diff(asked.Subject, ca.SubjectOf(cert)); diff != "" || len(cert.DNSNames) > 0 {
			t.Errorf("the request's own wishes show: %v %s", cert.DNSNames, diff)
		}
		if err := ca.CheckPair(cert, key); err != nil {
			t.Error(err)
		}
	}
}

func TestReadRequest_Refuses(t *testing.T) {
	t.Parallel()
	key := newKey(t, ca.ECDSAP256)
	template := &x509.CertificateRequest{Subject: pkix.Name{CommonName: "x"}}
	good := string(requestPEM(t, template, key))
	block, _ := pem.Decode([]byte(good))
	damaged := func(change func(der []byte) []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: change(bytes.Clone(block.Bytes))}))
	}
	private, err := ca.MarshalPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, data string
		want       error
	}{
		{"the good one", good, nil},
		{"the label of old programs", strings.ReplaceAll(good, "CERTIFICATE", "NEW CERTIFICATE"), nil},
		{"text around", "Certificate Request:\n    Data:\n" + good + "fim\n", nil},
		{"lines of Windows", "\xef\xbb\xbf" + strings.ReplaceAll(good, "\n", "\r\n"), nil},
		{"nothing", "", ca.ErrNotPEM},
		{"DER", string(block.Bytes), ca.ErrNotPEM},
		{"another label", strings.ReplaceAll(good, "CERTIFICATE REQUEST", "CERTIFICATE"), ca.ErrOtherPEM},
		{"a certificate", string(ca.EncodeCertificatePEM(newRoot(t, ca.Ed25519).Certificate.Raw)), ca.ErrOtherPEM},
		{"a key beside it", good + string(private), ca.ErrMultiple},
		{"cut", damaged(func(der []byte) []byte { return der[:90] }), ca.ErrContent},
		{"something behind it", damaged(func(der []byte) []byte { return append(der, 0) }), ca.ErrContent},
		{"another subject", damaged(func(der []byte) []byte {
			return bytes.Replace(der, []byte("\x13\x01x"), []byte("\x13\x01y"), 1)
		}), ca.ErrPossession},
		{"another signature", damaged(func(der []byte) []byte { der[len(der)-1] ^= 1; return der }), ca.ErrPossession},
		{"too large", strings.Repeat("x\n", 40_000) + good, ca.ErrTooLarge},
		{"RSA of 1024 bits", string(requestPEM(t, template, weak)), ca.ErrWeakKey},
		{"RSA of 65536 bits", string(requestOf(t, rsaPublic(65536))), ca.ErrUnsupportedKey},
		{"without attributes", string(requestOf(t, key.Public())), ca.ErrPossession},
	} {
		request, err := ca.ReadRequest([]byte(test.data))
		wantError(t, err, test.want)
		if (request == nil) != (err != nil) {
			t.Errorf("%s: %v beside %v", test.name, request, err)
		}
	}
}

// requestOf is a request for a key, without attributes and with a signature that is none.
func requestOf(t testing.TB, pub crypto.PublicKey) []byte {
	t.Helper()
	key, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	type info struct {
		Version int
		Subject pkix.RDNSequence
		Key     asn1.RawValue
	}
	der, err := asn1.Marshal(struct {
		Info      info
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}{
		info{0, pkix.Name{CommonName: "x"}.ToRDNSequence(), asn1.RawValue{FullBytes: key}},
		pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}},
		asn1.BitString{Bytes: make([]byte, 256), BitLength: 2048},
	})
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

// Requests as other programs make them.
func TestOpenSSL_ItsRequestsAreRead(t *testing.T) {
	t.Parallel()
	ec := "-newkey ec -pkeyopt ec_paramgen_curve:"
	for _, test := range []struct {
		args string
		want error
	}{
		{ec + "P-256 -newhdr", nil},
		{ec + "P-256 -text", nil},
		{ec + "P-521 -sha512", nil},
		{ec + "P-256 -pkeyopt point-format:compressed", nil},
		{ec + "P-256 -addext subjectAltName=DNS:vpn.example,email:a@b.example,URI:http://x/,dirName:dir", nil},
		{ec + "P-256 -sha1", ca.ErrWeakSignature},
		{ec + "P-224", ca.ErrWeakKey},
		{ec + "secp256k1", ca.ErrUnsupportedKey},
		{"-newkey ed448", ca.ErrUnsupportedKey},
		{"-newkey ed25519", nil},
		{"-newkey rsa:2048", nil},
		{"-newkey rsa:2048 -sigopt rsa_padding_mode:pss", nil},
		{"-newkey rsa:2048 -md5", ca.ErrWeakSignature},
		{"-newkey rsa-pss", ca.ErrUnsupportedKey},
	} {
		t.Run(test.args, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			writeFile(t, dir, "openssl.cnf", []byte("[req]\ndistinguished_name=name\nattributes=more\n[name]\n"+
				"[more]\nchallengePassword_default=secret\nchallengePassword=x\n[dir]\nC=BR\n"))
			args := append([]string{"req", "-new", "-config", "openssl.cnf", "-nodes", "-keyout", "key.pem", "-out",
				"request.pem", "-batch", "-utf8", "-subj", "/CN=São Paulo/emailAddress=a@b.example"},
				strings.Fields(test.args)...)
			openssl(t, dir, args...)
			request, err := ca.ReadRequest(readFile(t, dir, "request.pem"))
			wantError(t, err, test.want)
			if err != nil || test.want != nil {
				return
			}
			if diff := cmp.Diff(ca.Subject{CommonName: "São Paulo", Email: "a@b.example"}, request.Subject); diff != "" {
				t.Error(diff)
			}
			if asked := strings.Contains(test.args, "DNS:"); asked != (len(request.Names.DNS) == 1) {
				t.Errorf("names are %+v", request.Names)
			}
			key, err := ca.ParsePrivateKey(readFile(t, dir, "key.pem"), "")
			if err != nil || !key.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(request.PublicKey) {
				t.Errorf("another key was read: %v", err)
			}
		})
	}
}

func FuzzReadRequest(f *testing.F) {
	for _, algorithm := range []ca.KeyAlgorithm{ca.ECDSAP256, ca.Ed25519, ca.RSA2048} {
		block, _ := pem.Decode(requestPEM(f, &x509.CertificateRequest{
			Subject: pkix.Name{CommonName: "x"}, DNSNames: []string{"vpn.example"},
		}, newKey(f, algorithm)))
		f.Add(block.Bytes)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		request, err := ca.ReadRequest(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
		if err != nil {
			oneOf(t, err, ca.ErrMalformed, ca.ErrWeakKey, ca.ErrUnsupportedKey, ca.ErrWeakSignature, ca.ErrPossession)
			return
		}
		if _, err := ca.AlgorithmOf(request.PublicKey); err != nil {
			t.Error(err)
		}
	})
}
