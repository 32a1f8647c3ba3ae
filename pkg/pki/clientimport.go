package pki

import (
	"context"
	"crypto/x509"
	"errors"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/idempotency"
)

// Import registers a client whose certificate was made elsewhere by the same CA.
func (s *Clients) Import(ctx context.Context, in domain.ClientImport) (domain.Client, error) {
	return idempotency.Do(ctx, s.Recorder.Results, func() (domain.Client, error) {
		return s.ImportPlaced(ctx, in, nil)
	})
}

func (s *Clients) takeOver(ctx context.Context, in domain.ClientImport, place Place) (domain.Client, error) {
	cert, key, issuer, err := s.checkImport(ctx, in)
	if err != nil {
		return domain.Client{}, err
	}
	subject := ca.SubjectOf(cert)
	now := s.Now()
	client := domain.Client{
		Kind: s.Kind, CAID: in.CAID, Name: subject.CommonName, Description: in.Description,
		Subject:   recordSubject(subject),
		CreatedAt: now, UpdatedAt: now,
	}
	client.Email = in.Email
	record := described(in.CAID, domain.CertificateOfClient, cert, now)
	record.Issuer = issuer
	if err := s.importRevocation(ctx, in, &record); err != nil {
		return domain.Client{}, err
	}
	if client.Take(record); client.HoldsName(now) {
		if err := s.checkNameFree(ctx, client.Name); err != nil {
			return domain.Client{}, err
		}
	}
	if key != nil {
		pem, err := s.importedPEM(ctx, key, cert, in.Password)
		if err != nil {
			return domain.Client{}, material("key", err)
		}
		s.keepKey(&record, pem, in.Password)
	}
	return s.keep(ctx, domain.ActionImport, client, record, place)
}

// checkImport checks the certificate against the CA, the rules for names and, as far as the key can
// be read without cost, against the key. It returns them with the CA's certificate; the key is nil
// if none was given.
func (s *Clients) checkImport(
	ctx context.Context, in domain.ClientImport,
) (cert *x509.Certificate, key *foreignKey, issuer []byte, err error) {
	authority, caErr := s.Authorities.Get(ctx, in.CAID)
	if domain.IsKind(caErr, domain.Missing) {
		caErr = domain.Fault(domain.NotFound, "ca_id", domain.ReasonNotFound)
	}
	cert, certErr := ca.ParseCertificate(in.Certificate)
	var keyErr error
	if in.Key != "" {
		if key, keyErr = readKey(in.Key, in.Password); keyErr == nil && in.Password != "" {
			keyErr = ca.CheckKeyPassword(string(in.Password))
		}
	}
	if err := errors.Join(in.Validate(s.Now()), caErr, material("cert", certErr), material("key", keyErr)); err != nil {
		return nil, nil, nil, err
	}
	if err := errors.Join(
		material("cert", authority.CheckClient(cert)), material("key", key.matches(cert)),
		checkImportedName(ca.SubjectOf(cert).CommonName),
	); err != nil {
		return nil, nil, nil, err
	}
	if err := s.checkImportedSerial(ctx, in.CAID, ca.FormatSerial(cert.SerialNumber)); err != nil {
		return nil, nil, nil, err
	}
	return cert, key, authority.Certificate.Raw, nil
}

// importedPEM opens the key and encodes it in the stored form: PKCS#8, encrypted if there is a
// password. A password that comes with a key in clear encrypts it from now on.
func (s *Clients) importedPEM(
	ctx context.Context, key *foreignKey, cert *x509.Certificate, password domain.Secret,
) ([]byte, error) {
	if err := key.open(ctx, s.Derivations); err != nil {
		return nil, err
	}
	if err := key.matches(cert); err != nil {
		return nil, err
	}
	return s.keyPEM(ctx, key.signer, password)
}

// checkImportedName checks the common name as the name of a client. The rule for new names does not
// apply: the certificate is in use as it is. The fault is on the field cert, because the name comes
// from the certificate.
func checkImportedName(name string) error {
	if err := domain.CheckImportedName("cert", name); err != nil {
		return &domain.Error{
			Kind: domain.Invalid, Field: "cert", Reason: domain.ReasonNoName, Args: []any{domain.MaxImportedName}, Err: err,
		}
	}
	return nil
}

func (s *Clients) checkImportedSerial(ctx context.Context, caID int64, serial string) error {
	taken, err := s.Store.Certificates().ClientsOf(ctx, caID, []string{serial})
	if err == nil && len(taken) > 0 {
		return domain.Fault(domain.Duplicated, "cert", domain.ReasonDuplicated)
	}
	if err != nil {
		return err
	}
	return notArchived(ctx, s.Store, caID, serial, domain.Duplicated, "cert", domain.ReasonDuplicated)
}

// importRevocation sets the revocation if the CA's list has the certificate, or else if the caller
// says that it is revoked.
func (s *Clients) importRevocation(ctx context.Context, in domain.ClientImport, cert *domain.Certificate) error {
	listed, found, err := s.Store.Revocations().Find(ctx, in.CAID, cert.Serial)
	switch {
	case err != nil:
		return err
	case found && !listed.Lifted():
		cert.RevokedAt, cert.Reason = listed.RevokedAt, listed.Reason
	case in.Revoked && in.RevokedAt != nil:
		cert.RevokedAt = in.RevokedAt.UTC()
	case in.Revoked:
		cert.RevokedAt = s.Now()
	}
	return nil
}
