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
	cert, pem, err := s.unseal(ctx, id)
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
func (s *Clients) handOut(ctx context.Context, cert domain.Certificate, form string) error {
	client, err := s.Store.Clients().Get(ctx, cert.ClientID)
	if err != nil {
		return err
	}
	out := audit.Change{
		Action: domain.ActionExport, Resource: domain.ScopeKeys, ID: client.ID, Name: client.Name,
		After:   audit.Facts{"form": form, "serial": cert.Serial},
		Details: []slog.Attr{slog.String("form", form)},
	}
	if err := s.Recorder.Record(ctx, s.Store, out); err != nil {
		return err
	}
	s.Recorder.Tell(ctx, out)
	return nil
}

// PKCS12Profile is the encryption of a PKCS#12 file: modern, legacy, or empty for modern.
type PKCS12Profile = ca.PKCS12Profile

// PKCS12 returns the key, the certificate and the CA's certificate as one file, protected with the
// password. If the key has a password, it must be the same one.
func (s *Clients) PKCS12(ctx context.Context, id int64, profile PKCS12Profile, password domain.Secret) ([]byte, error) {
	if profile == "" {
		profile = ca.PKCS12Modern
	}
	cert, pem, err := s.unseal(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := ca.CheckPKCS12(profile, string(password)); err != nil {
		return nil, material("password", err)
	}
	authority, err := s.Store.CAs().Key(ctx, cert.CAID)
	if err != nil {
		return nil, err
	}
	var file []byte
	err = s.Derivations.Do(ctx, func() error {
		file, err = encodePKCS12(profile, cert, pem, authority.Certificate, string(password))
		return err
	})
	if err != nil {
		return nil, material("password", err)
	}
	if err := s.handOut(ctx, cert, "pkcs12"); err != nil {
		return nil, err
	}
	return file, nil
}

func encodePKCS12(
	profile ca.PKCS12Profile, cert domain.Certificate, pem, authority []byte, password string,
) ([]byte, error) {
	signer, err := ca.ParsePrivateKey(pem, password)
	if err != nil {
		return nil, err
	}
	leaf, err := ca.ReadCertificate(cert.DER)
	if err != nil {
		return nil, err
	}
	issuer, err := ca.ReadCertificate(authority)
	if err != nil {
		return nil, err
	}
	return ca.EncodePKCS12(profile, signer, leaf, []*x509.Certificate{issuer}, password)
}

// unseal returns the client's certificate and its private key in the stored form.
func (s *Clients) unseal(ctx context.Context, id int64) (domain.Certificate, []byte, error) {
	cert, err := s.Store.Certificates().OfClient(ctx, id)
	if err != nil {
		return cert, nil, err
	}
	if !cert.KeyKept {
		return cert, nil, domain.Fault(domain.Missing, "id", domain.ReasonNoKey)
	}
	pem, err := s.Keys.Open(cert.SealedKey, clientKeyContext(cert.DER))
	if err != nil {
		return cert, nil, fmt.Errorf("key of client %d: %w", id, err)
	}
	return cert, pem, nil
}
