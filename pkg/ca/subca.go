package ca

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"slices"
	"time"
)

// CARequest is the name and the life of a CA under another one.
type CARequest struct {
	Subject Subject
	// PathLength is how many CAs may follow below the new one (RFC 5280, section 4.2.1.9).
	PathLength int
	// Like is as in a [RootRequest].
	Like *x509.Certificate
	// NotBefore and NotAfter are as those of a [ClientRequest].
	NotBefore, NotAfter time.Time
}

// PrepareCA checks all of a CA below this one that can be checked before there is a key;
// [Prepared.Issue] signs. Certificate and key then make an Authority by [NewAuthority].
//
// It fails with [ErrPathLength] when this CA may not issue such a one, and as
// [Authority.PrepareClient] does. What the CAs above allow is not known here: see [CheckChain].
func (a *Authority) PrepareCA(req CARequest) (*Prepared, error) {
	if limit := pathLength(a.Certificate); limit >= 0 && req.PathLength >= limit {
		return nil, fmt.Errorf("%w: the CA allows %d below it", ErrPathLength, limit)
	}
	return a.prepareUnder(caProfile, wanted{
		subject: req.Subject, pathLength: req.PathLength, notBefore: req.NotBefore, notAfter: req.NotAfter,
		like: req.Like,
	})
}

// CrossSign signs another certificate for the subject and the key of a CA, with a serial number and
// a validity of its own. If this authority is the issuer of the given certificate, that renews it,
// with a serial number as [Authority.Renew] says; otherwise programs that trust this authority then
// trust the other CA too. Key identifier, usages,
// name constraints and policies are those of the given certificate. So is the path length, unless
// this CA allows less.
//
// It fails with the errors of [CheckCA], and with [ErrPathLength], [ErrBeyondCA], a
// [ConstraintError], [ErrInvalidRequest], [ErrSelfCheck], or, for the CA's own certificate,
// [ErrSelfIssued].
func (a *Authority) CrossSign(of *x509.Certificate, notBefore, notAfter time.Time) (*x509.Certificate, error) {
	if err := CheckCA(of); err != nil {
		return nil, err
	}
	self := sameName(of.RawSubject, a.Certificate.RawSubject)
	if self && samePublicKey(of.PublicKey, a.Certificate.PublicKey) {
		return nil, ErrSelfIssued
	}
	length, err := lengthBelow(a.Certificate, of, self)
	if err != nil {
		return nil, err
	}
	template, err := a.templateAgain(of, length, notBefore, notAfter)
	if err != nil {
		return nil, err
	}
	if !self {
		if err := checkConstraints(a.Certificate, template); err != nil {
			return nil, err
		}
	}
	if sameName(of.RawIssuer, a.Certificate.RawSubject) {
		template.SerialNumber = nextSerial(of)
	}
	template.RawIssuer = a.Certificate.RawSubject
	template.SignatureAlgorithm = signatureAlgorithm(a.Certificate.PublicKey)
	if template.AuthorityKeyId, err = a.keyID(); err != nil {
		return nil, err
	}
	return sign(template, a.Certificate, a.Signer)
}

// Renew signs a new certificate of a self-signed CA for the same subject and key. What the old one
// has signed remains valid under the new one, which is otherwise as [Authority.CrossSign] says. A
// CA below another one is renewed by CrossSign of its issuer, and fails here with
// [ErrInvalidRequest].
//
// The new certificate has another serial number, unless the CA was made by a program whose
// certificates may name that of their issuer (RFC 5280, section 4.2.1.1), as those of easy-rsa do:
// OpenSSL would find no issuer for them.
func (a *Authority) Renew(notBefore, notAfter time.Time) (*Authority, error) {
	old := a.Certificate
	if !selfSigned(old) {
		return nil, fmt.Errorf("%w: the CA is not self-signed", ErrInvalidRequest)
	}
	template, err := caProfile.again(old, pathLength(old), notBefore, notAfter)
	if err != nil {
		return nil, err
	}
	template.SerialNumber = nextSerial(old)
	template.RawIssuer = old.RawSubject
	template.SignatureAlgorithm = signatureAlgorithm(old.PublicKey)
	template.AuthorityKeyId = template.SubjectKeyId
	cert, err := sign(template, template, a.Signer)
	if err != nil {
		return nil, err
	}
	return OpenAuthority(cert, a.Signer)
}

// templateAgain bounds the validity by this CA's.
func (a *Authority) templateAgain(
	of *x509.Certificate, length int, notBefore, notAfter time.Time,
) (*x509.Certificate, error) {
	notBefore, err := a.window(notBefore, notAfter)
	if err != nil {
		return nil, err
	}
	return caProfile.again(of, length, notBefore, notAfter)
}

// again is the template of another certificate for the subject and key of a CA.
func (p Profile) again(
	of *x509.Certificate, length int, notBefore, notAfter time.Time,
) (*x509.Certificate, error) {
	notBefore, notAfter, err := p.period(notBefore, notAfter)
	if err != nil {
		return nil, err
	}
	id, err := (&Authority{Certificate: of}).keyID()
	if err != nil {
		return nil, err
	}
	return &x509.Certificate{
		SerialNumber:          newSerial(),
		RawSubject:            of.RawSubject,
		EmailAddresses:        slices.Clone(of.EmailAddresses),
		NotBefore:             notBefore,
		NotAfter:              notAfter,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLen:            length,
		MaxPathLenZero:        length == 0,
		KeyUsage:              of.KeyUsage | p.KeyUsage,
		ExtKeyUsage:           slices.Clone(of.ExtKeyUsage),
		UnknownExtKeyUsage:    slices.Clone(of.UnknownExtKeyUsage),
		PublicKey:             of.PublicKey,
		SubjectKeyId:          id,
		ExtraExtensions:       restrictions(of),
	}, nil
}

// restrictions are the extensions that limit what a CA may issue: name constraints, and those of
// policies (RFC 5280, sections 4.2.1.4, 4.2.1.10, 4.2.1.11 and 4.2.1.14).
func restrictions(of *x509.Certificate) []pkix.Extension {
	limiting := []string{oidNameConstraints, "2.5.29.32", "2.5.29.36", "2.5.29.54"}
	var kept []pkix.Extension
	for _, e := range of.Extensions {
		if slices.Contains(limiting, e.Id.String()) {
			kept = append(kept, pkix.Extension{Id: e.Id, Critical: e.Critical, Value: bytes.Clone(e.Value)})
		}
	}
	return kept
}

// pathLength is the path length of basicConstraints, -1 if there is none.
func pathLength(cert *x509.Certificate) int {
	if cert.BasicConstraintsValid && (cert.MaxPathLen > 0 || cert.MaxPathLen == 0 && cert.MaxPathLenZero) {
		return cert.MaxPathLen
	}
	return -1
}

// lengthBelow is the path length of a CA below another one. A self-issued certificate does not
// count in a path (RFC 5280, section 6.1.4 (l)).
func lengthBelow(parent, of *x509.Certificate, selfIssued bool) (int, error) {
	limit, own := pathLength(parent), pathLength(of)
	if limit < 0 {
		return own, nil
	}
	if !selfIssued {
		limit--
	}
	if limit < 0 {
		return 0, fmt.Errorf("%w: the CA allows none below it", ErrPathLength)
	}
	if own < 0 {
		return limit, nil
	}
	return min(own, limit), nil
}

// selfSigned reports whether a certificate is signed by its own key, for its own subject.
// SelfSigned reports whether a certificate is signed with its own key.
func SelfSigned(cert *x509.Certificate) bool { return selfSigned(cert) }

func selfSigned(cert *x509.Certificate) bool {
	if !sameName(cert.RawIssuer, cert.RawSubject) {
		return false
	}
	outer, err := readSigned(cert.Raw)
	if err != nil {
		return false
	}
	_, err = outer.verify(cert.PublicKey)
	return err == nil
}
