package ca

import (
	"crypto"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// keyForm is how a private key is written. Programs put one form under the PEM label of another,
// and OpenSSL reads what is there.
type keyForm int

const (
	unknownForm keyForm = iota
	pkcs8Form
	encryptedForm // of PKCS #8
	pkcs1Form
	sec1Form
)

// formOf tells the form by the first elements of a key.
func formOf(der []byte) keyForm {
	outer, body := cryptobyte.String(der), cryptobyte.String(nil)
	if !outer.ReadASN1(&body, cbasn1.SEQUENCE) {
		return unknownForm
	}
	var element cryptobyte.String
	var first, second cbasn1.Tag
	if !body.ReadAnyASN1(&element, &first) || !body.ReadAnyASN1(&element, &second) {
		return unknownForm
	}
	return keyForms[[2]cbasn1.Tag{first, second}]
}

// keyForms are the forms by the tags of their first two elements.
var keyForms = map[[2]cbasn1.Tag]keyForm{
	{cbasn1.INTEGER, cbasn1.SEQUENCE}:      pkcs8Form,     // PrivateKeyInfo: RFC 5208, section 5
	{cbasn1.SEQUENCE, cbasn1.OCTET_STRING}: encryptedForm, // EncryptedPrivateKeyInfo: section 6
	{cbasn1.INTEGER, cbasn1.INTEGER}:       pkcs1Form,     // RSAPrivateKey: RFC 8017, appendix A.1.2
	{cbasn1.INTEGER, cbasn1.OCTET_STRING}:  sec1Form,      // ECPrivateKey: RFC 5915, section 3
}

// keyLabels are the PEM labels of private keys (RFC 7468, sections 10 and 11, and OpenSSL's older
// ones), with the form that each promises.
var keyLabels = map[string]keyForm{
	"PRIVATE KEY": pkcs8Form, "ENCRYPTED PRIVATE KEY": encryptedForm, "RSA PRIVATE KEY": pkcs1Form,
	"EC PRIVATE KEY": sec1Form, "DSA PRIVATE KEY": unknownForm,
}

// parseKeyDER reads a plain key. Under a label of PKCS #8 it may be in any form; under the others
// it is in that of the label, or PKCS #8.
func parseKeyDER(label string, der []byte) (crypto.Signer, error) {
	promised, ok := keyLabels[label]
	form := formOf(der)
	switch {
	case !ok && label == "OPENSSH PRIVATE KEY":
		return nil, fmt.Errorf("%w: an OpenSSH key", ErrUnsupportedKey)
	case !ok:
		return nil, fmt.Errorf("%w: the PEM block is no private key", ErrOtherPEM)
	case form == pkcs8Form:
		return parsePKCS8(der)
	case label == "DSA PRIVATE KEY":
		return nil, fmt.Errorf("%w: a DSA key", ErrUnsupportedKey)
	case promised == sec1Form || promised != pkcs1Form && form == sec1Form:
		return parseSEC1(der)
	case promised == pkcs1Form || form == pkcs1Form:
		return parsePKCS1(der)
	}
	return parsePKCS8(der)
}

// encryptedPKCS8 reports whether a block is to be opened as PKCS #8.
func encryptedPKCS8(label string, der []byte) bool {
	promised, ok := keyLabels[label]
	form := formOf(der)
	return ok && (form == encryptedForm || promised == encryptedForm && form == unknownForm)
}
