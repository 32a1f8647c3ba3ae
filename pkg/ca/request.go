package ca

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Request is a certificate request (PKCS #10, RFC 2986) that is signed with the key it asks a
// certificate for. Subject and Names are wishes: the issuer decides whether it follows them.
type Request struct {
	// PublicKey is for [Prepared.Issue].
	PublicKey crypto.PublicKey
	// Subject is read as [SubjectOf] reads it; its mail address may also come from Names.
	Subject Subject
	// Names are those of the subjectAltName asked for.
	Names AltNames
}

// ReadRequest reads exactly one PEM request of at most 64 KiB, labelled "CERTIFICATE REQUEST" or
// "NEW CERTIFICATE REQUEST". Text around it is allowed, as `openssl req -text` writes it. It reads
// what OpenSSL reads and the standard library does not: names of any string type, points of curves
// in any form, requests without attributes.
//
// It fails with [ErrMalformed] or [ErrMultiple] as [ParseCertificate] does, with [ErrWeakKey] or
// [ErrUnsupportedKey] for the key, with [ErrWeakSignature] for one over MD5 or SHA-1, and with
// [ErrPossession] when the request is not signed with its own key.
func ReadRequest(pemBytes []byte) (*Request, error) {
	block, err := oneSmallPEM(pemBytes, "CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST")
	if err != nil {
		return nil, err
	}
	outer, err := readSigned(block.Bytes)
	if err != nil {
		return nil, errNoRequest
	}
	parts, ok := readRequestInfo(outer.signed)
	if !ok {
		return nil, errNoRequest
	}
	request, err := parts.read()
	if err != nil {
		return nil, err
	}
	if err := outer.checkPossession(request.PublicKey); err != nil {
		return nil, err
	}
	return request, nil
}

var errNoRequest = fmt.Errorf("%w: not a PKCS #10 request", ErrContent)

// checkPossession expects a key that was measured: checking a signature with a modulus of 100 000
// bits would take minutes.
func (s signedData) checkPossession(key crypto.PublicKey) error {
	if weakAlgorithm(s.algorithm) {
		return fmt.Errorf("%w: MD5 or SHA-1", ErrWeakSignature)
	}
	digest, err := s.verify(key)
	if err != nil {
		return fmt.Errorf("%w: the signature does not verify", ErrPossession)
	}
	if weakDigest(digest) {
		return fmt.Errorf("%w: MD5 or SHA-1", ErrWeakSignature)
	}
	return nil
}

// requestParts are the elements of a CertificationRequestInfo (RFC 2986, section 4.1); attributes
// is the content of its last element, which old programs leave out.
type requestParts struct {
	subject, key, attributes cryptobyte.String
}

func readRequestInfo(der []byte) (requestParts, bool) {
	var p requestParts
	var version int
	outer, body := cryptobyte.String(der), cryptobyte.String(nil)
	ok := outer.ReadASN1(&body, cbasn1.SEQUENCE) && outer.Empty() && body.ReadASN1Integer(&version) &&
		body.ReadASN1Element(&p.subject, cbasn1.SEQUENCE) && body.ReadASN1Element(&p.key, cbasn1.SEQUENCE) &&
		body.ReadOptionalASN1(&p.attributes, nil, cbasn1.Tag(0).ContextSpecific().Constructed()) && body.Empty()
	return p, ok
}

func (p requestParts) read() (*Request, error) {
	key, err := readPublicKey(p.key)
	if err != nil {
		return nil, err
	}
	name, ok := parseName(p.subject)
	if !ok {
		return nil, errNoRequest
	}
	names, ok := readRequestedNames(p.attributes)
	if !ok {
		return nil, errNoRequest
	}
	subject := SubjectOf(&x509.Certificate{Subject: name, EmailAddresses: names.Emails})
	return &Request{PublicKey: key, Subject: subject, Names: names}, nil
}

// readPublicKey reads a subjectPublicKeyInfo and judges the key as [AlgorithmOf] does.
func readPublicKey(der cryptobyte.String) (crypto.PublicKey, error) {
	plain := plainPoint(der)
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if rest, err := asn1.Unmarshal(plain, &info); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("%w: the public key can't be read", ErrContent)
	}
	if err := checkKeyKind(info.Algorithm); err != nil {
		return nil, err
	}
	key, err := x509.ParsePKIXPublicKey(plain)
	if err != nil {
		return nil, fmt.Errorf("%w: the public key can't be read", ErrContent)
	}
	_, err = AlgorithmOf(key)
	return key, err
}

// checkKeyKind tells a key of another kind from a damaged one.
func checkKeyKind(algorithm pkix.AlgorithmIdentifier) error {
	switch algorithm.Algorithm.String() {
	case oidRSA, oidEd25519:
		return nil
	case oidEC:
		return checkCurve(algorithm.Parameters.FullBytes)
	}
	return fmt.Errorf("%w: the key is neither RSA nor ECDSA nor Ed25519", ErrUnsupportedKey)
}

// parseName reads a Name whose texts may be of any string type.
func parseName(der []byte) (pkix.Name, bool) {
	var name pkix.Name
	var sequence pkix.RDNSequence
	plain, ok := plainName(der)
	if !ok {
		return name, false
	}
	if rest, err := asn1.Unmarshal(plain, &sequence); err != nil || len(rest) > 0 {
		return name, false
	}
	name.FillFromRDNSequence(&sequence)
	return name, true
}

// extensionRequests are the types of the attribute with the extensions asked for: that of PKCS #9
// (RFC 2985, section 5.4.2), and Microsoft's older one.
var extensionRequests = []asn1.ObjectIdentifier{{1, 2, 840, 113549, 1, 9, 14}, {1, 3, 6, 1, 4, 1, 311, 2, 1, 14}}

// readRequestedNames finds the subjectAltName among the attributes of a request.
func readRequestedNames(attributes cryptobyte.String) (AltNames, bool) {
	for !attributes.Empty() {
		var body, values, extensions cryptobyte.String
		var id asn1.ObjectIdentifier
		if !attributes.ReadASN1(&body, cbasn1.SEQUENCE) || !body.ReadASN1ObjectIdentifier(&id) ||
			!body.ReadASN1(&values, cbasn1.SET) || !body.Empty() {
			return AltNames{}, false
		}
		if !id.Equal(extensionRequests[0]) && !id.Equal(extensionRequests[1]) {
			continue
		}
		if !values.ReadASN1(&extensions, cbasn1.SEQUENCE) || !values.Empty() {
			return AltNames{}, false
		}
		for !extensions.Empty() {
			e, ok := readExtension(&extensions)
			if !ok {
				return AltNames{}, false
			}
			if e.oid == oidAltName {
				return readAltNames(bytes.Clone(e.value))
			}
		}
	}
	return AltNames{}, true
}
