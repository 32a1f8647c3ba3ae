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
		client, err := s.takeOver(ctx, in)
		if s.otherCA(err, in.CAID) {
			client, err = s.takeOver(ctx, in)
		}
		return client, err
	})
}

func (s *Clients) takeOver(ctx context.Context, in domain.ClientImport) (domain.Client, error) {
	cert, key, issuer, err := s.checkImport(ctx, in)
	if err != nil {
		return domain.Client{}, err
	}
	subject := ca.SubjectOf(cert)
	now := s.Now()
	client := domain.Client{
		CAID: in.CAID, Name: subject.CommonName, Description: in.Description, Subject: recordSubject(subject),
		ExpiresAt: cert.NotAfter.UTC(), CreatedAt: now, UpdatedAt: now,
	}
	client.Email = in.Email
	serial := ca.FormatSerial(cert.SerialNumber)
	if err := s.importRevocation(ctx, in, serial, &client); err != nil {
		return domain.Client{}, err
	}
	pem, err := s.importedPEM(ctx, key, cert, in.Password)
	if err != nil {
		return domain.Client{}, material("key", err)
	}
	return s.keep(ctx, domain.ActionImport, client, domain.Certificate{
		CAID: in.CAID, Serial: serial, NotBefore: cert.NotBefore, NotAfter: cert.NotAfter, DER: cert.Raw,
		SealedKey: s.Keys.Seal(pem, clientKeyContext(cert.Raw)), KeyProtected: in.Password != "", CreatedAt: now,
		Issuer: issuer,
	})
}

// checkImport checks the certificate against the CA, the rules for names and, as far as the key can
// be read without cost, against the key. It returns them with the CA's certificate.
func (s *Clients) checkImport(
	ctx context.Context, in domain.ClientImport,
) (cert *x509.Certificate, key *foreignKey, issuer []byte, err error) {
	authority, caErr := s.Authorities.Get(ctx, in.CAID)
	if domain.IsKind(caErr, domain.Missing) {
		caErr = domain.Fault(domain.NotFound, "ca_id", domain.ReasonNotFound)
	}
	cert, certErr := ca.ParseCertificate(in.Certificate)
	key, keyErr := readKey(in.Key, in.Password)
	if err := errors.Join(in.Validate(s.Now()), caErr, material("cert", certErr), material("key", keyErr)); err != nil {
		return nil, nil, nil, err
	}
	if err := errors.Join(
		material("cert", authority.CheckClient(cert)), material("key", key.matches(cert)),
	); err != nil {
		return nil, nil, nil, err
	}
	if err := s.checkImportedName(ctx, cert.Subject.CommonName); err != nil {
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

// checkImportedName checks the common name as the name of a client. Its fault is on the field cert,
// because the name comes from the certificate.
func (s *Clients) checkImportedName(ctx context.Context, name string) error {
	if err := domain.CheckClientName("cert", name); err != nil {
		return &domain.Error{
			Kind: domain.Invalid, Field: "cert", Reason: domain.ReasonNoName,
			Args: []any{domain.ClientNameCharset, domain.MaxClientName}, Err: err,
		}
	}
	taken, err := s.Store.Clients().NameTaken(ctx, name)
	return nameFault(taken, err)
}

func (s *Clients) checkImportedSerial(ctx context.Context, caID int64, serial string) error {
	taken, err := s.Store.Certificates().ClientsOf(ctx, caID, []string{serial})
	if err == nil && len(taken) > 0 {
		err = domain.Fault(domain.Duplicated, "cert", domain.ReasonDuplicated)
	}
	return err
}

// importRevocation sets the time of revocation if the CA's list has the certificate, or else if the
// caller says that it is revoked.
func (s *Clients) importRevocation(
	ctx context.Context, in domain.ClientImport, serial string, client *domain.Client,
) error {
	listed, found, err := s.Store.Revocations().Find(ctx, in.CAID, serial)
	switch {
	case err != nil:
		return err
	case found:
		client.RevokedAt = listed.RevokedAt
	case in.Revoked && in.RevokedAt != nil:
		client.RevokedAt = in.RevokedAt.UTC()
	case in.Revoked:
		client.RevokedAt = s.Now()
	}
	return nil
}
