package service

import (
	"context"
	"crypto/x509"
	"errors"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Import takes over a CA that was made elsewhere, with the revocations of its CRL.
func (s *CAs) Import(ctx context.Context, in domain.CAImport) (domain.CA, error) {
	if err := in.Validate(); err != nil {
		return domain.CA{}, err
	}
	cert, certErr := ca.ParseCertificate(in.Certificate)
	signer, keyErr := ca.ParsePrivateKey([]byte(in.Key), string(in.Password))
	if err := errors.Join(material("cert", certErr), material("key", keyErr)); err != nil {
		return domain.CA{}, err
	}
	if _, err := ca.NewAuthority(cert, signer); err != nil {
		return domain.CA{}, material("cert", err)
	}
	record := s.importedRecord(in, cert)
	crl, err := readCRL(in.CRL, cert)
	if err := errors.Join(err, domain.CheckCAName("name", record.Name)); err != nil {
		return domain.CA{}, err
	}
	if err := s.checkName(ctx, record.Name); err != nil {
		return domain.CA{}, err
	}
	return s.keep(ctx, record, cert, signer, crl)
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

// readCRL reads a CRL and checks that the CA signed it; no text is no CRL.
func readCRL(pem []byte, issuer *x509.Certificate) (*x509.RevocationList, error) {
	if len(pem) == 0 {
		return nil, nil
	}
	crl, err := ca.ParseCRL(pem)
	if err == nil {
		err = crl.CheckSignatureFrom(issuer)
	}
	if err == nil && crl.Number != nil && !crl.Number.IsInt64() {
		err = errors.New("the CRL number has more than 63 bits")
	}
	if err != nil {
		return nil, &domain.Error{Kind: domain.Invalid, Field: "crl", Reason: domain.ReasonCRL, Err: err}
	}
	return crl, nil
}

// crlNumber is the number above which the CA's own CRLs go on.
func crlNumber(crl *x509.RevocationList) int64 {
	if crl == nil || crl.Number == nil {
		return 0
	}
	return crl.Number.Int64()
}

// removeFromCRL is the reason of an entry that takes a revocation back (RFC 5280, 5.3.1).
const removeFromCRL = 8

// importRevocations stores the entries of a CRL under one epoch.
func importRevocations(ctx context.Context, tx domain.Store, caID int64, crl *x509.RevocationList) error {
	if crl == nil || len(crl.RevokedCertificateEntries) == 0 {
		return nil
	}
	epoch, err := tx.Revocations().Advance(ctx, caID)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	var list []domain.Revocation
	for _, entry := range crl.RevokedCertificateEntries {
		serial := ca.FormatSerial(entry.SerialNumber)
		if seen[serial] || entry.ReasonCode == removeFromCRL {
			continue
		}
		seen[serial] = true
		list = append(list, domain.Revocation{
			CAID: caID, Serial: serial, RevokedAt: entry.RevocationTime, Reason: entry.ReasonCode, Epoch: epoch,
		})
	}
	if len(list) == 0 {
		return nil
	}
	return tx.Revocations().Add(ctx, list)
}
