package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"
)

// signer is a CA that signs lists.
type signer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newSigner(t *testing.T) signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, NotAfter: time.Now().Add(time.Hour), IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCRLSign | x509.KeyUsageCertSign, SubjectKeyId: []byte{1},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return signer{cert, key}
}

// list is a list of this number and beginning with these serials.
func (s signer) list(t *testing.T, number int64, this time.Time, serials ...int64) (*x509.RevocationList, []byte) {
	t.Helper()
	template := &x509.RevocationList{Number: big.NewInt(number), ThisUpdate: this, NextUpdate: this.Add(time.Hour)}
	for _, serial := range serials {
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries, x509.RevocationListEntry{
			SerialNumber: big.NewInt(serial), RevocationTime: this,
		})
	}
	der, err := x509.CreateRevocationList(rand.Reader, template, s.cert, s.key)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})
	list, err := parseList(text, s.cert)
	if err != nil {
		t.Fatal(err)
	}
	return list, text
}

// TestSee: two lists of one number, and a later list that begins earlier, are found; one that is
// read twice is not.
func TestSee(t *testing.T) {
	t.Parallel()
	s, now := newSigner(t), time.Now()
	ca := &authority{id: 1, hashes: map[int64][32]byte{}}
	for _, step := range []struct {
		number int64
		this   time.Time
		fine   bool
	}{{5, now, true}, {4, now.Add(-time.Minute), true}, {6, now.Add(time.Minute), true}, {7, now, false}} {
		list, text := s.list(t, step.number, step.this)
		if err := ca.see(list, text); (err == nil) != step.fine {
			t.Errorf("list %d: %v", step.number, err)
		}
		if err := ca.see(list, text); step.fine && err != nil {
			t.Errorf("list %d again: %v", step.number, err)
		}
	}
	list, text := s.list(t, 5, now, 3)
	if ca.see(list, text) == nil {
		t.Error("two lists have one number")
	}
	if _, err := parseList(text, newSigner(t).cert); err == nil {
		t.Error("a list of another CA is taken")
	}
}

func TestMissingFrom(t *testing.T) {
	t.Parallel()
	list, _ := newSigner(t).list(t, 1, time.Now(), 0x0a, 0xbc)
	if got := missingFrom(list, []string{"bc", "0a"}); got != "" {
		t.Errorf("%s is missing", got)
	}
	if got := missingFrom(list, []string{"bc", "dd"}); got != "dd" {
		t.Errorf("%q is missing", got)
	}
}
