package ca

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Subject is whom a certificate names. An empty field is absent from it.
//
// CommonName is the name OpenVPN knows a client by. Email is not part of the distinguished name but
// a subjectAltName (RFC 5280, section 4.1.2.6); an address that an rfc822Name cannot carry, because
// it is not ASCII, is left out of the certificate rather than refused: the certificate's use does
// not depend on it, and its owner's record keeps it.
type Subject struct {
	CommonName         string
	Organization       string
	OrganizationalUnit string
	Country            string
	Province           string
	Locality           string
	Email              string
}

// maxSubjectField bounds one field, in bytes. It is far above the limits of
// X.520 (64 characters for most), which no TLS library enforces.
const maxSubjectField = 1024

// SubjectOf reads the subject of any certificate. Of an attribute that occurs
// several times it takes the first value, but the last common name: that is
// the one OpenVPN takes. The mail address is the first of the subjectAltName,
// or else the deprecated emailAddress attribute (PKCS #9) of the name.
func SubjectOf(cert *x509.Certificate) Subject {
	name := cert.Subject
	s := Subject{
		CommonName:         name.CommonName,
		Organization:       first(name.Organization),
		OrganizationalUnit: first(name.OrganizationalUnit),
		Country:            first(name.Country),
		Province:           first(name.Province),
		Locality:           first(name.Locality),
		Email:              first(cert.EmailAddresses),
	}
	if s.Email == "" {
		s.Email = nameEmail(name)
	}
	return s
}

func nameEmail(name pkix.Name) string {
	oid := asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}
	for _, attribute := range name.Names {
		if value, ok := attribute.Value.(string); ok && attribute.Type.Equal(oid) {
			return value
		}
	}
	return ""
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// validate refuses what would not survive the way into a certificate and out
// of OpenVPN's environment: invalid UTF-8, control characters (RFC 5280 allows
// them, OpenVPN remaps them).
func (s Subject) validate() error {
	for _, field := range []string{
		s.CommonName, s.Organization, s.OrganizationalUnit, s.Country, s.Province, s.Locality,
	} {
		if len(field) > maxSubjectField || !utf8.ValidString(field) || strings.ContainsFunc(field, unicode.IsControl) {
			return fmt.Errorf(
				"%w: a subject field is too long, no valid UTF-8 or has control characters", ErrInvalidRequest,
			)
		}
	}
	return nil
}

// rawName is the DER of the distinguished name. encoding/asn1 picks
// PrintableString where the value fits it and UTF8String otherwise.
func (s Subject) rawName() ([]byte, error) {
	name := pkix.Name{
		CommonName:         s.CommonName,
		Organization:       some(s.Organization),
		OrganizationalUnit: some(s.OrganizationalUnit),
		Country:            some(s.Country),
		Province:           some(s.Province),
		Locality:           some(s.Locality),
	}
	raw, err := asn1.Marshal(name.ToRDNSequence())
	if err != nil {
		return nil, fmt.Errorf("%w: the subject cannot be encoded: %w", ErrInvalidRequest, err)
	}
	return raw, nil
}

// emails is the list for the subjectAltName: empty or the one address.
func (s Subject) emails() []string {
	local, domain, ok := strings.Cut(s.Email, "@")
	if !ok || local == "" || domain == "" || strings.Contains(domain, "@") || len(s.Email) > maxSubjectField {
		return nil
	}
	if strings.ContainsFunc(s.Email, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil
	}
	return []string{s.Email}
}

func some(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}
