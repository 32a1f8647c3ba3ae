package ca

import (
	"crypto"
	"crypto/sha1" //nolint:gosec // what names a responder, by RFC 6960
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// responderProfile is of the certificates that sign answers about other certificates of their CA
// (RFC 6960, section 4.2.2.2). Nobody asks whether one is revoked itself, so it lives shortly.
var responderProfile = Profile{
	KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning},
	Extensions: []pkix.Extension{{Id: oidOCSPNoCheck, Value: []byte{5, 0}}}, MaxLife: 90 * 24 * time.Hour,
}

// ResponderRequest says what the certificate of an OCSP responder shall contain. NotBefore and
// NotAfter are as those of a [ClientRequest]; the validity is at most 90 days.
type ResponderRequest struct {
	Subject             Subject
	NotBefore, NotAfter time.Time
}

// PrepareResponder checks all that can be checked before there is a key; [Prepared.Issue] signs.
// The certificate has CA:FALSE and keyUsage digitalSignature, both critical; extended key usage
// OCSPSigning and nothing else; id-pkix-ocsp-nocheck; and key identifiers. It fails as
// [Authority.PrepareClient] does.
func (a *Authority) PrepareResponder(req ResponderRequest) (*Prepared, error) {
	return a.prepareUnder(
		responderProfile, wanted{subject: req.Subject, notBefore: req.NotBefore, notAfter: req.NotAfter},
	)
}

// Responder signs what is known of the certificates of a CA. It is immutable and safe for
// concurrent use.
type Responder struct {
	signer Authority
	keyID  []byte // by which answers name it
}

// OpenResponder checks that a certificate is that of a responder of the CA, and that the key is its
// key. It fails with [ErrKeyMismatch], [ErrNotSignedByCA], or [ErrContent] for another kind of
// certificate.
func (a *Authority) OpenResponder(cert *x509.Certificate, signer crypto.Signer) (*Responder, error) {
	if err := CheckPair(cert, signer); err != nil {
		return nil, err
	}
	if err := a.CheckIssued(cert); err != nil {
		return nil, err
	}
	bits, ok := keyBits(cert.Raw)
	if !ok || !slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning) {
		return nil, fmt.Errorf("%w: not the certificate of an OCSP responder", ErrContent)
	}
	sum := sha1.Sum(bits) //nolint:gosec // RFC 6960, section 4.2.1
	return &Responder{signer: Authority{Certificate: cert, Signer: signer}, keyID: sum[:]}, nil
}

// NotAfter is when the responder's certificate ends.
func (r *Responder) NotAfter() time.Time { return r.signer.Certificate.NotAfter }

// Sign returns an OCSPResponse in DER, with the responder's certificate (RFC 6960, section 4.2.1).
// It fails with [ErrInvalidRequest] for an answer that can't be written, or with [ErrSelfCheck].
func (r *Responder) Sign(answer OCSPAnswer) ([]byte, error) {
	if err := answer.validate(); err != nil {
		return nil, err
	}
	tbs, err := r.responseData(answer)
	if err != nil {
		return nil, err
	}
	algorithm := signatureAlgorithm(r.signer.Certificate.PublicKey)
	signature, err := r.signer.signMessage(tbs, algorithm)
	if err != nil {
		return nil, err
	}
	var basic cryptobyte.Builder
	basic.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		addAlgorithm(b, algorithm)
		b.AddASN1BitString(signature)
		b.AddASN1(tagged(0), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(r.signer.Certificate.Raw) })
		})
	})
	content, err := basic.Bytes()
	if err != nil {
		return nil, err
	}
	return ocspResponse(OCSPSuccessful, content)
}

func (a OCSPAnswer) validate() error {
	if len(a.Statuses) == 0 || !a.ThisUpdate.Truncate(time.Second).Before(a.NextUpdate.Truncate(time.Second)) ||
		!Representable(a.ThisUpdate) || !Representable(a.NextUpdate) {
		return fmt.Errorf("%w: no statuses, or no validity of them", ErrInvalidRequest)
	}
	for _, one := range a.Statuses {
		if !one.RevokedAt.IsZero() && (!Representable(one.RevokedAt) || !one.Reason.inFullList()) {
			return fmt.Errorf("%w: a revocation has no representable date or no reason", ErrInvalidRequest)
		}
	}
	return nil
}

// OCSPError returns an OCSPResponse in DER that has a status other than successful, and nothing
// else.
func OCSPError(status OCSPStatus) []byte {
	return []byte{0x30, 3, 0x0a, 1, byte(status)}
}

// ocspResponse wraps a BasicOCSPResponse.
func ocspResponse(status OCSPStatus, basic []byte) ([]byte, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, len(basic)+64))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Enum(int64(status))
		b.AddASN1(tagged(0), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(oidOCSPBasic)
				b.AddASN1OctetString(basic)
			})
		})
	})
	return b.Bytes()
}

// responseData is the ResponseData of RFC 6960, section 4.2.1.
func (r *Responder) responseData(answer OCSPAnswer) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(tagged(2), func(b *cryptobyte.Builder) { b.AddASN1OctetString(r.keyID) })
		b.AddBytes(appendGeneralizedTime(nil, answer.ThisUpdate)) // producedAt
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, one := range answer.Statuses {
				addCertStatus(b, one, answer)
			}
		})
		if answer.Nonce != nil {
			b.AddASN1(tagged(1), func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					addExtension(b, oidOCSPNonce, func(b *cryptobyte.Builder) { b.AddASN1OctetString(answer.Nonce) })
				})
			})
		}
	})
	return b.Bytes()
}

// addCertStatus writes a SingleResponse.
func addCertStatus(b *cryptobyte.Builder, s CertStatus, answer OCSPAnswer) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(s.CertID)
		switch {
		case !s.RevokedAt.IsZero():
			b.AddASN1(tagged(1), func(b *cryptobyte.Builder) { addRevokedInfo(b, s) })
		case s.Unknown:
			b.AddASN1(cbasn1.Tag(2).ContextSpecific(), func(*cryptobyte.Builder) {})
		default:
			b.AddASN1(cbasn1.Tag(0).ContextSpecific(), func(*cryptobyte.Builder) {})
		}
		b.AddBytes(appendGeneralizedTime(nil, answer.ThisUpdate))
		b.AddASN1(tagged(0), func(b *cryptobyte.Builder) { b.AddBytes(appendGeneralizedTime(nil, answer.NextUpdate)) })
	})
}

// addRevokedInfo writes no reason when it is unspecified, as in lists.
func addRevokedInfo(b *cryptobyte.Builder, s CertStatus) {
	b.AddBytes(appendGeneralizedTime(nil, s.RevokedAt))
	if s.Reason != Unspecified {
		b.AddASN1(tagged(0), func(b *cryptobyte.Builder) { b.AddASN1Enum(int64(s.Reason)) })
	}
}
