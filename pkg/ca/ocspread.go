package ca

import (
	"bytes"
	"crypto"
	_ "crypto/sha1" // for CertIDs, which have it by default
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/asn1"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// The limits of an OCSP request.
const (
	MaxOCSPRequest = 64 << 10 // octets
	maxCertIDs     = 64
	maxCertID      = 512 // octets
	maxNonce       = 32  // octets (RFC 8954, section 2.1)
)

// certIDHashes are the algorithms by which requests may name an issuer.
var certIDHashes = map[string]crypto.Hash{
	"1.3.14.3.2.26": crypto.SHA1, "2.16.840.1.101.3.4.2.1": crypto.SHA256, "2.16.840.1.101.3.4.2.2": crypto.SHA384,
	"2.16.840.1.101.3.4.2.3": crypto.SHA512,
}

// tagged is the tag of a field that is tagged explicitly.
func tagged(n cbasn1.Tag) cbasn1.Tag { return n.ContextSpecific().Constructed() }

// ReadOCSPRequest reads a request in DER (RFC 6960, section 4.1.1). A signature is not verified:
// everybody may ask. It fails with [ErrMalformed], also for a nonce of no or more than 32 octets,
// as RFC 8954 demands, for more than 64 certificates, and for a critical extension.
func ReadOCSPRequest(der []byte) (OCSPRequest, error) {
	var request OCSPRequest
	outer, signed := cryptobyte.String(der), cryptobyte.String(nil)
	var body, list, extensions cryptobyte.String
	ok := len(der) <= MaxOCSPRequest && outer.ReadASN1(&signed, cbasn1.SEQUENCE) && outer.Empty() &&
		signed.ReadASN1(&body, cbasn1.SEQUENCE) && signed.SkipOptionalASN1(tagged(0)) && signed.Empty() &&
		readVersion1(&body) && body.SkipOptionalASN1(tagged(1)) && body.ReadASN1(&list, cbasn1.SEQUENCE) &&
		body.ReadOptionalASN1(&extensions, nil, tagged(2)) && body.Empty()
	for ok && !list.Empty() {
		var id CertID
		ok = len(request.CertIDs) < maxCertIDs && readSingleRequest(&list, &id)
		request.CertIDs = append(request.CertIDs, id)
	}
	if ok && extensions != nil {
		ok = readRequestExtensions(extensions, &request.Nonce)
	}
	if !ok || len(request.CertIDs) == 0 {
		return OCSPRequest{}, fmt.Errorf("%w: not an OCSP request", ErrMalformed)
	}
	return request, nil
}

// readVersion1 skips the version, which is the first one if it is there.
func readVersion1(body *cryptobyte.String) bool {
	var field cryptobyte.String
	var there bool
	if !body.ReadOptionalASN1(&field, &there, tagged(0)) || !there {
		return !there
	}
	var version int64
	return field.ReadASN1Integer(&version) && version == 0 && field.Empty()
}

func readSingleRequest(list *cryptobyte.String, id *CertID) bool {
	var single, extensions cryptobyte.String
	var there bool
	if !list.ReadASN1(&single, cbasn1.SEQUENCE) || !readCertID(&single, id) ||
		!single.ReadOptionalASN1(&extensions, &there, tagged(0)) || !single.Empty() {
		return false
	}
	return !there || readRequestExtensions(extensions, nil)
}

func readCertID(single *cryptobyte.String, id *CertID) bool {
	var raw, body, algorithm, name, key cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !single.ReadASN1Element(&raw, cbasn1.SEQUENCE) || len(raw) > maxCertID {
		return false
	}
	id.Raw, id.Serial = bytes.Clone(raw), new(big.Int)
	ok := raw.ReadASN1(&body, cbasn1.SEQUENCE) && body.ReadASN1(&algorithm, cbasn1.SEQUENCE) &&
		algorithm.ReadASN1ObjectIdentifier(&oid) && body.ReadASN1(&name, cbasn1.OCTET_STRING) &&
		body.ReadASN1(&key, cbasn1.OCTET_STRING) && body.ReadASN1Integer(id.Serial) && body.Empty()
	id.Hash, id.NameHash, id.KeyHash = certIDHashes[oid.String()], name, key
	return ok && len(id.Serial.Bytes()) <= maxForeignSerialBytes
}

// readRequestExtensions reads the extensions of a request, or of one certificate in it, where nonce
// is nil. What is not known and not critical is skipped.
func readRequestExtensions(der cryptobyte.String, nonce *[]byte) bool {
	var list cryptobyte.String
	if !der.ReadASN1(&list, cbasn1.SEQUENCE) || !der.Empty() {
		return false
	}
	for !list.Empty() {
		var extension, value cryptobyte.String
		var oid asn1.ObjectIdentifier
		var critical bool
		if !list.ReadASN1(&extension, cbasn1.SEQUENCE) || !extension.ReadASN1ObjectIdentifier(&oid) ||
			extension.PeekASN1Tag(cbasn1.BOOLEAN) && !extension.ReadASN1Boolean(&critical) ||
			!extension.ReadASN1(&value, cbasn1.OCTET_STRING) || !extension.Empty() {
			return false
		}
		switch {
		case nonce != nil && oid.Equal(oidOCSPNonce):
			if *nonce != nil || !readNonce(value, nonce) {
				return false
			}
		case critical:
			return false
		}
	}
	return true
}

func readNonce(value cryptobyte.String, nonce *[]byte) bool {
	var octets cryptobyte.String
	ok := value.ReadASN1(&octets, cbasn1.OCTET_STRING) && value.Empty()
	*nonce = octets
	return ok && len(octets) >= 1 && len(octets) <= maxNonce
}
