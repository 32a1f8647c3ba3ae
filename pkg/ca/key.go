package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// maxKeyBytes bounds the DER of a private key: RSA of 8192 bits takes 4.7 KB.
const maxKeyBytes = 8 << 10

// PrivateKeyFile is a PEM private key that has passed all checks that are possible without opening
// it.
type PrivateKeyFile struct {
	block  *pem.Block
	open   opener // nil: the key is plain
	costly bool   // for PBES2 and similar schemes
}

// ReadPrivateKey reads one PEM private key of at most 64 KiB: PKCS #8, PKCS #1
// or SEC 1 (EC PARAMETERS before it are ignored), plain or encrypted, under any
// label under which OpenSSL reads it. Read are PBES2 and some of PBES1 (RFC
// 8018), and OpenSSL's traditional encryption (a DEK-Info header).
//
// It fails with an [EncryptionError], [ErrMultiple] or [ErrMalformed], and
// with a [BoundError] for what would take more than about a second of one core
// or 128 MiB to open.
func ReadPrivateKey(pemBytes []byte) (*PrivateKeyFile, error) {
	block, err := keyBlock(pemBytes)
	if err != nil {
		return nil, err
	}
	file := &PrivateKeyFile{block: block}
	switch {
	case block.Headers["DEK-Info"] != "" && block.Type != "ENCRYPTED PRIVATE KEY":
		file.open, err = readTraditional(block)
	case encryptedPKCS8(block.Type, block.Bytes):
		file.costly = true
		file.open, err = readPKCS8(block.Bytes)
	}
	return file, err
}

// Costly reports whether [PrivateKeyFile.Open] takes long, so that everything
// else should be checked before.
func (f *PrivateKeyFile) Costly() bool { return f.costly }

// Encrypted reports whether a password is needed to open the key.
func (f *PrivateKeyFile) Encrypted() bool { return f.open != nil }

// Open opens the key; the password of a plain key is ignored. A costly one takes up to a second and
// 128 MiB, so callers must bound how many calls run at once.
//
// It fails with [ErrPasswordRequired], [ErrWrongPassword], [ErrUnsupportedEncryption],
// [ErrMalformed], [ErrWeakKey] or [ErrUnsupportedKey].
func (f *PrivateKeyFile) Open(password string) (crypto.Signer, error) {
	if f.open == nil {
		return parseKeyDER(f.block.Type, f.block.Bytes)
	}
	if password == "" {
		return nil, ErrPasswordRequired
	}
	der, err := f.open(password)
	if err != nil {
		return nil, err
	}
	// CBC has no integrity: one wrong password in 256 leaves valid padding. What such a password
	// yields is not one whole SEQUENCE.
	if !wholeSequence(der) {
		return nil, ErrWrongPassword
	}
	return parseKeyDER(f.block.Type, der)
}

// ParsePrivateKey is [ReadPrivateKey] and [PrivateKeyFile.Open].
func ParsePrivateKey(pemBytes []byte, password string) (crypto.Signer, error) {
	file, err := ReadPrivateKey(pemBytes)
	if err != nil {
		return nil, err
	}
	return file.Open(password)
}

// keyBlock finds the block with the key. The parameters that `openssl ecparam
// -genkey` writes in front of a key say nothing the key does not.
func keyBlock(pemBytes []byte) (*pem.Block, error) {
	if len(pemBytes) > maxPEMBytes {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, maxPEMBytes)
	}
	blocks, err := allPEM(pemBytes, 2)
	if err != nil {
		return nil, err
	}
	if len(blocks) == 2 && blocks[0].Type == "EC PARAMETERS" {
		blocks = blocks[1:]
	}
	if len(blocks) > 1 {
		return nil, fmt.Errorf("%w: %d PEM blocks", ErrMultiple, len(blocks))
	}
	return blocks[0], nil
}

func wholeSequence(der []byte) bool {
	s, body := cryptobyte.String(der), cryptobyte.String(nil)
	return s.ReadASN1(&body, cbasn1.SEQUENCE) && s.Empty()
}

// checkKeySize keeps oversized numbers away from the arithmetic. The length of an RSA modulus is
// checked before.
func checkKeySize(der []byte) error {
	if len(der) > maxKeyBytes {
		return fmt.Errorf("%w: a key of more than %d bytes", ErrTooLarge, maxKeyBytes)
	}
	return nil
}

// parsePKCS8 reads a PrivateKeyInfo (RFC 5208). The algorithm is checked before the standard
// library parses the key, to tell "not supported" from "damaged" and to keep oversized RSA numbers
// away from the arithmetic.
func parsePKCS8(der []byte) (crypto.Signer, error) {
	var info struct {
		Version    int
		Algorithm  pkix.AlgorithmIdentifier
		PrivateKey []byte
	}
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("%w: not a PKCS #8 key", ErrContent)
	}
	switch info.Algorithm.Algorithm.String() {
	case oidRSA:
		return parsePKCS1(info.PrivateKey)
	case oidEC:
		return parseEC(info.PrivateKey, info.Algorithm.Parameters.FullBytes)
	case oidEd25519:
	default:
		return nil, fmt.Errorf("%w: the PKCS #8 key is neither RSA nor ECDSA nor Ed25519", ErrUnsupportedKey)
	}
	if err := checkKeySize(der); err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	return checkedSigner(key, err)
}

// parsePKCS1 reads an RSAPrivateKey (RFC 8017, appendix A.1.2); the standard library validates it.
func parsePKCS1(der []byte) (crypto.Signer, error) {
	outer, body := cryptobyte.String(der), cryptobyte.String(nil)
	version, modulus := 0, new(big.Int)
	if !outer.ReadASN1(&body, cbasn1.SEQUENCE) || !outer.Empty() ||
		!body.ReadASN1Integer(&version) || !body.ReadASN1Integer(modulus) {
		return nil, fmt.Errorf("%w: not an RSA key", ErrContent)
	}
	if err := checkRSABits(modulus.BitLen()); err != nil {
		return nil, err
	}
	if err := checkKeySize(der); err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS1PrivateKey(der)
	return checkedSigner(key, err)
}

func checkedSigner(key any, err error) (crypto.Signer, error) {
	if err != nil {
		return nil, fmt.Errorf("%w: the numbers of the key do not fit together", ErrContent)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("%w: not a key for signatures", ErrUnsupportedKey)
	}
	if _, err := AlgorithmOf(signer.Public()); err != nil {
		return nil, err
	}
	return signer, nil
}

// MarshalPrivateKey writes key unencrypted as PKCS #8 PEM ("PRIVATE KEY"). It
// fails with [ErrUnsupportedKey] for a key that lives elsewhere.
func MarshalPrivateKey(key crypto.Signer) ([]byte, error) {
	der, err := marshalPKCS8(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// EncryptPrivateKey writes key as "ENCRYPTED PRIVATE KEY" PEM: PBES2 (RFC 8018, section 6.2) with
// AES-256-CBC, PBKDF2-HMAC-SHA-256, 600 000 iterations and a salt of 16 bytes, which OpenSSL 1.1
// and later read. Deriving takes about 0.1 s of CPU time. It fails with [ErrPasswordRequired] for
// an empty password, with [ErrUnsupportedKey] for a key that lives elsewhere.
func EncryptPrivateKey(key crypto.Signer, password string) ([]byte, error) {
	if password == "" {
		return nil, ErrPasswordRequired
	}
	der, err := marshalPKCS8(key)
	if err != nil {
		return nil, err
	}
	encrypted, err := encryptPKCS8(der, password)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: encrypted}), nil
}

func marshalPKCS8(key crypto.Signer) ([]byte, error) {
	switch key.(type) {
	case *rsa.PrivateKey, *ecdsa.PrivateKey, ed25519.PrivateKey:
	default:
		return nil, fmt.Errorf("%w: the private key is not in memory", ErrUnsupportedKey)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("couldn't encode the private key: %w", err)
	}
	return der, nil
}
