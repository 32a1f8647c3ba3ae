package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"math/big"
)

// KeyAlgorithm names a kind of key pair, size included.
type KeyAlgorithm string

// The algorithms [KeyGenerator.Generate] makes keys of.
const (
	ECDSAP256 KeyAlgorithm = "ecdsa-p256"
	ECDSAP384 KeyAlgorithm = "ecdsa-p384"
	Ed25519   KeyAlgorithm = "ed25519"
	RSA2048   KeyAlgorithm = "rsa-2048"
	RSA3072   KeyAlgorithm = "rsa-3072"
	RSA4096   KeyAlgorithm = "rsa-4096"
)

// ecdsaP521 is read from imported material and never generated.
const ecdsaP521 KeyAlgorithm = "ecdsa-p521"

// Bounds of an acceptable RSA modulus, in bits. The upper one is there because
// the cost of checking a signature grows with the square of the size, and the
// key comes from the client that uploads it.
const (
	minRSABits = 2048
	maxRSABits = 8192
)

// Valid reports whether a is an algorithm keys are generated of. Imported keys
// may have others, see [AlgorithmOf].
func (a KeyAlgorithm) Valid() bool {
	switch a {
	case ECDSAP256, ECDSAP384, Ed25519, RSA2048, RSA3072, RSA4096:
		return true
	}
	return false
}

// Costly reports whether making a key takes so long that everything else should
// be checked before.
func (a KeyAlgorithm) Costly() bool {
	switch a {
	case RSA2048, RSA3072, RSA4096:
		return true
	}
	return false
}

// AlgorithmOf names the algorithm of a public key. Besides the generated ones
// it accepts what existing fleets hold: P-521 ("ecdsa-p521") and RSA of any
// size from 2048 to 8192 bits ("rsa-2560").
//
// It fails with [ErrWeakKey] for RSA below 2048 bits or with an unusable
// exponent or modulus and for P-224, otherwise with [ErrUnsupportedKey]; for RSA
// above 8192 bits that is a [BoundError].
func AlgorithmOf(pub crypto.PublicKey) (KeyAlgorithm, error) {
	switch key := pub.(type) {
	case *rsa.PublicKey:
		return rsaAlgorithm(key)
	case *ecdsa.PublicKey:
		return ecdsaAlgorithm(key)
	case ed25519.PublicKey:
		if len(key) == ed25519.PublicKeySize {
			return Ed25519, nil
		}
	}
	return "", fmt.Errorf("%w: neither ECDSA nor Ed25519 nor RSA", ErrUnsupportedKey)
}

func rsaAlgorithm(key *rsa.PublicKey) (KeyAlgorithm, error) {
	if key == nil || key.N == nil {
		return "", fmt.Errorf("%w: empty RSA key", ErrUnsupportedKey)
	}
	bits := key.N.BitLen()
	if err := checkRSABits(bits); err != nil {
		return "", err
	}
	if key.N.Bit(0) == 0 || key.E < 3 || key.E&1 == 0 {
		return "", fmt.Errorf("%w: RSA modulus or exponent is not odd", ErrWeakKey)
	}
	return KeyAlgorithm(fmt.Sprintf("rsa-%d", bits)), nil
}

func checkRSABits(bits int) error {
	if bits < minRSABits {
		return fmt.Errorf("%w: RSA with %d bits, at least %d are needed", ErrWeakKey, bits, minRSABits)
	}
	return checkBound(RSABits, big.NewInt(int64(bits)), maxRSABits)
}

func ecdsaAlgorithm(key *ecdsa.PublicKey) (KeyAlgorithm, error) {
	if key == nil {
		return "", fmt.Errorf("%w: empty ECDSA key", ErrUnsupportedKey)
	}
	switch key.Curve {
	case elliptic.P256():
		return ECDSAP256, nil
	case elliptic.P384():
		return ECDSAP384, nil
	case elliptic.P521():
		return ecdsaP521, nil
	case elliptic.P224():
		return "", fmt.Errorf("%w: curve P-224", ErrWeakKey)
	}
	return "", fmt.Errorf("%w: curve is not P-256, P-384 or P-521", ErrUnsupportedKey)
}

// signatureAlgorithm is what an authority with this key signs with: SHA-256,
// or the digest of the curve's size. The caller has checked the key.
func signatureAlgorithm(pub crypto.PublicKey) x509.SignatureAlgorithm {
	switch key := pub.(type) {
	case *rsa.PublicKey:
		return x509.SHA256WithRSA
	case ed25519.PublicKey:
		return x509.PureEd25519
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P256():
			return x509.ECDSAWithSHA256
		case elliptic.P384():
			return x509.ECDSAWithSHA384
		case elliptic.P521():
			return x509.ECDSAWithSHA512
		}
	}
	return x509.UnknownSignatureAlgorithm
}
