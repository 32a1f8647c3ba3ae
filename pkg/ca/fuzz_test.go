package ca_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

// The DER is mutated inside its armour, which mutation would seldom leave whole.
func FuzzParseCertificate(f *testing.F) {
	var seeds []*pem.Block
	for _, name := range []string{"ca.pem", "client.pem", "crl.pem"} {
		block, _ := pem.Decode(readFile(f, "testdata", name))
		seeds = append(seeds, block)
		f.Add("", block.Bytes, "")
		f.Add("Certificate:\n", block.Bytes, "-----BEGIN X-----\n-----END X-----\n")
	}
	root, err := x509.ParseCertificate(seeds[0].Bytes)
	if err != nil {
		f.Fatal(err)
	}
	odd, _ := constrained(f, permit(dns("a.b"), dir(part("\x06", 0x13, "BR")))+exclude(mail("a.b"), ipRange("::/0")))
	f.Add("", odd.Certificate.Raw, "")
	authority := &ca.Authority{Certificate: root}
	f.Fuzz(func(t *testing.T, before string, der []byte, after string) {
		cert, err := ca.ParseCertificate([]byte(before + string(ca.EncodeCertificatePEM(der)) + after))
		if err != nil {
			oneOf(t, err, ca.ErrMalformed, ca.ErrMultiple)
			return
		}
		again, err := ca.ParseCertificate(ca.EncodeCertificatePEM(cert.Raw))
		if err != nil || !again.Equal(cert) {
			t.Errorf("it does not survive a round trip: %v", err)
		}
		_ = ca.SubjectOf(cert)
		if authority.CheckClient(cert) == nil && !bytes.Equal(der, seeds[1].Bytes) {
			t.Error("an altered certificate passes")
		}
		if _, err := ca.NewAuthority(cert, nil); err == nil {
			t.Error("an authority without a key")
		}
		if _, err := (&ca.Authority{Certificate: cert}).PrepareServer(serverRequest()); err != nil {
			oneOf(t, err, ca.ErrInvalidRequest, ca.ErrConstrained, ca.ErrBeyondCA, ca.ErrSelfIssued)
		}
	})
}

func FuzzParsePrivateKey(f *testing.F) {
	for _, algorithm := range []ca.KeyAlgorithm{ca.ECDSAP256, ca.Ed25519, ca.RSA2048} {
		plain, err := ca.MarshalPrivateKey(newKey(f, algorithm))
		if err != nil {
			f.Fatal(err)
		}
		block, _ := pem.Decode(plain)
		f.Add("PRIVATE KEY", "", block.Bytes, "")
	}
	encrypted, err := ca.EncryptPrivateKey(newKey(f, ca.Ed25519), "secret")
	if err != nil {
		f.Fatal(err)
	}
	block, _ := pem.Decode(encrypted)
	cheap := bytes.Replace(block.Bytes, []byte{0x09, 0x27, 0xc0}, []byte{0, 0, 0xff}, 1)
	f.Add("ENCRYPTED PRIVATE KEY", "", cheap, "secret")
	f.Add("RSA PRIVATE KEY", "", cheap, "secret") // OpenSSL looks at what is under the label
	f.Add("RSA PRIVATE KEY", "DES-EDE3-CBC,0102030405060708", block.Bytes[:16], "secret")
	f.Add("EC PRIVATE KEY", "AES-256-CBC,00112233445566778899AABBCCDDEEFF", block.Bytes[:48], "secret")
	f.Fuzz(func(t *testing.T, pemType, dekInfo string, der []byte, password string) {
		block := &pem.Block{Type: pemType, Bytes: der}
		if dekInfo != "" {
			block.Headers = map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": dekInfo}
		}
		data := pem.EncodeToMemory(block)
		start := time.Now()
		key, err := ca.ParsePrivateKey(data, password)
		if spent := time.Since(start); spent > time.Minute {
			t.Errorf("it took %v", spent)
		}
		if err != nil {
			oneOf(t, err, ca.ErrMalformed, ca.ErrMultiple, ca.ErrWeakKey, ca.ErrUnsupportedKey,
				ca.ErrPasswordRequired, ca.ErrWrongPassword, ca.ErrUnsupportedEncryption)
			return
		}
		if _, err := ca.MarshalPrivateKey(key); err != nil {
			t.Error(err)
		}
	})
}

func FuzzParseCRL(f *testing.F) {
	revocations := manyRevocations(3)
	revocations[1].InvalidityDate = epoch
	der := signCRL(f, newRoot(f, ca.ECDSAP256), revocations).Raw
	f.Add(der)
	f.Add(ca.EncodeCRLPEM(der))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := ca.ParseCRL(data)
		if err != nil {
			oneOf(t, err, ca.ErrMalformed, ca.ErrMultiple)
			return
		}
		if _, err := ca.ParseCRL(ca.EncodeCRLPEM(list.Raw)); err != nil {
			t.Errorf("it does not survive a round trip: %v", err)
		}
	})
}

// oneOf holds a parser to its documented errors.
func oneOf(t *testing.T, err error, allowed ...error) {
	t.Helper()
	for _, sentinel := range allowed {
		if errors.Is(err, sentinel) {
			return
		}
	}
	t.Errorf("undocumented error %v", err)
}
