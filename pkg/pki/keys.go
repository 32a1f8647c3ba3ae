package pki

import (
	"context"
	"crypto/x509"
	"fmt"
	"log/slog"

	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Key returns the client's private key in PEM, encrypted if the client was given a password.
func (s *Clients) Key(ctx context.Context, id int64) ([]byte, error) {
	cert, err := s.newest(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.key(ctx, cert)
}

// Key returns the private key of a certificate in PEM, encrypted if it was given a password.
func (s *Certificates) Key(ctx context.Context, id int64) ([]byte, error) {
	cert, err := s.Store.Certificates().Get(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.key(ctx, cert)
}

func (s *Issuing) key(ctx context.Context, cert domain.Certificate) ([]byte, error) {
	pem, err := s.unseal(cert)
	if err != nil {
		return nil, err
	}
	if err := s.handOut(ctx, cert, "pem"); err != nil {
		return nil, err
	}
	return pem, nil
}

// handOut records that a private key leaves the service. Without the record the key is not handed
// out.
func (s *Issuing) handOut(ctx context.Context, cert domain.Certificate, form string) error {
	out := audit.Change{
		Action: domain.ActionExport, Resource: domain.ScopeKeys, ID: cert.ClientID, Name: cert.Name,
		After:   audit.Facts{"form": form, "serial": cert.Serial},
		Details: []slog.Attr{slog.String("form", form)},
	}
	if cert.ClientID == 0 {
		out.ID, out.After["kind"] = cert.ID, string(cert.Kind)
	}
	if err := s.Recorder.Record(ctx, s.Store, out); err != nil {
		return err
	}
	s.Recorder.Tell(ctx, out)
	return nil
}

// PKCS12Profile is the encryption of a PKCS#12 file: modern, legacy, or empty for modern.
type PKCS12Profile = ca.PKCS12Profile

// PKCS12 returns the key, the certificate, and those of its CA, of those above it and of the others
// that the client has to trust, as one file, protected with the password. If the key has a
// password, it must be the same one.
func (s *Clients) PKCS12(ctx context.Context, id int64, profile PKCS12Profile, password domain.Secret) ([]byte, error) {
	cert, err := s.newest(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.pkcs12(ctx, cert, profile, password)
}

// PKCS12 is [Clients.PKCS12] of any certificate.
func (s *Certificates) PKCS12(
	ctx context.Context, id int64, profile PKCS12Profile, password domain.Secret,
) ([]byte, error) {
	cert, err := s.Store.Certificates().Get(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.pkcs12(ctx, cert, profile, password)
}

func (s *Issuing) pkcs12(
	ctx context.Context, cert domain.Certificate, profile PKCS12Profile, password domain.Secret,
) ([]byte, error) {
	if profile == "" {
		profile = ca.PKCS12Modern
	}
	file, err := s.archive(ctx, cert, profile, password)
	if err != nil {
		return nil, err
	}
	if err := s.handOut(ctx, cert, "pkcs12"); err != nil {
		return nil, err
	}
	return file, nil
}

// archive makes the PKCS#12 file of a certificate.
func (s *Issuing) archive(
	ctx context.Context, cert domain.Certificate, profile ca.PKCS12Profile, password domain.Secret,
) ([]byte, error) {
	pem, err := s.unseal(cert)
	if err != nil {
		return nil, err
	}
	if err := ca.CheckPKCS12(profile, string(password)); err != nil {
		return nil, material("password", err)
	}
	issuers, err := issuersOf(ctx, s.Store, cert.CAID, s.Now())
	if err != nil {
		return nil, err
	}
	var file []byte
	err = s.Derivations.Do(ctx, func() error {
		file, err = encodePKCS12(profile, cert, pem, issuers, string(password))
		return err
	})
	if err != nil {
		return nil, material("password", err)
	}
	return file, nil
}

// Archive is [Clients.PKCS12] with modern encryption, without a record in the audit: the caller
// records that the key leaves.
func (s *Clients) Archive(ctx context.Context, id int64, password domain.Secret) ([]byte, error) {
	cert, err := s.Store.Certificates().OfClient(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.archive(ctx, cert, ca.PKCS12Modern, password)
}

func encodePKCS12(
	profile ca.PKCS12Profile, cert domain.Certificate, pem []byte, issuers [][]byte, password string,
) ([]byte, error) {
	signer, err := ca.ParsePrivateKey(pem, password)
	if err != nil {
		return nil, err
	}
	leaf, err := ca.ReadCertificate(cert.DER)
	if err != nil {
		return nil, err
	}
	above := make([]*x509.Certificate, len(issuers))
	for i, der := range issuers {
		if above[i], err = ca.ReadCertificate(der); err != nil {
			return nil, err
		}
	}
	return ca.EncodePKCS12(profile, signer, leaf, above, password)
}

// unseal returns the private key of a certificate in the stored form. Errors: *domain.Error with
// Missing when it is not kept here.
func (s *Issuing) unseal(cert domain.Certificate) ([]byte, error) {
	if !cert.KeyKept {
		return nil, domain.Fault(domain.Missing, "id", domain.ReasonNoKey)
	}
	pem, err := s.Keys.Open(cert.SealedKey, clientKeyContext(cert.DER))
	if err != nil {
		return nil, fmt.Errorf("key of certificate %d: %w", cert.ID, err)
	}
	return pem, nil
}
