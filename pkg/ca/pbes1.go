package ca

import (
	"crypto/cipher"
	"crypto/des"
	"crypto/sha1"
	"encoding/asn1"
	"fmt"
	"math/big"
	"unicode/utf16"
)

// pbes1Ciphers are those of the obsolete schemes that OpenSSL still reads by default:
// pbeWithSHAAnd3-KeyTripleDES-CBC and pbeWithSHAAnd2-KeyTripleDES-CBC (RFC 7292, appendix C).
var pbes1Ciphers = map[string]blockCipher{
	"1.2.840.113549.1.12.1.3": {24, des.NewTripleDESCipher},
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
		key := pkcs12Derive(1, scheme.keyBytes, password, params)
		iv, err := asn1.Marshal(pkcs12Derive(2, des.BlockSize, password, params))
		if err != nil {
			return nil, err
		}
		return decryptCBC(scheme, key, iv, data)
	}, nil
}

// pkcs12Derive is the key derivation of RFC 7292, appendix B.2, with SHA-1.
func pkcs12Derive(purpose byte, size int, password string, params pbes1Params) []byte {
	const block = 64
	var secret []byte
	for _, unit := range append(utf16.Encode([]rune(password)), 0) {
		secret = append(secret, byte(unit>>8), byte(unit))
	}
	input := append(filled(params.Salt, block), filled(secret, block)...)
	diversifier := make([]byte, block)
	for i := range diversifier {
		diversifier[i] = purpose
	}
	var derived []byte
	for {
		sum := sha1.Sum(append(diversifier[:block:block], input...))
		for range params.Iterations.Int64() - 1 {
			sum = sha1.Sum(sum[:])
		}
		derived = append(derived, sum[:]...)
		if len(derived) >= size {
			return derived[:size]
		}
		step := new(big.Int).SetBytes(filled(sum[:], block)[:block])
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
