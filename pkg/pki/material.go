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
	CA          []byte // PEM: the CAs that the site trusts
	Key         []byte // PEM, encrypted if the client was given a password; nil when it was not asked for
}

// Material returns what the profile of a client is made of. Whoever hands the key out records that,
// in the audit, before the key leaves. Errors: *domain.Error with Missing for a client that there
// is not, or whose key is not kept here; with Rule on id for one that is revoked or suspended.
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
	m := Material{Client: client, Certificate: ca.EncodeCertificatePEM(cert.DER)}
	if err := s.addIssuers(ctx, &m, cert.CAID); err != nil {
		return Material{}, err
	}
	if withKey {
		m.Key, err = s.unseal(cert)
	}
	return m, err
}

// addIssuers adds what the site presents after its certificate, and what it trusts.
func (s *Clients) addIssuers(ctx context.Context, m *Material, caID int64) error {
	issuers, err := chain(ctx, s.Store, caID, s.Now())
	if err != nil {
		return err
	}
	for _, der := range issuers {
		cert, err := ca.ReadCertificate(der)
		if err != nil {
			return err
		}
		if !ca.SelfSigned(cert) {
			m.Certificate = append(m.Certificate, ca.EncodeCertificatePEM(der)...)
		}
	}
	f, err := readFamily(ctx, s.Store, caID, s.Now())
	m.CA = encodeAll(f.certificates)
	return err
}
