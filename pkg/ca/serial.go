package ca

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
)

// maxSerialBytes is the longest serial that RFC 5280, section 4.1.2.2, allows, in octets.
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

// validSerial reports whether a serial is one RFC 5280 allows.
func validSerial(serial *big.Int) bool {
	return serial != nil && serial.Sign() > 0 && serial.BitLen() <= 8*maxSerialBytes
}

// FormatSerial writes a serial number in the one form this service stores and
// shows: lower-case hexadecimal, two digits an octet, no separators, and a
// minus before a negative one. A nil serial is the empty string.
func FormatSerial(serial *big.Int) string {
	switch {
	case serial == nil:
		return ""
	case serial.Sign() == 0:
		return "00"
	case serial.Sign() < 0:
		return "-" + hex.EncodeToString(serial.Bytes())
	}
	return hex.EncodeToString(serial.Bytes())
}

// ParseSerial reads what [FormatSerial] writes; capitals and an odd number of
// digits are accepted too. It fails with [ErrMalformed] for anything else, and
// for more than 64 octets: other programs make serials of zero, below zero and
// of more than the 20 octets of RFC 5280, and they can be revoked.
func ParseSerial(s string) (*big.Int, error) {
	digits, negative := strings.CutPrefix(s, "-")
	if len(digits) == 0 || len(digits) > 2*maxForeignSerialBytes {
		return nil,
			fmt.Errorf("%w: a serial number has 1 to %d hexadecimal digits", ErrMalformed, 2*maxForeignSerialBytes)
	}
	raw, err := hex.DecodeString(strings.Repeat("0", len(digits)%2) + digits)
	if err != nil {
		return nil, fmt.Errorf("%w: a serial number is hexadecimal", ErrMalformed)
	}
	serial := new(big.Int).SetBytes(raw)
	if negative {
		serial.Neg(serial)
	}
	return serial, nil
}
