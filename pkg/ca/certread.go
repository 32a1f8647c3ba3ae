package ca

import (
	"bytes"
	"crypto/elliptic"
	"crypto/x509"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// maxForeignSerialBytes bounds the serials of what was made elsewhere, in octets. RFC 5280, section
// 4.1.2.2, allows 20; OpenSSL reads more.
const maxForeignSerialBytes = 64

// ReadCertificate reads the DER of a certificate that another program may have made. It reads what
// OpenSSL reads and the standard library does not: serials of any sign, names of any string type,
// points of elliptic curves in any form, and extensions whose content is not needed here. New
// certificates are read by [ParseCertificate], which is stricter.
//
// Raw, RawTBSCertificate, RawSubject, RawIssuer and SerialNumber are those of the certificate;
// RawSubjectPublicKeyInfo has its point uncompressed. It fails with [ErrContent] or
// [ErrLongSerial], or, for a key that can't be read because of its kind, with [ErrUnsupportedKey].
func ReadCertificate(der []byte) (*x509.Certificate, error) {
	outer, err := readSigned(der)
	if err != nil {
		return nil, err
	}
	parts, ok := readTBS(outer.signed)
	if !ok || !outer.sameAlgorithm(parts.algorithm) {
		return nil, fmt.Errorf("%w: not an X.509 certificate", ErrContent)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		cert, err = parts.readMended(der, outer)
	}
	if err != nil {
		return nil, parts.fault()
	}
	if len(cert.SerialNumber.Bytes()) > maxForeignSerialBytes {
		return nil, fmt.Errorf("%w: more than %d octets", ErrLongSerial, maxForeignSerialBytes)
	}
	return cert, nil
}

// tbsParts are the elements of a TBSCertificate (RFC 5280, section 4.1.2).
type tbsParts struct {
	version, algorithm, issuer, validity, subject, key, rest cryptobyte.String
	serial                                                   *big.Int
}

func readTBS(der []byte) (tbsParts, bool) {
	p := tbsParts{serial: new(big.Int)}
	outer, body := cryptobyte.String(der), cryptobyte.String(nil)
	if !outer.ReadASN1(&body, cbasn1.SEQUENCE) || !outer.Empty() {
		return p, false
	}
	version := cbasn1.Tag(0).ContextSpecific().Constructed()
	if body.PeekASN1Tag(version) && !body.ReadASN1Element(&p.version, version) {
		return p, false
	}
	ok := body.ReadASN1Integer(p.serial) && body.ReadASN1Element(&p.algorithm, cbasn1.SEQUENCE) &&
		body.ReadASN1Element(&p.issuer, cbasn1.SEQUENCE) && body.ReadASN1Element(&p.validity, cbasn1.SEQUENCE) &&
		body.ReadASN1Element(&p.subject, cbasn1.SEQUENCE) && body.ReadASN1Element(&p.key, cbasn1.SEQUENCE)
	p.rest = body
	return p, ok
}

// fault says why a certificate can't be read: because of the kind of its key, or of something else.
func (p tbsParts) fault() error {
	if _, err := readPublicKey(p.key); errors.Is(err, ErrUnsupportedKey) {
		return err
	}
	return fmt.Errorf("%w: not an X.509 certificate", ErrContent)
}

// readMended parses a copy that the standard library can read, and puts back
// what was changed for that.
func (p tbsParts) readMended(der []byte, outer signedData) (*x509.Certificate, error) {
	issuer, ok := plainName(p.issuer)
	subject, too := plainName(p.subject)
	rest, all, read := plainExtensions(p.rest)
	if !ok || !too || !read {
		return nil, ErrContent
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(p.version)
			b.AddASN1Int64(1)
			for _, part := range [][]byte{p.algorithm, issuer, p.validity, subject, plainPoint(p.key), rest} {
				b.AddBytes(part)
			}
		})
		b.AddBytes(outer.algorithm)
		b.AddASN1BitString(outer.signature)
	})
	mended, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(mended)
	if err != nil {
		return nil, err
	}
	cert.Raw, cert.RawTBSCertificate = der, outer.signed
	cert.RawIssuer, cert.RawSubject, cert.SerialNumber = p.issuer, p.subject, p.serial
	if cert.Version == 3 {
		cert.Extensions = all
	}
	return cert, nil
}

// strictValidity reports whether both instants have their seconds and end in
// Z: OpenSSL calls anything else a format error, and OpenVPN refuses it.
func strictValidity(tbs []byte) bool {
	parts, ok := readTBS(tbs)
	var body cryptobyte.String
	if !ok || !parts.validity.ReadASN1(&body, cbasn1.SEQUENCE) {
		return false
	}
	for range 2 {
		var text cryptobyte.String
		var tag cbasn1.Tag
		if !body.ReadAnyASN1(&text, &tag) {
			return false
		}
		digits := map[cbasn1.Tag]int{cbasn1.UTCTime: 12, cbasn1.GeneralizedTime: 14}[tag]
		if digits == 0 || len(text) != digits+1 || leadingDigits(text) != digits || text[digits] != 'Z' {
			return false
		}
	}
	return body.Empty()
}

// plainPoint writes a subjectPublicKeyInfo with the point of its curve uncompressed (SEC 1, section
// 2.3.3) or with the parameters of RSA (RFC 3279, section 2.3.1), and any other as it is.
func plainPoint(der cryptobyte.String) []byte {
	whole, body := der, cryptobyte.String(nil)
	var algorithm, oid, curve cryptobyte.String
	var point []byte
	if !der.ReadASN1(&body, cbasn1.SEQUENCE) || !body.ReadASN1Element(&algorithm, cbasn1.SEQUENCE) ||
		!body.ReadASN1BitStringAsBytes(&point) {
		return whole
	}
	if bytes.Equal(algorithm, rsaBare) {
		algorithm = rsaPlain
	}
	plain := point
	inner := algorithm
	if inner.ReadASN1(&inner, cbasn1.SEQUENCE) && inner.ReadASN1Element(&oid, cbasn1.OBJECT_IDENTIFIER) &&
		inner.ReadASN1(&curve, cbasn1.OBJECT_IDENTIFIER) {
		plain = uncompressed(string(curve), point)
	}
	if plain == nil {
		return whole
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(algorithm)
		b.AddASN1BitString(plain)
	})
	return b.BytesOrPanic()
}

// rsaPlain is the AlgorithmIdentifier of an RSA key, rsaBare the same without
// the NULL that it must have.
var (
	rsaPlain = []byte("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00")
	rsaBare  = []byte("\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01")
)

// curves are the named curves by the content of their object identifiers.
var curves = map[string]elliptic.Curve{
	"\x2a\x86\x48\xce\x3d\x03\x01\x07": elliptic.P256(),
	"\x2b\x81\x04\x00\x22":             elliptic.P384(),
	"\x2b\x81\x04\x00\x23":             elliptic.P521(),
}

func uncompressed(curveID string, point []byte) []byte {
	curve := curves[curveID]
	if curve == nil || len(point) == 0 {
		return nil
	}
	size := (curve.Params().BitSize + 7) / 8
	switch {
	case point[0] == 2 || point[0] == 3:
		x, y := elliptic.UnmarshalCompressed(curve, point)
		if x == nil {
			return nil
		}
		plain := append([]byte{4}, make([]byte, 2*size)...)
		x.FillBytes(plain[1 : 1+size])
		y.FillBytes(plain[1+size:])
		return plain
	case len(point) == 1+2*size && point[0] == 6|point[2*size]&1: // hybrid: both
		return append([]byte{4}, point[1:]...)
	}
	return nil
}

// leadingDigits counts the decimal digits text begins with.
func leadingDigits(text []byte) int {
	for i, c := range text {
		if c < '0' || c > '9' {
			return i
		}
	}
	return len(text)
}
