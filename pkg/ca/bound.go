package ca

import (
	"fmt"
	"math/big"
)

// Measure names a bounded quantity of a key.
type Measure string

// The measures.
const (
	Iterations Measure = "iterations" // of PBKDF2, or of the derivation of PKCS #12
	ScryptWork Measure = "N·r·p"      // of scrypt: its time, and in units of 128 bytes the most memory it takes
	ScryptWide Measure = "r·p"        // of scrypt: what its first step costs, however small N is
	RSABits    Measure = "bits"       // of an RSA modulus
)

// BoundError says that a key, or opening it, would cost more than any caller may use. It is
// [ErrUnsupportedKey] for RSABits and [ErrUnsupportedEncryption] for the others.
type BoundError struct {
	What  Measure
	Found string // a number, or a lower bound of it
	Most  int64
}

// Error implements error.
func (e *BoundError) Error() string {
	return fmt.Sprintf("%v: %s %s, at most %d", e.Unwrap(), e.Found, e.What, e.Most)
}

// Unwrap returns the kind of the fault.
func (e *BoundError) Unwrap() error {
	if e.What == RSABits {
		return ErrUnsupportedKey
	}
	return ErrUnsupportedEncryption
}

// checkBound refuses a value above most.
func checkBound(what Measure, found *big.Int, most int64) error {
	if found.Cmp(big.NewInt(most)) <= 0 {
		return nil
	}
	text := found.String()
	if found.BitLen() > 64 {
		text = fmt.Sprintf("2^%d", found.BitLen()-1)
	}
	return &BoundError{What: what, Found: text, Most: most}
}

// product multiplies without overflow.
func product(first *big.Int, others ...*big.Int) *big.Int {
	result := new(big.Int).Set(first)
	for _, other := range others {
		result.Mul(result, other)
	}
	return result
}
