package ca

import (
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// CountCRL returns the number of a CRL in DER, and how many entries it has, without reading what is
// in them. It is for lists of this program: what it can't read is nil and 0.
func CountCRL(der []byte) (number *big.Int, entries int) {
	list, err := readSigned(der)
	if err != nil {
		return nil, 0
	}
	var l CRL
	var some, extended bool
	var revoked, extensions cryptobyte.String
	outer, body := cryptobyte.String(list.signed), cryptobyte.String(nil)
	if !outer.ReadASN1(&body, cbasn1.SEQUENCE) || !body.SkipOptionalASN1(cbasn1.INTEGER) ||
		!body.SkipASN1(cbasn1.SEQUENCE) || !body.SkipASN1(cbasn1.SEQUENCE) || !l.readValidity(&body) ||
		!body.ReadOptionalASN1(&revoked, &some, cbasn1.SEQUENCE) ||
		!body.ReadOptionalASN1(&extensions, &extended, cbasn1.Tag(0).ContextSpecific().Constructed()) {
		return nil, 0
	}
	if extended && !l.readExtensions(extensions) {
		return nil, 0
	}
	for !revoked.Empty() && revoked.SkipASN1(cbasn1.SEQUENCE) {
		entries++
	}
	return l.Number, entries
}
