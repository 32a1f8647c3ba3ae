package ca

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
)

// What [EncryptPrivateKey] writes; the iterations are OWASP's figure for
// PBKDF2-HMAC-SHA-256.
const (
	writtenIterations = 600_000
	writtenSaltBytes  = 16
	writtenKeyBytes   = 32
)

// encryptPKCS8 makes an EncryptedPrivateKeyInfo out of a PrivateKeyInfo.
func encryptPKCS8(der []byte, password string) ([]byte, error) {
	algorithm, data, err := encryptPBES2(der, password, writtenIterations)
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(encryptedKeyInfo{Algorithm: algorithm, Data: data})
}

// encryptPBES2 encrypts by AES-256-CBC under a key of PBKDF2 with HMAC-SHA-256.
func encryptPBES2(plain []byte, password string, iterations int) (pkix.AlgorithmIdentifier, []byte, error) {
	salt, iv := random(writtenSaltBytes), random(aes.BlockSize)
	key, err := pbkdf2.Key(sha256.New, password, salt, iterations, writtenKeyBytes)
	if err != nil {
		return pkix.AlgorithmIdentifier{}, nil, fmt.Errorf("couldn't derive the key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return pkix.AlgorithmIdentifier{}, nil, fmt.Errorf("couldn't set up the cipher: %w", err)
	}
	algorithm, err := pbes2Algorithm(salt, iv, iterations)
	return algorithm, encryptCBC(block, iv, plain), err
}

func random(size int) []byte {
	octets := make([]byte, size)
	rand.Read(octets)
	return octets
}

// encryptCBC pads as RFC 8018, section 6.1.1, says and encrypts.
func encryptCBC(block cipher.Block, iv, plain []byte) []byte {
	padding := block.BlockSize() - len(plain)%block.BlockSize()
	data := append(bytes.Clone(plain), bytes.Repeat([]byte{byte(padding)}, padding)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(data, data)
	return data
}

func pbes2Algorithm(salt, iv []byte, iterations int) (pkix.AlgorithmIdentifier, error) {
	prf := pkix.AlgorithmIdentifier{Algorithm: oidHMACWithSHA256, Parameters: asn1.NullRawValue}
	kdf, err := withParams(oidPBKDF2, pbkdf2Params{Salt: salt, Iterations: big.NewInt(int64(iterations)), PRF: prf})
	if err != nil {
		return kdf, err
	}
	scheme, err := withParams(oidAES256CBC, iv)
	if err != nil {
		return scheme, err
	}
	return withParams(oidPBES2, pbes2Params{KDF: kdf, Cipher: scheme})
}

func withParams(oid asn1.ObjectIdentifier, params any) (pkix.AlgorithmIdentifier, error) {
	der, err := asn1.Marshal(params)
	if err != nil {
		return pkix.AlgorithmIdentifier{}, fmt.Errorf("couldn't encode the parameters: %w", err)
	}
	return pkix.AlgorithmIdentifier{Algorithm: oid, Parameters: asn1.RawValue{FullBytes: der}}, nil
}
