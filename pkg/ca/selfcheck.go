package ca

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"net"
	"slices"
)

// selfCheck parses a certificate just signed and compares all of it with the
// template it was to follow; template.RawIssuer is the issuer expected.
//
// The signature itself is not verified a second time. x509.CreateCertificate
// verifies it over the same bytes with the signer's public key, and refuses a
// signer whose public key is not the parent's; a test with a lying signer
// holds it to that. A second ECDSA verification would cost a third of the
// whole issue.
func selfCheck(der []byte, template *x509.Certificate) (*x509.Certificate, error) {
	cert, err := ReadCertificate(der) // the standard library may not be able to read the issuer's name
	if err != nil {
		return nil, fmt.Errorf("%w: it does not parse: %w", ErrSelfCheck, err)
	}
	checks := []struct {
		what string
		same bool
	}{
		{"version", cert.Version == 3},
		{"serial", validSerial(cert.SerialNumber) && cert.SerialNumber.Cmp(template.SerialNumber) == 0},
		{"signature algorithm", cert.SignatureAlgorithm == template.SignatureAlgorithm},
		{"issuer", bytes.Equal(cert.RawIssuer, template.RawIssuer)},
		{"validity", cert.NotBefore.Equal(template.NotBefore) && cert.NotAfter.Equal(template.NotAfter)},
		{"subject", bytes.Equal(cert.RawSubject, template.RawSubject)},
		{"public key", samePublicKey(cert.PublicKey, template.PublicKey)},
		{"basicConstraints", sameConstraints(cert, template)},
		{"keyUsage", cert.KeyUsage == template.KeyUsage},
		{"extendedKeyUsage", sameUsages(cert, template)},
		{"subjectKeyIdentifier", bytes.Equal(cert.SubjectKeyId, template.SubjectKeyId)},
		{"authorityKeyIdentifier", bytes.Equal(cert.AuthorityKeyId, template.AuthorityKeyId)},
		{"subjectAltName", sameAltNames(cert, template)},
		{"authorityInfoAccess", slices.Equal(cert.OCSPServer, template.OCSPServer) &&
			len(cert.IssuingCertificateURL) == 0},
		{"set of extensions", sameExtensions(cert, template)},
	}
	for _, c := range checks {
		if !c.same {
			return nil, fmt.Errorf("%w: the %s differs", ErrSelfCheck, c.what)
		}
	}
	return cert, nil
}

func sameConstraints(cert, template *x509.Certificate) bool {
	return cert.BasicConstraintsValid && cert.IsCA == template.IsCA &&
		pathLength(cert) == pathLength(template)
}

func sameUsages(cert, template *x509.Certificate) bool {
	return slices.Equal(cert.ExtKeyUsage, template.ExtKeyUsage) &&
		slices.EqualFunc(cert.UnknownExtKeyUsage, template.UnknownExtKeyUsage, asn1.ObjectIdentifier.Equal)
}

func sameAltNames(cert, template *x509.Certificate) bool {
	return slices.Equal(cert.EmailAddresses, template.EmailAddresses) &&
		slices.Equal(cert.DNSNames, template.DNSNames) &&
		slices.EqualFunc(cert.IPAddresses, template.IPAddresses, net.IP.Equal) && len(cert.URIs) == 0
}

// sameExtensions compares the extensions present, with their criticality, with those of the profile
// (RFC 5280, section 4.2.1): each once and no other.
func sameExtensions(cert, template *x509.Certificate) bool {
	want := map[string]bool{ // object identifier: critical
		"2.5.29.14":    false, // subjectKeyIdentifier
		oidKeyUsage:    true,
		oidConstraints: true,
		"2.5.29.35":    false, // authorityKeyIdentifier
	}
	if len(template.EmailAddresses)+len(template.DNSNames)+len(template.IPAddresses) > 0 {
		want[oidAltName] = emptyName(template.RawSubject) // RFC 5280, section 4.2.1.6
	}
	if len(template.ExtKeyUsage)+len(template.UnknownExtKeyUsage) > 0 {
		want[oidExtKeyUsage] = false
	}
	if len(template.OCSPServer) > 0 {
		want["1.3.6.1.5.5.7.1.1"] = false // authorityInfoAccess
	}
	for _, extra := range template.ExtraExtensions {
		want[extra.Id.String()] = extra.Critical
		if value, ok := extensionOf(cert, extra.Id.String()); !ok || !bytes.Equal(value, extra.Value) {
			return false
		}
	}
	for _, extension := range cert.Extensions {
		oid := asn1.ObjectIdentifier(extension.Id).String()
		if critical, ok := want[oid]; !ok || critical != extension.Critical {
			return false
		}
		delete(want, oid)
	}
	return len(want) == 0
}
