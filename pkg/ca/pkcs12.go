package ca

import (
	"crypto"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
)

// PKCS12Profile names the algorithms of a PKCS #12 file.
type PKCS12Profile string

const (
	// PKCS12Modern is AES-256-CBC, PBKDF2 and MAC with HMAC-SHA-256, as
	// OpenSSL 3 writes by default.
	PKCS12Modern PKCS12Profile = "modern"
	// PKCS12Legacy is 3DES and SHA-1, for iOS before 18, old macOS, Android
	// and Windows before Server 2019. Never RC2, which OpenVPN with OpenSSL 3
	// cannot read.
	PKCS12Legacy PKCS12Profile = "legacy"
)

// Iterations of the key derivations, and of the MAC as well, because an attacker guesses passwords
// at the weakest of them. The legacy readers are known to work with OpenSSL's 2048.
const (
	pkcs12ModernIterations = 100_000
	pkcs12LegacyIterations = 2048
)

// EncodePKCS12 writes key, certificate and the chain of CA certificates above
// it as a PKCS #12 file (RFC 7292), encrypted with password. It fails with
// [ErrInvalidRequest] for another profile or a password the format cannot
// carry (characters outside the Basic Multilingual Plane), with a
// [PasswordError] for one that is too long, with [ErrPasswordRequired] for an
// empty one, and with [ErrKeyMismatch]. The friendlyName of each certificate is
// its common name, and that of the key is the one of its certificate.
func EncodePKCS12(
	profile PKCS12Profile, key crypto.Signer, cert *x509.Certificate, chain []*x509.Certificate, password string,
) ([]byte, error) {
	if err := CheckPKCS12(profile, password); err != nil {
		return nil, err
	}
	if err := CheckPair(cert, key); err != nil {
		return nil, err
	}
	scheme, err := pkcs12Schemes(profile)
	if err != nil {
		return nil, err
	}
	data, err := scheme.write(key, cert, chain, password)
	if err != nil {
		return nil, fmt.Errorf("couldn't encode the PKCS #12 file: %w", err)
	}
	return data, nil
}

// CheckPKCS12 says whether there is a profile of that name and a file can have
// that password, with the errors of [EncodePKCS12].
func CheckPKCS12(profile PKCS12Profile, password string) error {
	if _, err := pkcs12Schemes(profile); err != nil {
		return err
	}
	if password == "" {
		return ErrPasswordRequired
	}
	if err := checkLength(password, MaxPKCS12Password); err != nil {
		return err
	}
	for _, r := range password {
		if r > 0xffff {
			return fmt.Errorf("%w: the password has characters PKCS #12 cannot carry", ErrInvalidRequest)
		}
	}
	return nil
}

func pkcs12Schemes(profile PKCS12Profile) (pkcs12Scheme, error) {
	switch profile {
	case PKCS12Modern:
		return pkcs12Scheme{encryptPBES2, sha256.New, oidSHA256, pkcs12ModernIterations}, nil
	case PKCS12Legacy:
		return pkcs12Scheme{encryptPBES1, sha1.New, oidSHA1, pkcs12LegacyIterations}, nil
	}
	return pkcs12Scheme{},
		fmt.Errorf("%w: the PKCS #12 profile is neither %q nor %q", ErrInvalidRequest, PKCS12Modern, PKCS12Legacy)
}
