package ca

import (
	"crypto"
	"crypto/x509"
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
