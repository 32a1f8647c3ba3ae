package ca

import (
	"crypto/aes"
	"crypto/des"
	"crypto/md5"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strings"
)

// traditionalCiphers are the ciphers of a DEK-Info header, by OpenSSL's names.
var traditionalCiphers = map[string]blockCipher{
	"DES-CBC":          {8, des.NewCipher},
	"DES-EDE3-CBC":     {24, des.NewTripleDESCipher},
	"AES-128-CBC":      {16, aes.NewCipher},
	"AES-192-CBC":      {24, aes.NewCipher},
	"AES-256-CBC":      {32, aes.NewCipher},
	"CAMELLIA-128-CBC": {16, newCamellia},
	"CAMELLIA-192-CBC": {24, newCamellia},
	"CAMELLIA-256-CBC": {32, newCamellia},
	"ARIA-128-CBC":     {16, newARIA},
	"ARIA-192-CBC":     {24, newARIA},
	"ARIA-256-CBC":     {32, newARIA},
}

// readTraditional reads OpenSSL's encryption from before PKCS #8 (the headers of RFC 1421, section
// 4.6.1). It is deprecated, and what many fleets keep their keys in. Opening is cheap: the key is
// derived by one round of MD5.
func readTraditional(block *pem.Block) (opener, error) {
	name, ivText, _ := strings.Cut(block.Headers["DEK-Info"], ",")
	name = strings.TrimSpace(name)
	scheme, ok := traditionalCiphers[name]
	if !ok {
		if !cipherName.MatchString(name) {
			return nil, fmt.Errorf("%w: the DEK-Info header is damaged", ErrContent)
		}
		return nil, &EncryptionError{Algorithm: name}
	}
	iv, err := hex.DecodeString(strings.TrimSpace(ivText))
	if err != nil || len(iv) < 8 {
		return nil, fmt.Errorf("%w: the DEK-Info header is damaged", ErrContent)
	}
	ivDER, err := asn1.Marshal(iv)
	if err != nil {
		return nil, fmt.Errorf("couldn't encode an initial vector: %w", err)
	}
	return func(password string) ([]byte, error) {
		return decryptCBC(scheme, traditionalKey(password, iv[:8], scheme.keyBytes), ivDER, block.Bytes)
	}, nil
}

// traditionalKey is OpenSSL's EVP_BytesToKey with MD5 and one iteration.
func traditionalKey(password string, salt []byte, size int) []byte {
	var key, last []byte
	for len(key) < size {
		sum := md5.Sum(append(append(last[:len(last):len(last)], password...), salt...))
		last = sum[:]
		key = append(key, last...)
	}
	return key[:size]
}
