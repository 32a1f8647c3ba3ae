package ca

import (
	"crypto/x509"
	"fmt"
	"strings"

	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// constrainedKinds are the kinds of names that are checked.
var constrainedKinds = map[cbasn1.Tag]NameKind{
	tagDirectory: SubjectName, tagDNS: DNSName, tagIP: IPName, tagEmail: EmailName,
}

// constrainedName is a name that constraints are held against.
type constrainedName struct {
	kind  NameKind // where it is in the certificate
	index int
	tag   cbasn1.Tag // what it is
	value []byte
}

// checkConstraints reports whether the name constraints of a CA allow the names of a certificate
// below it, as OpenSSL decides it, and so OpenVPN: the subject, mail addresses in it, the names of
// the subjectAltName and, without a host name there, the common name of one that is no CA, if it
// looks like a host name with two labels. It fails with a [ConstraintError], or [ErrConstrained]
// for constraints that can't be read.
func checkConstraints(issuer, cert *x509.Certificate) error {
	constraints, ok := constraintsOf(issuer)
	if !ok {
		return fmt.Errorf("%w: its name constraints can't be read", ErrConstrained)
	}
	if len(constraints.permitted)+len(constraints.excluded) == 0 {
		return nil
	}
	for _, name := range namesOf(cert) {
		if err := constraints.check(name); err != nil {
			return err
		}
	}
	return nil
}

func namesOf(cert *x509.Certificate) []constrainedName {
	names := subjectNames(cert)
	for i, email := range cert.EmailAddresses {
		names = append(names, constrainedName{EmailName, i, tagEmail, []byte(email)})
	}
	for i, host := range cert.DNSNames {
		names = append(names, constrainedName{DNSName, i, tagDNS, []byte(host)})
	}
	for i, ip := range cert.IPAddresses {
		if four := ip.To4(); four != nil {
			ip = four
		}
		names = append(names, constrainedName{IPName, i, tagIP, ip})
	}
	return names
}

// subjectNames are the subject and what is in it: an emailAddress is a name of its own (RFC 5280,
// section 4.2.1.10), and OpenSSL holds a common name for a host name where there is no other.
func subjectNames(cert *x509.Certificate) []constrainedName {
	sets, ok := readName(cert.RawSubject)
	if !ok || len(sets) == 0 {
		return nil
	}
	names := []constrainedName{{SubjectName, 0, tagDirectory, cert.RawSubject}}
	for _, set := range sets {
		for _, a := range set {
			text, ok := a.text()
			switch {
			case !ok:
			case string(a.oid) == "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01": // emailAddress of PKCS #9
				names = append(names, constrainedName{SubjectName, 0, tagEmail, []byte(text)})
			case string(a.oid) == "\x06\x03\x55\x04\x03" && !cert.IsCA && len(cert.DNSNames) == 0 && looksLikeHost(text):
				names = append(names, constrainedName{SubjectName, 0, tagDNS, []byte(text)})
			}
		}
	}
	return names
}

// looksLikeHost reports whether a text is a host name of at least two labels, of letters, digits,
// inner hyphens and underscores.
func looksLikeHost(text string) bool {
	labels := strings.Split(text, ".")
	for _, label := range labels {
		plain := strings.ReplaceAll(strings.ToLower(label), "_", "a")
		if !hostLabel(plain) {
			return false
		}
	}
	return len(labels) > 1
}
