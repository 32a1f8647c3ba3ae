package ca

import (
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
	prepared, err := a.PrepareClient(req)
	if err != nil {
		return nil, err
	}
	return prepared.Issue(req.PublicKey)
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
