package api_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

// pki makes certificates as other software does, and keeps them in PEM under the names that the
// transcripts use.
type pki struct {
	t      testing.TB
	vars   map[string]string
	serial int64
}

// identity is a certificate with its key.
type identity struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func (p *pki) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// add makes a certificate for a new key and keeps both as name+"Cert" and name+"Key"; without an
// issuer it signs itself.
func (p *pki) add(name string, template x509.Certificate, issuer *identity) *identity {
	p.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p.must(err)
	p.serial++
	if template.SerialNumber == nil {
		template.SerialNumber = big.NewInt(p.serial)
	}
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().AddDate(1, 0, 0)
	}
	template.NotBefore = template.NotAfter.AddDate(-2, 0, 0)
	template.BasicConstraintsValid = true
	if issuer == nil {
		issuer = &identity{&template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, issuer.cert, key.Public(), issuer.key)
	p.must(err)
	cert, err := x509.ParseCertificate(der)
	p.must(err)
	p.vars[name+"Cert"] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	p.vars[name+"Key"] = keyPEM(p.t, key)
	return &identity{cert, key}
}

func (p *pki) addCA(name string, template x509.Certificate) *identity {
	p.t.Helper()
	return p.addCABelow(name, template, nil)
}

func (p *pki) addCABelow(name string, template x509.Certificate, issuer *identity) *identity {
	p.t.Helper()
	template.IsCA = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	return p.add(name, template, issuer)
}

// addNext makes another certificate for the key of a CA, which ends after so many years and a
// month.
func (p *pki) addNext(name string, of, issuer *identity, subject string, years int) {
	p.t.Helper()
	p.serial++
	next := *of.cert
	next.SerialNumber, next.RawSubject, next.Subject = big.NewInt(p.serial), nil, pkix.Name{CommonName: subject}
	next.NotBefore, next.NotAfter = time.Now().Add(-time.Hour), time.Now().AddDate(years, 1, 0)
	der, err := x509.CreateCertificate(rand.Reader, &next, issuer.cert, of.key.Public(), issuer.key)
	p.must(err)
	p.vars[name+"Cert"] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func (p *pki) lock(name, password string, of *identity) {
	p.t.Helper()
	text, err := ca.EncryptPrivateKey(of.key, password)
	p.must(err)
	p.vars[name+"KeyLocked"] = string(text)
}

func keyPEM(t testing.TB, key crypto.Signer) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func named(commonName string) x509.Certificate {
	return x509.Certificate{
		Subject: pkix.Name{CommonName: commonName}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
}

// materials are the variables of all transcripts.
func materials(t testing.TB) map[string]string {
	t.Helper()
	p := &pki{t: t, vars: map[string]string{
		"cert": "<cert>", "key": "<key>", // what the product's documentation has in place of a PEM
		"oddOrganization": strings.Repeat("Empresa ", 12) + "S.A.",
		"x65":             strings.Repeat("x", 65), "x129": strings.Repeat("ç", 129),
		"x1001": strings.Repeat("x", 1001), "x1025": strings.Repeat("x", 1025),
	}}
	odd := pkix.Name{Country: []string{"Brasil"}, Organization: []string{p.vars["oddOrganization"]}}
	root := p.addCA("root", x509.Certificate{
		Subject: pkix.Name{
			CommonName: "Raiz da Empresa", Country: []string{"BR"}, Organization: []string{"Empresa XYZ"},
		},
		EmailAddresses: []string{"raiz@empresa.com.br"},
	})
	p.lock("root", "segredo da ca", root)
	below := p.addCABelow("below", named("Abaixo"), root)
	p.addNext("belowNext", below, root, "Abaixo", 3)
	p.addNext("belowLast", below, root, "Abaixo", 4)
	p.addNext("belowRenamed", below, root, "Acima", 3)
	p.addNext("belowSooner", below, root, "Abaixo", 0)
	other := p.addCA("other", named("Outra Raiz"))
	p.lock("other", "segredo", other)
	ended := named("Raiz Antiga")
	ended.NotAfter = time.Now().AddDate(0, -1, 0)
	p.addCA("ended", ended)
	odd.CommonName = "ca-estranha"
	p.addCA("odd", x509.Certificate{Subject: odd})
	p.add("leaf", named("folha"), other)
	p.addClients(root, odd)
	p.addCRL(root)
	p.addRequests()
	p.addWeakKey()
	return p.vars
}

func (p *pki) addClients(root *identity, odd pkix.Name) {
	p.t.Helper()
	site := named("site-01")
	site.Subject.Country, site.Subject.Organization = []string{"BR"}, []string{"Empresa XYZ"}
	made := p.add("site", site, root)
	p.lock("site", "segredo", made)
	p.add("revoked", named("site-02"), root)
	p.add("gone", named("site-03"), root)
	listed := named("site-04")
	listed.SerialNumber = big.NewInt(0x5eaf00d)
	p.add("listed", listed, root)
	late := named("site-05")
	late.NotAfter = time.Now().Add(-time.Hour)
	p.add("late", late, root)
	odd.CommonName = "site-06"
	p.add("strange", x509.Certificate{Subject: odd}, root)
	server := named("server")
	server.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	p.add("server", server, root)
	p.add("unnamed", named(""), root)
	p.add("underscore", named("filial_sul"), root)
	p.add("taken", named("FILIAL-SP"), root)
	twin := named("site-07")
	twin.SerialNumber = made.cert.SerialNumber
	p.add("twin", twin, root)
	p.add("fresh", named("site-08"), root)
}

// addCRL makes a CRL of the root that has the serial number of listedCert.
func (p *pki) addCRL(root *identity) {
	p.t.Helper()
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(41), ThisUpdate: time.Now().Add(-time.Hour), NextUpdate: time.Now().Add(time.Hour),
		RevokedCertificateEntries: []x509.RevocationListEntry{
			{SerialNumber: big.NewInt(0x5eaf00d), RevocationTime: time.Now().Add(-time.Hour)},
		},
	}, root.cert, root.key)
	p.must(err)
	p.vars["rootCRL"] = string(pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}))
}

func (p *pki) addWeakKey() {
	p.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	p.must(err)
	p.vars["weakKey"] = keyPEM(p.t, key)
}

// addRequests makes a certificate request, and one that is not signed with its own key.
func (p *pki) addRequests() {
	p.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	p.must(err)
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "another name"},
	}, key)
	p.must(err)
	p.vars["csr"] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
	forged := bytes.Replace(der, []byte("another name"), []byte("forged name!"), 1)
	p.vars["forgedCSR"] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: forged}))
}
