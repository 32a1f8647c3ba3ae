package pki

import (
	"context"
	"crypto"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Reissue issues a certificate for the key of a request (PKCS #10 in PEM), as a renewal. A client
// whose certificate in force has that key keeps it, so a repeat changes nothing. The other
// certificates stay valid until the overlap ends.
//
// Errors: those of Renew; *domain.Error with Rule on id for a client that is revoked, also
// meanwhile: it does not come back that way.
func (s *Clients) Reissue(
	ctx context.Context, id int64, request []byte, overlap time.Duration,
) (domain.Client, error) {
	client, err := s.Store.Clients().Get(ctx, id)
	if err != nil {
		return client, err
	}
	if client.Revoked() {
		return client, domain.Fault(domain.Rule, "id", domain.ReasonNotInForce)
	}
	read, err := ca.ReadRequest(request)
	if err != nil {
		return client, material("csr", err)
	}
	present, err := s.Store.Certificates().OfClient(ctx, id)
	if err != nil {
		return client, err
	}
	if has, err := hasKey(present, read.PublicKey); has || err != nil {
		return client, err
	}
	known := func(c domain.Client, err error) (domain.Client, error) { return c, err }
	return s.renewIf(ctx, id, domain.ClientRenewal{Overlap: &overlap, Request: request, InForce: true}, known)
}

// CheckRequest refuses what is no request for a certificate, as a fault of the field csr.
func (s *Clients) CheckRequest(request []byte) error {
	_, err := ca.ReadRequest(request)
	if err != nil {
		return material("csr", err)
	}
	return nil
}

// hasKey reports whether a certificate is for a public key.
func hasKey(c domain.Certificate, key crypto.PublicKey) (bool, error) {
	cert, err := ca.ReadCertificate(c.DER)
	if err != nil {
		return false, err
	}
	comparable, ok := cert.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	return ok && comparable.Equal(key), nil
}
