package ca

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
)

// maxSerialBytes is the longest serial RFC 5280 section 4.1.2.2 allows, in
// octets.
const maxSerialBytes = 20

// newSerial returns a random serial number of 128 bits whose top bit is clear,
// so that it is positive and 16 octets long when encoded, and never zero.
func newSerial() *big.Int {
	for {
		var b [16]byte
		rand.Read(b[:]) // never fails: crypto/rand aborts the process instead
		b[0] &= 0x7f
		if serial := new(big.Int).SetBytes(b[:]); serial.Sign() > 0 {
			return serial
		}
	}
}

func validSerial(serial *big.Int) bool {
	return serial != nil && serial.Sign() > 0 && serial.BitLen() <= 8*maxSerialBytes
}

// FormatSerial writes a serial number in the one form this service stores and
// shows: lower-case hexadecimal, two digits an octet, no separators. A nil
// serial is the empty string.
func FormatSerial(serial *big.Int) string {
	if serial == nil {
		return ""
	}
	if serial.Sign() == 0 {
		return "00"
	}
	return hex.EncodeToString(serial.Bytes())
}

// ParseSerial reads what [FormatSerial] writes; capitals and an odd number of
// digits are accepted too. It fails with [ErrMalformed] unless the number is
// positive and has at most 20 octets.
func ParseSerial(s string) (*big.Int, error) {
	if len(s) == 0 || len(s) > 2*maxSerialBytes {
		return nil, fmt.Errorf("%w: a serial number has 1 to %d hexadecimal digits", ErrMalformed, 2*maxSerialBytes)
	}
	raw, err := hex.DecodeString(strings.Repeat("0", len(s)%2) + s)
	if err != nil {
		return nil, fmt.Errorf("%w: a serial number is hexadecimal", ErrMalformed)
	}
	serial := new(big.Int).SetBytes(raw)
	if serial.Sign() == 0 {
		return nil, fmt.Errorf("%w: a serial number is positive", ErrMalformed)
	}
	return serial, nil
}
