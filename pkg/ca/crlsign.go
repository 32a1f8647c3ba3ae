package ca

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// maxEntryBytes bounds the encoding of one [Revocation] whose serial RFC 5280
// allows.
const maxEntryBytes = 56

// The encoder below exists because x509.CreateRevocationList spends
// microseconds of reflection on every entry; the output is the same, byte for
// byte up to the signature, and a test compares the two.

// SignCRL signs a CRL of version 2 with CRL number and authority key
// identifier and no other extension. In particular there is no
// issuingDistributionPoint: OpenVPN refuses every client when there is one.
//
// It fails with [ErrInvalidRequest] (see [CRLRequest]) or [ErrSelfCheck].
func (a *Authority) SignCRL(req CRLRequest) ([]byte, error) {
	if err := req.validate(); err != nil {
		return nil, err
	}
	algorithm := signatureAlgorithm(a.Certificate.PublicKey)
	tbs, err := a.crlTBS(req, algorithm)
	if err != nil {
		return nil, err
	}
	signature, err := a.signMessage(tbs, algorithm)
	if err != nil {
		return nil, err
	}
	b := cryptobyte.NewBuilder(make([]byte, 0, len(tbs)+len(signature)+64))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		addAlgorithm(b, algorithm)
		b.AddASN1BitString(signature)
	})
	return b.Bytes()
}

// signMessage signs and verifies, with the key of the certificate: the signer
// might be faulty.
func (a *Authority) signMessage(message []byte, algorithm x509.SignatureAlgorithm) ([]byte, error) {
	signature, err := crypto.SignMessage(a.Signer, rand.Reader, message, digestOf(algorithm))
	if err != nil {
		return nil, fmt.Errorf("couldn't sign: %w", err)
	}
	if err := a.Certificate.CheckSignature(algorithm, message, signature); err != nil {
		return nil, fmt.Errorf("%w: the signature does not verify", ErrSelfCheck)
	}
	return signature, nil
}

// crlTBS is the tbsCertList of RFC 5280, section 5.1.2.
func (a *Authority) crlTBS(req CRLRequest, algorithm x509.SignatureAlgorithm) ([]byte, error) {
	id, err := a.keyID()
	if err != nil {
		return nil, err
	}
	entries := req.entries()
	b := cryptobyte.NewBuilder(make([]byte, 0, 1024+len(entries)))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1) // v2
		addAlgorithm(b, algorithm)
		b.AddBytes(a.Certificate.RawSubject)
		b.AddBytes(appendTime(appendTime(nil, req.ThisUpdate), req.NextUpdate))
		if len(entries) > 0 { // absent rather than empty, section 5.1.2.6
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(entries) })
		}
		addCRLExtensions(b, id, req)
	})
	return b.Bytes()
}

func (r CRLRequest) entries() []byte {
	// Few entries are longer than maxEntryBytes, so appending seldom reallocates.
	der := make([]byte, 0, maxEntryBytes*(len(r.Revocations)+len(r.Encoded)))
	for i := range r.Revocations {
		der = appendRevocation(der, &r.Revocations[i])
	}
	for _, e := range r.Encoded {
		der = append(der, e...)
	}
	return der
}

func addCRLExtensions(b *cryptobyte.Builder, keyID []byte, req CRLRequest) {
	b.AddASN1(cbasn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addExtension(b, asn1.ObjectIdentifier{2, 5, 29, 35}, func(b *cryptobyte.Builder) { // authorityKeyIdentifier
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.Tag(0).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(keyID) })
				})
			})
			addExtension(b, asn1.ObjectIdentifier{2, 5, 29, 20}, func(b *cryptobyte.Builder) { // cRLNumber
				b.AddASN1BigInt(req.Number)
			})
		})
	})
}

// appendRevocation writes one revokedCertificates entry by hand, for there may
// be many. Every length fits one byte: a serial takes at most 67 bytes, a date
// 17, the extensions 40.
func appendRevocation(der []byte, r *Revocation) []byte {
	start := len(der)
	der = append(der, 0x30, 0) // SEQUENCE, its length comes last
	der = appendInteger(der, r.Serial)
	der = appendTime(der, r.RevokedAt)
	der = appendEntryExtensions(der, r)
	der[start+1] = byte(len(der) - start - 2)
	return der
}

// appendEntryExtensions writes the crlEntryExtensions of RFC 5280, section 5.3; without any the
// SEQUENCE is absent.
func appendEntryExtensions(der []byte, r *Revocation) []byte {
	if r.Reason == Unspecified && r.InvalidityDate.IsZero() {
		return der
	}
	start := len(der)
	der = append(der, 0x30, 0)
	if !r.InvalidityDate.IsZero() { // SEQUENCE { OID 2.5.29.24, OCTET STRING { GeneralizedTime } }
		der = append(der, 0x30, 0x18, 0x06, 0x03, 0x55, 0x1d, 0x18, 0x04, 0x11)
		der = appendGeneralizedTime(der, r.InvalidityDate)
	}
	if r.Reason != Unspecified { // SEQUENCE { OID 2.5.29.21, OCTET STRING { ENUMERATED } }
		der = append(der, 0x30, 0x0a, 0x06, 0x03, 0x55, 0x1d, 0x15, 0x04, 0x03, 0x0a, 0x01, byte(r.Reason))
	}
	der[start+1] = byte(len(der) - start - 2)
	return der
}

// appendInteger writes an INTEGER of less than 128 octets.
func appendInteger(der []byte, n *big.Int) []byte {
	if n.Sign() < 0 {
		var b cryptobyte.Builder
		b.AddASN1BigInt(n)
		return append(der, b.BytesOrPanic()...)
	}
	size := n.BitLen()/8 + 1 // a leading zero keeps it positive
	der = append(der, 0x02, byte(size))
	der = append(der, make([]byte, size)...)
	n.FillBytes(der[len(der)-size:])
	return der
}

// appendTime writes UTCTime through 2049 and GeneralizedTime from 2050 on (RFC 5280, section
// 5.1.2.4).
func appendTime(der []byte, t time.Time) []byte {
	if t = t.UTC(); t.Year() < 2050 {
		return t.AppendFormat(append(der, 0x17, 13), "060102150405Z")
	}
	return appendGeneralizedTime(der, t)
}

func appendGeneralizedTime(der []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(append(der, 0x18, 15), "20060102150405Z")
}

// addExtension writes an extension that is not critical.
func addExtension(b *cryptobyte.Builder, oid asn1.ObjectIdentifier, value cryptobyte.BuilderContinuation) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid)
		b.AddASN1(cbasn1.OCTET_STRING, value)
	})
}

// addAlgorithm writes an AlgorithmIdentifier: for RSA with NULL parameters, for ECDSA and Ed25519
// without any (RFC 4055, section 5; RFC 5758, section 3.2; RFC 8410, section 3).
func addAlgorithm(b *cryptobyte.Builder, algorithm x509.SignatureAlgorithm) {
	var oid asn1.ObjectIdentifier
	switch algorithm {
	case x509.SHA256WithRSA:
		oid = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}
	case x509.ECDSAWithSHA256:
		oid = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
	case x509.ECDSAWithSHA384:
		oid = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}
	case x509.ECDSAWithSHA512:
		oid = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4}
	case x509.PureEd25519:
		oid = asn1.ObjectIdentifier{1, 3, 101, 112}
	default:
		b.SetError(errors.New("no signature algorithm for this kind of key"))
		return
	}
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid)
		if algorithm == x509.SHA256WithRSA {
			b.AddASN1NULL()
		}
	})
}

func digestOf(algorithm x509.SignatureAlgorithm) crypto.Hash {
	switch algorithm {
	case x509.SHA256WithRSA, x509.ECDSAWithSHA256:
		return crypto.SHA256
	case x509.ECDSAWithSHA384:
		return crypto.SHA384
	case x509.ECDSAWithSHA512:
		return crypto.SHA512
	}
	return 0 // Ed25519 signs the message itself
}
