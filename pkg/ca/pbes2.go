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
	"math/big"

	"golang.org/x/crypto/scrypt"
)

// Bounds of the work an encrypted key may ask for, about a second of one core.
// The iterations are those of PBKDF2 with HMAC-SHA-256, and fewer where one
// costs more, see [mostIterations]. N*r*p of 2^20 is what OWASP's strongest
// setting of scrypt (N=2^17, r=8, p=1) needs, 128 MiB; r*p bounds what scrypt
// does before and after that.
const (
	maxIterations = 5_000_000
	maxScryptWork = 1 << 20
	maxScryptWide = 1 << 16
)

// Object identifiers of RFC 8018, appendices A.2 and B.1, and RFC 7914, section 7.
var (
	oidPBES2          = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2         = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidScrypt         = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}
	oidHMACWithSHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	oidAES256CBC      = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
)

// encryptedKeyInfo is EncryptedPrivateKeyInfo, RFC 5208, section 6.
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
	Iterations *big.Int
	KeyLength  int                      `asn1:"optional"`
	PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
}

type scryptParams struct {
	Salt      []byte
	N, R, P   *big.Int
	KeyLength int `asn1:"optional"`
}

// blockCipher is an encryption scheme of PBES2, always in CBC mode.
type blockCipher struct {
	keyBytes int
	new      func(key []byte) (cipher.Block, error)
}

// opener decrypts what was encrypted with a password.
type opener func(password string) ([]byte, error)

// readPKCS8 reads an EncryptedPrivateKeyInfo, and refuses a key that would cost too much to open.
// The opener checks the padding only: what it returns may be garbage.
func readPKCS8(der []byte) (opener, error) {
	var info encryptedKeyInfo
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("%w: not an encrypted PKCS #8 key", ErrContent)
	}
	if scheme, ok := pbes1Ciphers[info.Algorithm.Algorithm.String()]; ok {
		return readPBES1(scheme, info.Algorithm.Parameters.FullBytes, info.Data)
	}
	if !info.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, unknownOID(info.Algorithm.Algorithm)
	}
	var params pbes2Params
	if rest, err := asn1.Unmarshal(info.Algorithm.Parameters.FullBytes, &params); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("%w: damaged PBES2 parameters", ErrContent)
	}
	scheme, err := cipherOf(params.Cipher.Algorithm)
	if err != nil {
		return nil, err
	}
	derive, err := readKDF(params.KDF, scheme.keyBytes)
	if err != nil {
		return nil, err
	}
	return func(password string) ([]byte, error) {
		key, err := derive(password)
		if err != nil {
			return nil, err
		}
		return decryptCBC(scheme, key, params.Cipher.Parameters.FullBytes, info.Data)
	}, nil
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
	case "1.2.392.200011.61.1.1.1.2": // Camellia in CBC mode: RFC 3657, section 2
		return blockCipher{16, newCamellia}, nil
	case "1.2.392.200011.61.1.1.1.3":
		return blockCipher{24, newCamellia}, nil
	case "1.2.392.200011.61.1.1.1.4":
		return blockCipher{32, newCamellia}, nil
	case "1.2.410.200046.1.1.2": // ARIA in CBC mode: RFC 5794, appendix B
		return blockCipher{16, newARIA}, nil
	case "1.2.410.200046.1.1.7":
		return blockCipher{24, newARIA}, nil
	case "1.2.410.200046.1.1.12":
		return blockCipher{32, newARIA}, nil
	}
	return blockCipher{}, unknownOID(oid)
}

// readKDF reads the parameters of a key derivation, and refuses what costs too
// much.
func readKDF(kdf pkix.AlgorithmIdentifier, keyBytes int) (derive opener, err error) {
	switch {
	case kdf.Algorithm.Equal(oidPBKDF2):
		return readPBKDF2(kdf.Parameters.FullBytes, keyBytes)
	case kdf.Algorithm.Equal(oidScrypt):
		return readScrypt(kdf.Parameters.FullBytes, keyBytes)
	}
	return nil, unknownOID(kdf.Algorithm)
}

func readPBKDF2(der []byte, keyBytes int) (opener, error) {
	var params pbkdf2Params
	if rest, err := asn1.Unmarshal(der, &params); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("%w: damaged PBKDF2 parameters", ErrContent)
	}
	if params.Iterations.Sign() < 1 || params.KeyLength != 0 && params.KeyLength != keyBytes {
		return nil, fmt.Errorf("%w: contradictory PBKDF2 parameters", ErrContent)
	}
	digest, err := digestOfPRF(params.PRF.Algorithm)
	if err != nil {
		return nil, err
	}
	if err := checkBound(Iterations, params.Iterations, mostIterations(digest(), keyBytes)); err != nil {
		return nil, err
	}
	return func(password string) ([]byte, error) {
		key, err := pbkdf2.Key(digest, password, params.Salt, int(params.Iterations.Int64()), keyBytes)
		if err != nil {
			return nil, &EncryptionError{Algorithm: "PBKDF2"}
		}
		return key, nil
	}, nil
}

// mostIterations is maxIterations converted to equal cost: all iterations are repeated for each
// block of the key, and those of the long digests take three times as long.
func mostIterations(digest hash.Hash, keyBytes int) int64 {
	cost := (keyBytes + digest.Size() - 1) / digest.Size()
	if digest.BlockSize() > sha256.BlockSize {
		cost *= 3
	}
	return int64(maxIterations / cost)
}

// digestOfPRF reads the pseudo-random function of PBKDF2, by default HMAC-SHA-1 (RFC 8018, appendix
// A.2).
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
	case "1.2.840.113549.2.12":
		return sha512.New512_224, nil
	case "1.2.840.113549.2.13":
		return sha512.New512_256, nil
	}
	return nil, unknownOID(prf)
}

func readScrypt(der []byte, keyBytes int) (opener, error) {
	var params scryptParams
	if rest, err := asn1.Unmarshal(der, &params); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("%w: damaged scrypt parameters", ErrContent)
	}
	n, r, p := params.N, params.R, params.P
	two := big.NewInt(2)
	if n.Cmp(two) < 0 || n.TrailingZeroBits() != uint(n.BitLen()-1) || r.Sign() < 1 || p.Sign() < 1 ||
		params.KeyLength != 0 && params.KeyLength != keyBytes {
		return nil, fmt.Errorf("%w: contradictory scrypt parameters", ErrContent)
	}
	if err := checkBound(ScryptWork, product(n, r, p), maxScryptWork); err != nil {
		return nil, err
	}
	if err := checkBound(ScryptWide, product(r, p), maxScryptWide); err != nil {
		return nil, err
	}
	return func(password string) ([]byte, error) {
		key, err := scrypt.Key([]byte(password), params.Salt, int(n.Int64()), int(r.Int64()), int(p.Int64()), keyBytes)
		if err != nil {
			return nil, &EncryptionError{Algorithm: "scrypt"}
		}
		return key, nil
	}, nil
}

// decryptCBC decrypts and takes off the padding of RFC 8018, section 6.1.1.
func decryptCBC(scheme blockCipher, key, ivDER, data []byte) ([]byte, error) {
	block, err := scheme.new(key)
	if err != nil {
		return nil, fmt.Errorf("couldn't set up the cipher: %w", err)
	}
	size := block.BlockSize()
	var iv []byte
	if _, err := asn1.Unmarshal(ivDER, &iv); err != nil || len(iv) != size || len(data) == 0 || len(data)%size != 0 {
		return nil, fmt.Errorf("%w: damaged encrypted data", ErrContent)
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
