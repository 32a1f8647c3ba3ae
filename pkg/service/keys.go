package service

import (
	"context"
	"crypto/x509"
	"fmt"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Key returns the client's private key in PEM, encrypted if the client was given a password.
func (s *Clients) Key(ctx context.Context, id int64) ([]byte, error) {
	_, pem, err := s.unseal(ctx, id)
	if err == nil {
		s.Log.InfoContext(ctx, "private key handed out", "client_id", id, "principal", domain.PrincipalOf(ctx).Name)
	}
	return pem, err
}

// PKCS12Profile is the encryption of a PKCS#12 file: modern, legacy, or empty for modern.
type PKCS12Profile = ca.PKCS12Profile

// PKCS12 returns key, certificate and CA certificate as one file, protected with the password. The password must be the
// key's own if that has one.
func (s *Clients) PKCS12(ctx context.Context, id int64, profile PKCS12Profile, password domain.Secret) ([]byte, error) {
	if profile == "" {
		profile = ca.PKCS12Modern
	}
	cert, pem, err := s.unseal(ctx, id)
	if err != nil {
		return nil, err
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
	s.Log.InfoContext(ctx, "private key handed out", "client_id", id, "form", "pkcs12", "principal", domain.PrincipalOf(ctx).Name)
	return file, nil
}

func encodePKCS12(profile ca.PKCS12Profile, cert domain.Certificate, pem, authority []byte, password string) ([]byte, error) {
	signer, err := ca.ParsePrivateKey(pem, password)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(cert.DER)
	if err != nil {
		return nil, err
	}
	issuer, err := x509.ParseCertificate(authority)
	if err != nil {
		return nil, err
	}
	return ca.EncodePKCS12(profile, signer, leaf, []*x509.Certificate{issuer}, password)
}

// unseal returns the client's certificate and its private key as it is kept.
func (s *Clients) unseal(ctx context.Context, id int64) (domain.Certificate, []byte, error) {
	cert, err := s.Store.Certificates().OfClient(ctx, id)
	if err != nil {
		return cert, nil, err
	}
	pem, err := s.Keys.Open(cert.SealedKey, clientKeyContext(cert.DER))
	if err != nil {
		return cert, nil, fmt.Errorf("key of client %d: %w", id, err)
	}
	return cert, pem, nil
}
