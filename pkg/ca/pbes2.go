package ca

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"hash"
	"strings"

	"golang.org/x/crypto/scrypt"
)

// Bounds of the work an encrypted key may ask for. Five million iterations of
// PBKDF2 take some seconds; 128 MiB is what OWASP's strongest setting of
// scrypt (N=2^17, r=8, p=1) needs, and bounding N*r*p bounds its time as well.
const (
	maxIterations  = 5_000_000
	maxScryptBytes = 128 << 20
)

// Object identifiers of RFC 8018 appendix A.2 and B.1, RFC 7914 section 7.
var (
	oidPBES2          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2         = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidScrypt         = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}
	oidHMACWithSHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	oidAES256CBC      = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
)

// encryptedKeyInfo is EncryptedPrivateKeyInfo, RFC 5208 section 6.
type encryptedKeyInfo struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

type pbes2Params struct {
	KDF    pkix.AlgorithmIdentifier
	Cipher pkix.AlgorithmIdentifier
}

type pbkdf2Params struct {
	Salt       []byte
	Iterations int
	KeyLength  int                      `asn1:"optional"`
	PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
}

type scryptParams struct {
	Salt      []byte
	N, R, P   int
	KeyLength int `asn1:"optional"`
}

// blockCipher is an encryption scheme of PBES2, always in CBC mode.
type blockCipher struct {
	keyBytes int
	new      func(key []byte) (cipher.Block, error)
}

// decryptPKCS8 opens an EncryptedPrivateKeyInfo. Padding is the only check
// there is: a result may still be rubbish.
func decryptPKCS8(der []byte, password string) ([]byte, error) {
	var info encryptedKeyInfo
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("%w: not an encrypted PKCS #8 key", ErrMalformed)
	}
	if info.Algorithm.Algorithm.Equal(oidSHA1TripleDES) {
		return decryptSHA1TripleDES(info.Algorithm.Parameters.FullBytes, password, info.Data)
	}
	if err := checkPBES2(info.Algorithm.Algorithm); err != nil {
		return nil, err
	}
	var params pbes2Params
	if rest, err := asn1.Unmarshal(info.Algorithm.Parameters.FullBytes, &params); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("%w: damaged PBES2 parameters", ErrMalformed)
	}
	scheme, err := cipherOf(params.Cipher.Algorithm)
	if err != nil {
		return nil, err
	}
	if password == "" {
		return nil, ErrPasswordRequired
	}
	key, err := deriveKey(params.KDF, password, scheme.keyBytes)
	if err != nil {
		return nil, err
	}
	return decryptCBC(scheme, key, params.Cipher.Parameters.FullBytes, info.Data)
}

func checkPBES2(oid asn1.ObjectIdentifier) error {
	if oid.Equal(oidPBES2) {
		return nil
	}
	const pkcs5, pkcs12 = "1.2.840.113549.1.5.", "1.2.840.113549.1.12.1."
	if name := oid.String(); strings.HasPrefix(name, pkcs5) || strings.HasPrefix(name, pkcs12) {
		return fmt.Errorf("%w: PBES1 is obsolete; convert the key with "+
			"`openssl pkcs8 -in old.key -topk8 -v2 aes-256-cbc -out new.key -provider legacy -provider default`", ErrUnsupportedEncryption)
	}
	return fmt.Errorf("%w: the scheme is not PBES2", ErrUnsupportedEncryption)
}

func cipherOf(oid asn1.ObjectIdentifier) (blockCipher, error) {
	switch oid.String() {
	case "2.16.840.1.101.3.4.1.2":
		return blockCipher{16, aes.NewCipher}, nil
	case "2.16.840.1.101.3.4.1.22":
		return blockCipher{24, aes.NewCipher}, nil
	case oidAES256CBC.String():
		return blockCipher{32, aes.NewCipher}, nil
	case "1.2.840.113549.3.7":
		return blockCipher{24, des.NewTripleDESCipher}, nil
	}
	return blockCipher{}, fmt.Errorf("%w: the cipher is neither AES-CBC nor DES-EDE3-CBC", ErrUnsupportedEncryption)
}

func deriveKey(kdf pkix.AlgorithmIdentifier, password string, keyBytes int) ([]byte, error) {
	switch {
	case kdf.Algorithm.Equal(oidPBKDF2):
		return derivePBKDF2(kdf.Parameters.FullBytes, password, keyBytes)
	case kdf.Algorithm.Equal(oidScrypt):
		return deriveScrypt(kdf.Parameters.FullBytes, password, keyBytes)
	}
	return nil, fmt.Errorf("%w: the key derivation is neither PBKDF2 nor scrypt", ErrUnsupportedEncryption)
}

func derivePBKDF2(der []byte, password string, keyBytes int) ([]byte, error) {
	var params pbkdf2Params
	if rest, err := asn1.Unmarshal(der, &params); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("%w: damaged PBKDF2 parameters", ErrMalformed)
	}
	if params.Iterations < 1 || params.KeyLength != 0 && params.KeyLength != keyBytes {
		return nil, fmt.Errorf("%w: contradictory PBKDF2 parameters", ErrMalformed)
	}
	if params.Iterations > maxIterations {
		return nil, fmt.Errorf("%w: more than %d PBKDF2 iterations", ErrUnsupportedEncryption, maxIterations)
	}
	digest, err := digestOfPRF(params.PRF.Algorithm)
	if err != nil {
		return nil, err
	}
	key, err := pbkdf2.Key(digest, password, params.Salt, params.Iterations, keyBytes)
	if err != nil {
		return nil, fmt.Errorf("%w: PBKDF2 refuses its parameters", ErrUnsupportedEncryption)
	}
	return key, nil
}

// digestOfPRF reads the pseudo-random function of PBKDF2, by default
// HMAC-SHA-1 (RFC 8018 appendix A.2).
func digestOfPRF(prf asn1.ObjectIdentifier) (func() hash.Hash, error) {
	if len(prf) == 0 {
		return sha1.New, nil
	}
	switch prf.String() {
	case "1.2.840.113549.2.7":
		return sha1.New, nil
	case "1.2.840.113549.2.8":
		return sha256.New224, nil
	case oidHMACWithSHA256.String():
		return sha256.New, nil
	case "1.2.840.113549.2.10":
		return sha512.New384, nil
	case "1.2.840.113549.2.11":
		return sha512.New, nil
	}
	return nil, fmt.Errorf("%w: the PBKDF2 function is not HMAC-SHA-1 or HMAC-SHA-2", ErrUnsupportedEncryption)
}

func deriveScrypt(der []byte, password string, keyBytes int) ([]byte, error) {
	var params scryptParams
	if rest, err := asn1.Unmarshal(der, &params); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("%w: damaged scrypt parameters", ErrMalformed)
	}
	n, r, p := params.N, params.R, params.P
	if n < 2 || n&(n-1) != 0 || r < 1 || p < 1 || params.KeyLength != 0 && params.KeyLength != keyBytes {
		return nil, fmt.Errorf("%w: contradictory scrypt parameters", ErrMalformed)
	}
	const limit = maxScryptBytes / 128 // dividing, for the product could overflow
	if n > limit || r > limit/n || p > limit/n/r {
		return nil, fmt.Errorf("%w: scrypt with more than %d MiB", ErrUnsupportedEncryption, maxScryptBytes>>20)
	}
	key, err := scrypt.Key([]byte(password), params.Salt, n, r, p, keyBytes)
	if err != nil {
		return nil, fmt.Errorf("%w: scrypt refuses its parameters", ErrUnsupportedEncryption)
	}
	return key, nil
}

// decryptCBC decrypts and takes off the padding of RFC 8018 section 6.1.1.
func decryptCBC(scheme blockCipher, key, ivDER, data []byte) ([]byte, error) {
	block, err := scheme.new(key)
	if err != nil {
		return nil, fmt.Errorf("couldn't set up the cipher: %w", err)
	}
	size := block.BlockSize()
	var iv []byte
	if _, err := asn1.Unmarshal(ivDER, &iv); err != nil || len(iv) != size || len(data) == 0 || len(data)%size != 0 {
		return nil, fmt.Errorf("%w: damaged encrypted data", ErrMalformed)
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, data)
	padding := int(plain[len(plain)-1])
	if padding < 1 || padding > size ||
		!bytes.Equal(plain[len(plain)-padding:], bytes.Repeat([]byte{byte(padding)}, padding)) {
		return nil, ErrWrongPassword
	}
	return plain[:len(plain)-padding], nil
}
