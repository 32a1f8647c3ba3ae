package pki

import (
	"context"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Material is what the profile of a client is made of.
type Material struct {
	Client      domain.Client
	Certificate []byte // PEM: the certificate in force, then those of the CAs below the root
	CA          []byte // PEM: the root, or the highest CA that is known
	Key         []byte // PEM, encrypted if the client was given a password; nil when it was not asked for
}

// Material returns what the profile of a client is made of. Whoever hands the key out records that,
// in the audit, before the key leaves. Errors: *domain.Error with Missing for a client that there is
// not, or whose key is not kept here; with Rule on id for one that is revoked or suspended.
func (s *Clients) Material(ctx context.Context, id int64, withKey bool) (Material, error) {
	client, err := s.Store.Clients().Get(ctx, id)
	if err != nil {
		return Material{}, err
	}
	if client.Revoked() {
		return Material{}, domain.Fault(domain.Rule, "id", domain.ReasonNotInForce)
	}
	cert, err := s.Store.Certificates().OfClient(ctx, id)
	if err != nil {
		return Material{}, err
	}
	issuers, _, err := chain(ctx, s.Store, cert.CAID)
	if err != nil {
		return Material{}, err
	}
	top := len(issuers) - 1
	m := Material{Client: client, CA: ca.EncodeCertificatePEM(issuers[top])}
	for _, der := range append([][]byte{cert.DER}, issuers[:top]...) {
		m.Certificate = append(m.Certificate, ca.EncodeCertificatePEM(der)...)
	}
	if withKey {
		m.Key, err = s.unseal(cert)
	}
	return m, err
}
