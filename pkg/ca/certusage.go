package ca

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"

	"golang.org/x/crypto/cryptobyte"
)

// The extensions of certificates that this package looks at (RFC 5280, section 4.2).
const (
	oidKeyUsage           = "2.5.29.15"
	oidAltName            = "2.5.29.17"
	oidConstraints        = "2.5.29.19"
	oidNameConstraints    = "2.5.29.30"
	oidDistributionPoints = "2.5.29.31"
	oidExtKeyUsage        = "2.5.29.37"
	oidCertType           = "2.16.840.1.113730.1.1"
)

// understoodCritical are the extensions a certificate may have critical: those OpenSSL acts on and
// OpenVPN lets pass (RFC 5280, section 4.2; RFC 6960, section 4.2.2.2.1; and Netscape's certificate
// type). The key identifiers are not among them.
var understoodCritical = map[string]bool{
	oidKeyUsage: true, oidAltName: true, oidConstraints: true, oidNameConstraints: true, oidDistributionPoints: true,
	"2.5.29.32": true, "2.5.29.33": true, "2.5.29.36": true, oidExtKeyUsage: true, "2.5.29.54": true,
	oidCertType: true, "1.3.6.1.5.5.7.48.1.5": true,
}

// unknownCritical returns the object identifier of a critical extension that
// TLS libraries do not understand, and therefore refuse; empty for none.
func unknownCritical(cert *x509.Certificate) string {
	for _, extension := range cert.Extensions {
		if oid := extension.Id.String(); extension.Critical && !understoodCritical[oid] {
			return oid
		}
	}
	return ""
}

func extensionOf(cert *x509.Certificate, oid string) ([]byte, bool) {
	at := slices.IndexFunc(cert.Extensions, func(e pkix.Extension) bool { return e.Id.String() == oid })
	if at < 0 {
		return nil, false
	}
	return cert.Extensions[at].Value, true
}

// allowsClient applies the extended key usage (RFC 5280, section 4.2.1.12) as OpenSSL does: no
// extension allows everything, and the usage "any" allows nothing.
func allowsClient(cert *x509.Certificate) bool {
	_, restricted := extensionOf(cert, oidExtKeyUsage)
	return !restricted || slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
}

// allowsUsage reports whether the key usage (RFC 5280, section 4.2.1.3) has one of some bits; no
// extension allows everything.
func allowsUsage(cert *x509.Certificate, some x509.KeyUsage) bool {
	_, restricted := extensionOf(cert, oidKeyUsage)
	return !restricted || cert.KeyUsage&some != 0
}

// allowsType reports whether Netscape's certificate type, which easy-rsa 2
// wrote, has one of some bits; no extension allows everything.
func allowsType(cert *x509.Certificate, some byte) bool {
	value, restricted := extensionOf(cert, oidCertType)
	if !restricted {
		return true
	}
	bits, list := asn1.BitString{}, cryptobyte.String(value)
	return list.ReadASN1BitString(&bits) && len(bits.Bytes) > 0 && bits.Bytes[0]&some != 0
}

const (
	typeClient byte = 0x80
	typeCA     byte = 0x04 // of TLS
)

// isAuthority reports whether OpenSSL takes a certificate for that of a CA:
// basicConstraints say so; or, without them, it is a self-issued one of version
// 1, has a key usage that allows to sign, or is one by Netscape's type.
func isAuthority(cert *x509.Certificate) bool {
	_, restricted := extensionOf(cert, oidKeyUsage)
	_, typed := extensionOf(cert, oidCertType)
	switch {
	case cert.BasicConstraintsValid:
		return cert.IsCA
	case cert.Version == 1:
		return sameName(cert.RawIssuer, cert.RawSubject)
	case restricted:
		return cert.KeyUsage&x509.KeyUsageCertSign != 0
	}
	return typed && allowsType(cert, typeCA)
}
