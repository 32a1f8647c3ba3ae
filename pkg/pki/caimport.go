package pki

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"slices"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
)

// Import registers a CA that was made elsewhere, with the revocations of its CRL. A costly key is
// opened after all other checks have passed.
func (s *CAs) Import(ctx context.Context, in domain.CAImport) (domain.CA, error) {
	return idempotency.Do(ctx, s.Recorder.Results, func() (domain.CA, error) { return s.takeOver(ctx, in) })
}

func (s *CAs) takeOver(ctx context.Context, in domain.CAImport) (domain.CA, error) {
	in.Name = domain.CleanName(in.Name)
	if err := in.Validate(); err != nil {
		return domain.CA{}, err
	}
	certs, certErr := ca.ParseCertificates(in.Certificate)
	key, keyErr := s.importedKey(ctx, in)
	if err := errors.Join(material("cert", certErr), keyErr); err != nil {
		return domain.CA{}, err
	}
	cert, others := ofKey(certs, key)
	if err := material("cert", cmp.Or(ca.CheckCA(cert), key.matches(cert))); err != nil {
		return domain.CA{}, err
	}
	found, err := s.findAbove(ctx, cert, others)
	if err != nil {
		return domain.CA{}, material("cert", err)
	}
	record := s.importedRecord(in, cert)
	record.ParentID = found.parentID
	crl, err := s.readCRL(in.CRL, cert)
	if err := errors.Join(err, domain.CheckCAName("name", record.Name)); err != nil {
		return domain.CA{}, err
	}
	if err := s.checkFree(ctx, record.Name, cert); err != nil {
		return domain.CA{}, err
	}
	if err := key.open(ctx, s.Derivations); err != nil {
		return domain.CA{}, material("key", err)
	}
	if err := key.matches(cert); err != nil {
		return domain.CA{}, material("key", err)
	}
	issuer, err := s.parent(ctx, found.parentID)
	if err != nil {
		return domain.CA{}, err
	}
	return s.keep(ctx, domain.ActionImport, record, madeCA{cert, key.signer, issuer, found.chain, crl})
}

// ofKey returns the certificate that the key belongs to, and the others; the first one if that is
// not known.
func ofKey(certs []*x509.Certificate, key *foreignKey) (*x509.Certificate, []*x509.Certificate) {
	i := max(0, slices.IndexFunc(certs, func(c *x509.Certificate) bool {
		return key.signer != nil && key.matches(c) == nil
	}))
	return certs[i], slices.Concat(certs[:i], certs[i+1:])
}

// checkFree checks that no CA has the name or the key.
func (s *CAs) checkFree(ctx context.Context, name string, cert *x509.Certificate) error {
	if err := s.checkName(ctx, name); err != nil {
		return err
	}
	taken, err := s.Store.CAs().KeyTaken(ctx, fingerprint(cert.RawSubjectPublicKeyInfo))
	if err == nil && taken {
		err = domain.Fault(domain.Duplicated, "cert", domain.ReasonDuplicated)
	}
	return err
}

func (s *CAs) importedRecord(in domain.CAImport, cert *x509.Certificate) domain.CA {
	subject := ca.SubjectOf(cert)
	now := s.Now()
	record := domain.CA{
		Name: in.Name, Description: in.Description, Subject: recordSubject(subject), CreatedAt: now, UpdatedAt: now,
	}
	if record.Name == "" {
		record.Name = subject.CommonName
	}
	if in.Email != "" {
		record.Email = in.Email
	}
	return record
}
