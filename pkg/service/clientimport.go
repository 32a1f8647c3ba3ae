package service

import (
	"context"
	"crypto/x509"
	"errors"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Import takes over a client whose certificate was made elsewhere by the same CA.
func (s *Clients) Import(ctx context.Context, in domain.ClientImport) (domain.Client, error) {
	client, err := s.takeOver(ctx, in)
	if s.otherCA(err, in.CAID) {
		client, err = s.takeOver(ctx, in)
	}
	return client, err
}

func (s *Clients) takeOver(ctx context.Context, in domain.ClientImport) (domain.Client, error) {
	cert, pem, issuer, err := s.openImport(ctx, in)
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
	return s.keep(ctx, domain.ActionImport, client, domain.Certificate{
		CAID: in.CAID, Serial: serial, NotBefore: cert.NotBefore, NotAfter: cert.NotAfter, DER: cert.Raw,
		SealedKey: s.Keys.Seal(pem, clientKeyContext(cert.Raw)), KeyProtected: in.Password != "", CreatedAt: now, Issuer: issuer,
	})
}

// openImport checks certificate and key against each other, the CA and the rules of names, and returns the key as it is kept and the CA's certificate.
func (s *Clients) openImport(ctx context.Context, in domain.ClientImport) (cert *x509.Certificate, pem, issuer []byte, err error) {
	authority, caErr := s.Authorities.Get(ctx, in.CAID)
	if domain.IsKind(caErr, domain.Missing) {
		caErr = domain.Fault(domain.NotFound, "ca_id", domain.ReasonNotFound)
	}
	cert, certErr := ca.ParseCertificate(in.Certificate)
	pem, matches, keyErr := s.openKey(ctx, in)
	if err := errors.Join(in.Validate(s.Now()), caErr, material("cert", certErr), material("key", keyErr)); err != nil {
		return nil, nil, nil, err
	}
	if err := errors.Join(material("cert", authority.CheckClient(cert)), material("key", matches(cert))); err != nil {
		return nil, nil, nil, err
	}
	if err := s.checkImportedName(ctx, cert.Subject.CommonName); err != nil {
		return nil, nil, nil, err
	}
	return cert, pem, authority.Certificate.Raw, nil
}

// openKey reads the key and writes it anew in the form that is kept: PKCS#8, encrypted with its password if it has one. The
// password of a key that is not encrypted protects it from now on.
func (s *Clients) openKey(ctx context.Context, in domain.ClientImport) ([]byte, func(*x509.Certificate) error, error) {
	var pem []byte
	var matches func(*x509.Certificate) error
	err := s.Derivations.Do(ctx, func() error {
		signer, err := ca.ParsePrivateKey([]byte(in.Key), string(in.Password))
		if err != nil {
			return err
		}
		matches = func(cert *x509.Certificate) error { return ca.CheckPair(cert, signer) }
		if in.Password == "" {
			pem, err = ca.MarshalPrivateKey(signer)
		} else {
			pem, err = ca.EncryptPrivateKey(signer, string(in.Password))
		}
		return err
	})
	return pem, matches, err
}

// checkImportedName checks the common name as the name of a client. The certificate is to blame, so the fault is on cert.
func (s *Clients) checkImportedName(ctx context.Context, name string) error {
	if err := domain.CheckClientName("cert", name); err != nil {
		return &domain.Error{Kind: domain.Invalid, Field: "cert", Reason: domain.ReasonNoName, Args: []any{domain.ClientNameCharset, domain.MaxClientName}, Err: err}
	}
	taken, err := s.Store.Clients().NameTaken(ctx, name)
	return nameFault(taken, err)
}

// importRevocation sets since when the client is revoked, if it is: by the CA's list, or because the caller says so.
func (s *Clients) importRevocation(ctx context.Context, in domain.ClientImport, serial string, client *domain.Client) error {
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
