package pki

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"

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
	cert, certErr := ca.ParseCertificate(in.Certificate)
	key, keyErr := readKey(in.Key, in.Password)
	if err := errors.Join(material("cert", certErr), material("key", keyErr)); err != nil {
		return domain.CA{}, err
	}
	if err := material("cert", cmp.Or(ca.CheckCA(cert), key.matches(cert))); err != nil {
		return domain.CA{}, err
	}
	record := s.importedRecord(in, cert)
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
	return s.keep(ctx, domain.ActionImport, record, cert, key.signer, crl)
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
