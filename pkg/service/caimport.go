package service

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Import takes over a CA that was made elsewhere, with the revocations of its CRL.
func (s *CAs) Import(ctx context.Context, in domain.CAImport) (domain.CA, error) {
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
	crl, err := readCRL(in.CRL, cert)
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

// readCRL reads a CRL and checks that the CA signed it; no text is no CRL.
func readCRL(pem []byte, issuer *x509.Certificate) (*x509.RevocationList, error) {
	if len(pem) == 0 {
		return nil, nil
	}
	crl, err := ca.ParseCRL(pem)
	if err == nil {
		err = crl.CheckSignatureFrom(issuer)
	}
	if err == nil {
		err = checkContinuable(crl)
	}
	if err != nil {
		return nil, &domain.Error{Kind: domain.Invalid, Field: "crl", Reason: domain.ReasonCRL, Err: err}
	}
	return crl, nil
}

// checkContinuable refuses a list whose number or entries the CA's own lists could not go on with: none could be signed any more.
func checkContinuable(crl *x509.RevocationList) error {
	if crl.Number != nil && (crl.Number.Sign() < 0 || crl.Number.BitLen() > maxCRLNumberBits) {
		return fmt.Errorf("the CRL number is negative or has more than %d bits", maxCRLNumberBits)
	}
	for _, entry := range crl.RevokedCertificateEntries {
		if _, err := ca.ParseSerial(ca.FormatSerial(entry.SerialNumber)); err != nil || entry.SerialNumber.Sign() < 0 {
			return errors.New("an entry has an impossible serial")
		}
		if year := entry.RevocationTime.UTC().Year(); year < 1950 || year > 9999 {
			return errors.New("an entry has an impossible date")
		}
	}
	return nil
}

// maxCRLNumberBits leaves room for more lists than anyone can sign.
const maxCRLNumberBits = 62

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
	list := listedRevocations(caID, crl)
	if len(list) == 0 {
		return nil // an epoch without revocations would never be reached by a list
	}
	epoch, err := tx.Revocations().Advance(ctx, caID)
	if err != nil {
		return err
	}
	for i := range list {
		list[i].Epoch = epoch
	}
	return tx.Revocations().Add(ctx, list)
}

// listedRevocations reads the entries of a CRL; of two for one serial the first counts.
func listedRevocations(caID int64, crl *x509.RevocationList) []domain.Revocation {
	if crl == nil {
		return nil
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
			CAID: caID, Serial: serial, RevokedAt: entry.RevocationTime, Reason: knownReason(entry.ReasonCode),
		})
	}
	return list
}

// knownReason is the reason of a foreign entry, unspecified if it is none that a list may name (RFC 5280, 5.3.1).
func knownReason(code int) int {
	if code < 0 || code > 10 || code == 7 {
		return 0
	}
	return code
}
