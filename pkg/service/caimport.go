package service

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Import takes over a CA that was made elsewhere, with the revocations of its CRL.
func (s *CAs) Import(ctx context.Context, in domain.CAImport) (domain.CA, error) {
	in.Name = domain.CleanName(in.Name)
	if err := in.Validate(); err != nil {
		return domain.CA{}, err
	}
	cert, certErr := ca.ParseCertificate(in.Certificate)
	signer, keyErr := s.openKey(ctx, in)
	if err := errors.Join(material("cert", certErr), material("key", keyErr)); err != nil {
		return domain.CA{}, err
	}
	if _, err := ca.NewAuthority(cert, signer); err != nil {
		return domain.CA{}, material("cert", err)
	}
	record := s.importedRecord(in, cert)
	crl, err := s.readCRL(in.CRL, cert)
	if err := errors.Join(err, domain.CheckCAName("name", record.Name)); err != nil {
		return domain.CA{}, err
	}
	if err := s.checkName(ctx, record.Name); err != nil {
		return domain.CA{}, err
	}
	return s.keep(ctx, domain.ActionImport, record, cert, signer, crl)
}

// openKey reads the key. How long deriving its encryption takes is the file's choice, so not many are read at once.
func (s *CAs) openKey(ctx context.Context, in domain.CAImport) (signer crypto.Signer, err error) {
	err = s.Derivations.Do(ctx, func() (err error) {
		signer, err = ca.ParsePrivateKey([]byte(in.Key), string(in.Password))
		return err
	})
	return signer, err
}

func (s *CAs) importedRecord(in domain.CAImport, cert *x509.Certificate) domain.CA {
	subject := ca.SubjectOf(cert)
	now := s.Now()
	record := domain.CA{Name: in.Name, Description: in.Description, Subject: recordSubject(subject), CreatedAt: now, UpdatedAt: now}
	if record.Name == "" {
		record.Name = subject.CommonName
	}
	if in.Email != "" {
		record.Email = in.Email
	}
	return record
}
