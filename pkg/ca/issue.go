package ca

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"fmt"
	"time"
)

// ClientRequest says what a client certificate shall contain. Instants are cut
// to whole seconds.
type ClientRequest struct {
	Subject   Subject
	PublicKey crypto.PublicKey
	// NotBefore is moved up to the CA's own NotBefore if it lies before it.
	NotBefore time.Time
	// NotAfter must not lie after the CA's own.
	NotAfter time.Time
}

// IssueClient signs a certificate for an OpenVPN client: CA:FALSE and
// keyUsage digitalSignature, both critical, extended key usage clientAuth and
// nothing else (a client must never pass for a server), key identifiers, a
// random positive serial of 128 bits, and the mail address as subjectAltName.
//
// It fails with [ErrInvalidRequest], [ErrBeyondCA], [ErrWeakKey],
// [ErrUnsupportedKey], or, if the outcome is not what was asked,
// [ErrSelfCheck].
func (a *Authority) IssueClient(req ClientRequest) (*x509.Certificate, error) {
	if _, err := AlgorithmOf(req.PublicKey); err != nil {
		return nil, err
	}
	template, err := a.clientTemplate(req)
	if err != nil {
		return nil, err
	}
	return sign(template, a.Certificate, a.Signer)
}

// SignCSR issues a client certificate for the key of a PKCS #10 request. Only
// the key is taken from it, and only if the request is signed with it
// ([ErrPossession]); subject and validity come from req, whose PublicKey is
// ignored. Otherwise it fails as [Authority.IssueClient] does.
func (a *Authority) SignCSR(csr *x509.CertificateRequest, req ClientRequest) (*x509.Certificate, error) {
	// The key is measured before it is used: checking a signature with a
	// modulus of 100 000 bits would take minutes.
	if _, err := AlgorithmOf(csr.PublicKey); err != nil {
		return nil, err
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, fmt.Errorf("%w: the signature does not verify", ErrPossession)
	}
	req.PublicKey = csr.PublicKey
	return a.IssueClient(req)
}

// CheckRequest says what [Authority.IssueClient] would refuse whatever the key
// is; the key of req is not looked at.
func (a *Authority) CheckRequest(req ClientRequest) error {
	_, err := a.keylessClient(req)
	return err
}

func (a *Authority) keylessClient(req ClientRequest) (*x509.Certificate, error) {
	if req.NotAfter.After(a.Certificate.NotAfter) {
		return nil, fmt.Errorf("%w: the CA expires on %s", ErrBeyondCA, a.Certificate.NotAfter.UTC().Format(time.DateOnly))
	}
	notBefore := req.NotBefore
	if notBefore.Before(a.Certificate.NotBefore) {
		notBefore = a.Certificate.NotBefore
	}
	template, err := keylessTemplate(req.Subject, notBefore, req.NotAfter)
	if err != nil {
		return nil, err
	}
	if bytes.Equal(template.RawSubject, a.Certificate.RawSubject) {
		// Such a certificate would count as self-issued (RFC 5280 section 3.2)
		// and confuse path building.
		return nil, fmt.Errorf("%w: the subject is the CA's own", ErrInvalidRequest)
	}
	return template, nil
}

func (a *Authority) clientTemplate(req ClientRequest) (*x509.Certificate, error) {
	template, err := a.keylessClient(req)
	if err != nil {
		return nil, err
	}
	template.PublicKey = req.PublicKey
	if template.SubjectKeyId, err = keyID(req.PublicKey); err != nil {
		return nil, err
	}
	if template.AuthorityKeyId, err = a.keyID(); err != nil {
		return nil, err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	template.RawIssuer = a.Certificate.RawSubject
	template.SignatureAlgorithm = signatureAlgorithm(a.Certificate.PublicKey)
	return template, nil
}
