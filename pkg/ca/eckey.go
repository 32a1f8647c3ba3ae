package ca

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"math/big"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// sec1Key is an ECPrivateKey (RFC 5915, section 3). The public key in it, if any, is not looked at:
// the private one decides.
type sec1Key struct {
	Version    int
	PrivateKey []byte
	Parameters asn1.RawValue `asn1:"optional,explicit,tag:0"` // its Bytes are what the tag wraps
}

func parseSEC1(der []byte) (crypto.Signer, error) { return parseEC(der, nil) }

// parseEC reads an ECPrivateKey. The parameters of the curve may be beside it, as in PKCS #8.
func parseEC(der, parameters []byte) (crypto.Signer, error) {
	var info sec1Key
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) > 0 {
		return nil, fmt.Errorf("%w: not a SEC 1 key", ErrContent)
	}
	if err := checkKeySize(der); err != nil {
		return nil, err
	}
	if parameters == nil {
		parameters = info.Parameters.Bytes
	}
	if named := namedCurve(parameters); named != nil {
		parameters = named
	}
	if err := checkCurve(parameters); err != nil {
		return nil, err
	}
	plain, err := asn1.Marshal(sec1Key{
		Version: info.Version, PrivateKey: info.PrivateKey,
		Parameters: asn1.RawValue{Class: asn1.ClassContextSpecific, IsCompound: true, Bytes: parameters},
	})
	if err != nil {
		return nil, fmt.Errorf("%w: not a SEC 1 key", ErrContent)
	}
	key, err := x509.ParseECPrivateKey(plain)
	return checkedSigner(key, err)
}

// checkCurve accepts the named curves of RFC 5480, section 2.1.1.1, that the standard library
// knows; P-224 is found weak afterwards.
func checkCurve(parameters []byte) error {
	var curve asn1.ObjectIdentifier
	if _, err := asn1.Unmarshal(parameters, &curve); err != nil {
		return fmt.Errorf("%w: the curve has no name", ErrUnsupportedKey)
	}
	known := []string{"1.3.132.0.33", "1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35"}
	if !slices.Contains(known, curve.String()) {
		return fmt.Errorf("%w: curve is not P-256, P-384 or P-521", ErrUnsupportedKey)
	}
	return nil
}

// namedCurve returns the name, an object identifier, of a curve whose parameters are written in
// full (RFC 3279, section 2.3.5); nil if it is none of the known ones, or has a name already.
// OpenSSL writes keys so with -param_enc explicit, and OpenVPN reads them.
func namedCurve(der cryptobyte.String) []byte {
	var body, field, equation cryptobyte.String
	var version int
	var kind asn1.ObjectIdentifier
	prime, order := new(big.Int), new(big.Int)
	var a, b, base []byte
	if !der.ReadASN1(&body, cbasn1.SEQUENCE) || !der.Empty() || !body.ReadASN1Integer(&version) ||
		!body.ReadASN1(&field, cbasn1.SEQUENCE) || !field.ReadASN1ObjectIdentifier(&kind) ||
		!kind.Equal(asn1.ObjectIdentifier{1, 2, 840, 10045, 1, 1}) || !field.ReadASN1Integer(prime) ||
		!body.ReadASN1(&equation, cbasn1.SEQUENCE) || !equation.ReadASN1Bytes(&a, cbasn1.OCTET_STRING) ||
		!equation.ReadASN1Bytes(&b, cbasn1.OCTET_STRING) || !body.ReadASN1Bytes(&base, cbasn1.OCTET_STRING) ||
		!body.ReadASN1Integer(order) {
		return nil
	}
	for id, curve := range curves {
		if prime.Cmp(curve.Params().P) == 0 && order.Cmp(curve.Params().N) == 0 && sameEquation(curve, a, b, base) {
			name, err := asn1.Marshal(asn1.RawValue{Tag: asn1.TagOID, Bytes: []byte(id)})
			if err != nil {
				return nil
			}
			return name
		}
	}
	return nil
}

// sameEquation compares the coefficients and the base point with those of a curve: keys over
// another base point would be other keys.
func sameEquation(curve elliptic.Curve, a, b, base []byte) bool {
	params := curve.Params()
	minus3 := new(big.Int).Sub(params.P, big.NewInt(3))
	size := (params.BitSize + 7) / 8
	x, y := params.Gx.FillBytes(make([]byte, size)), params.Gy.FillBytes(make([]byte, size))
	plain, short := slices.Concat([]byte{4}, x, y), append([]byte{2 | y[size-1]&1}, x...)
	return new(big.Int).SetBytes(a).Cmp(minus3) == 0 && new(big.Int).SetBytes(b).Cmp(params.B) == 0 &&
		(bytes.Equal(base, plain) || bytes.Equal(base, short))
}
