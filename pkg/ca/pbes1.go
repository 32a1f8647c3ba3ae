package ca

import (
	"bytes"
	"crypto/cipher"
	"crypto/des"
	"crypto/sha1"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"hash"
	"math/big"
	"unicode/utf16"
)

var oidPBESHA3DES = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 12, 1, 3}

// pbes1Ciphers are those of the obsolete schemes that OpenSSL still reads by default:
// pbeWithSHAAnd3-KeyTripleDES-CBC and pbeWithSHAAnd2-KeyTripleDES-CBC (RFC 7292, appendix C).
var pbes1Ciphers = map[string]blockCipher{
	oidPBESHA3DES.String(): {24, des.NewTripleDESCipher},
	"1.2.840.113549.1.12.1.4": {16, func(key []byte) (cipher.Block, error) {
		return des.NewTripleDESCipher(append(key[:16:16], key[:8]...))
	}},
}

type pbes1Params struct {
	Salt       []byte
	Iterations *big.Int
}

// Key and initial vector take three digests an iteration, where PBKDF2 takes
// two.
const (
	maxPBES1Iterations = maxIterations / 2
	maxPBES1Text       = 1024 // bytes of salt or password
)

// readPBES1 reads what was encrypted by such a scheme.
func readPBES1(scheme blockCipher, der, data []byte) (opener, error) {
	var params pbes1Params
	rest, err := asn1.Unmarshal(der, &params)
	if err != nil || len(rest) > 0 || params.Iterations.Sign() < 1 || len(params.Salt) == 0 ||
		len(params.Salt) > maxPBES1Text {
		return nil, fmt.Errorf("%w: damaged encryption parameters", ErrContent)
	}
	if err := checkBound(Iterations, params.Iterations, maxPBES1Iterations); err != nil {
		return nil, err
	}
	return func(password string) ([]byte, error) {
		if len(password) > maxPBES1Text {
			return nil, ErrWrongPassword
		}
		key := pkcs12Derive(sha1.New, pkcs12Key, scheme.keyBytes, password, params)
		iv, err := asn1.Marshal(pkcs12Derive(sha1.New, pkcs12IV, des.BlockSize, password, params))
		if err != nil {
			return nil, err
		}
		return decryptCBC(scheme, key, iv, data)
	}, nil
}

// encryptPBES1 encrypts by pbeWithSHAAnd3-KeyTripleDES-CBC.
func encryptPBES1(plain []byte, password string, iterations int) (pkix.AlgorithmIdentifier, []byte, error) {
	params := pbes1Params{Salt: random(8), Iterations: big.NewInt(int64(iterations))}
	key := pkcs12Derive(sha1.New, pkcs12Key, 24, password, params)
	block, err := des.NewTripleDESCipher(key)
	if err != nil {
		return pkix.AlgorithmIdentifier{}, nil, fmt.Errorf("couldn't set up the cipher: %w", err)
	}
	algorithm, err := withParams(oidPBESHA3DES, params)
	return algorithm, encryptCBC(block, pkcs12Derive(sha1.New, pkcs12IV, des.BlockSize, password, params), plain), err
}

// The purposes of a derived key: RFC 7292, appendix B.3.
const (
	pkcs12Key = 1
	pkcs12IV  = 2
	pkcs12MAC = 3
)

// utf16Octets is a text in UTF-16, the most significant octet of each unit first.
func utf16Octets(text string) []byte {
	var octets []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		octets = append(octets, byte(unit>>8), byte(unit))
	}
	return octets
}

// pkcs12Derive is the key derivation of RFC 7292, appendix B.2, with SHA-1 or SHA-256.
func pkcs12Derive(digest func() hash.Hash, purpose byte, size int, password string, params pbes1Params) []byte {
	const block = 64
	secret := append(utf16Octets(password), 0, 0)
	input := append(filled(params.Salt, block), filled(secret, block)...)
	diversifier := bytes.Repeat([]byte{purpose}, block)
	h := digest()
	var derived []byte
	for {
		h.Reset()
		h.Write(diversifier)
		h.Write(input)
		sum := h.Sum(nil)
		for range params.Iterations.Int64() - 1 {
			h.Reset()
			h.Write(sum)
			sum = h.Sum(sum[:0])
		}
		derived = append(derived, sum...)
		if len(derived) >= size {
			return derived[:size]
		}
		step := new(big.Int).SetBytes(filled(sum, block)[:block])
		step.Add(step, big.NewInt(1))
		for at := 0; at < len(input); at += block {
			n := new(big.Int).SetBytes(input[at : at+block])
			n.Add(n, step)
			n.SetBit(n, 8*block, 0)
			n.FillBytes(input[at : at+block])
		}
	}
}

// filled repeats data up to the next multiple of block.
func filled(data []byte, block int) []byte {
	whole := make([]byte, (len(data)+block-1)/block*block)
	for i := range whole {
		whole[i] = data[i%len(data)]
	}
	return whole
}
