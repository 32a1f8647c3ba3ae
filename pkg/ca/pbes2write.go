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
	salt, iv := make([]byte, writtenSaltBytes), make([]byte, aes.BlockSize)
	rand.Read(salt)
	rand.Read(iv)
	key, err := pbkdf2.Key(sha256.New, password, salt, writtenIterations, writtenKeyBytes)
	if err != nil {
		return nil, fmt.Errorf("couldn't derive the key: %w", err)
	}
	data, err := encryptCBC(key, iv, der)
	if err != nil {
		return nil, err
	}
	return marshalEncrypted(salt, iv, data)
}

// encryptCBC pads as RFC 8018, section 6.1.1, says and encrypts.
func encryptCBC(key, iv, plain []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("couldn't set up the cipher: %w", err)
	}
	padding := aes.BlockSize - len(plain)%aes.BlockSize
	data := append(bytes.Clone(plain), bytes.Repeat([]byte{byte(padding)}, padding)...)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(data, data)
	return data, nil
}

func marshalEncrypted(salt, iv, data []byte) ([]byte, error) {
	prf := pkix.AlgorithmIdentifier{Algorithm: oidHMACWithSHA256, Parameters: asn1.NullRawValue}
	kdf, err := withParams(oidPBKDF2, pbkdf2Params{Salt: salt, Iterations: big.NewInt(writtenIterations), PRF: prf})
	if err != nil {
		return nil, err
	}
	scheme, err := withParams(oidAES256CBC, iv)
	if err != nil {
		return nil, err
	}
	pbes2, err := withParams(oidPBES2, pbes2Params{KDF: kdf, Cipher: scheme})
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(encryptedKeyInfo{Algorithm: pbes2, Data: data})
}

func withParams(oid asn1.ObjectIdentifier, params any) (pkix.AlgorithmIdentifier, error) {
	der, err := asn1.Marshal(params)
	if err != nil {
		return pkix.AlgorithmIdentifier{}, fmt.Errorf("couldn't encode the parameters: %w", err)
	}
	return pkix.AlgorithmIdentifier{Algorithm: oid, Parameters: asn1.RawValue{FullBytes: der}}, nil
}
