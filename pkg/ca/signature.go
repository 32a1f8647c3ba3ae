package ca

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	_ "crypto/md5" // lists of old CAs are signed over it
	"crypto/rsa"
	_ "crypto/sha1"
	_ "crypto/sha256"
	_ "crypto/sha3"
	_ "crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// signedData is what a certificate and a CRL have in common: the signed part, the
// AlgorithmIdentifier and the signature (RFC 5280, sections 4.1.1, 5.1.1).
type signedData struct {
	signed    []byte
	algorithm []byte
	signature []byte
}

// readSigned takes the outer SEQUENCE apart; there may be nothing after it.
func readSigned(der []byte) (signedData, error) {
	outer, body := cryptobyte.String(der), cryptobyte.String(nil)
	var signed, algorithm cryptobyte.String
	var bits asn1.BitString
	if !outer.ReadASN1(&body, cbasn1.SEQUENCE) || !outer.Empty() ||
		!body.ReadASN1Element(&signed, cbasn1.SEQUENCE) || !body.ReadASN1Element(&algorithm, cbasn1.SEQUENCE) ||
		!body.ReadASN1BitString(&bits) || !body.Empty() {
		return signedData{}, fmt.Errorf("%w: no signed structure", ErrContent)
	}
	return signedData{signed, algorithm, bits.RightAlign()}, nil
}

// rsaDigests and ecdsaDigests map the object identifiers of signatures to their digests (RFC 8017,
// appendix A.2.4; RFC 5758, section 3; and NIST's for SHA-3). The standard library knows less than
// OpenSSL verifies.
var (
	rsaDigests = map[string]crypto.Hash{
		"1.2.840.113549.1.1.4": crypto.MD5, "1.2.840.113549.1.1.5": crypto.SHA1, "1.3.14.3.2.29": crypto.SHA1,
		"1.2.840.113549.1.1.14": crypto.SHA224, "1.2.840.113549.1.1.11": crypto.SHA256,
		"1.2.840.113549.1.1.12": crypto.SHA384, "1.2.840.113549.1.1.13": crypto.SHA512,
		"1.2.840.113549.1.1.15": crypto.SHA512_224, "1.2.840.113549.1.1.16": crypto.SHA512_256,
		"2.16.840.1.101.3.4.3.13": crypto.SHA3_224, "2.16.840.1.101.3.4.3.14": crypto.SHA3_256,
		"2.16.840.1.101.3.4.3.15": crypto.SHA3_384, "2.16.840.1.101.3.4.3.16": crypto.SHA3_512,
	}
	ecdsaDigests = map[string]crypto.Hash{
		"1.2.840.10045.4.1": crypto.SHA1, "1.2.840.10045.4.3.1": crypto.SHA224, "1.2.840.10045.4.3.2": crypto.SHA256,
		"1.2.840.10045.4.3.3": crypto.SHA384, "1.2.840.10045.4.3.4": crypto.SHA512,
		"2.16.840.1.101.3.4.3.9": crypto.SHA3_224, "2.16.840.1.101.3.4.3.10": crypto.SHA3_256,
		"2.16.840.1.101.3.4.3.11": crypto.SHA3_384, "2.16.840.1.101.3.4.3.12": crypto.SHA3_512,
	}
	plainDigests = map[string]crypto.Hash{
		"1.3.14.3.2.26": crypto.SHA1, "2.16.840.1.101.3.4.2.4": crypto.SHA224, "2.16.840.1.101.3.4.2.1": crypto.SHA256,
		"2.16.840.1.101.3.4.2.2": crypto.SHA384, "2.16.840.1.101.3.4.2.3": crypto.SHA512,
	}
)

// The kinds of keys, and of signatures that have no digest of their own.
const (
	oidRSA     = "1.2.840.113549.1.1.1"
	oidPSS     = "1.2.840.113549.1.1.10"
	oidEC      = "1.2.840.10045.2.1"
	oidEd25519 = "1.3.101.112"
)

var errSignature = errors.New("the signature does not verify")

// verify checks the signature with a public key and returns the digest it was
// made over: 0 for Ed25519, which has none to choose.
func (s signedData) verify(key crypto.PublicKey) (crypto.Hash, error) {
	var id pkix.AlgorithmIdentifier
	if _, err := asn1.Unmarshal(s.algorithm, &id); err != nil {
		return 0, errSignature
	}
	switch pub := key.(type) {
	case *rsa.PublicKey:
		if id.Algorithm.String() == oidPSS {
			return s.verifyPSS(pub, id.Parameters.FullBytes)
		}
		digest := rsaDigests[id.Algorithm.String()]
		return digest,
			s.over(digest, func(sum []byte) bool { return rsa.VerifyPKCS1v15(pub, digest, sum, s.signature) == nil })
	case *ecdsa.PublicKey:
		digest := ecdsaDigests[id.Algorithm.String()]
		return digest, s.over(digest, func(sum []byte) bool { return ecdsa.VerifyASN1(pub, sum, s.signature) })
	case ed25519.PublicKey:
		if id.Algorithm.String() == oidEd25519 && ed25519.Verify(pub, s.signed, s.signature) {
			return 0, nil
		}
	}
	return 0, errSignature
}

func (s signedData) over(digest crypto.Hash, good func(sum []byte) bool) error {
	if digest == 0 || !digest.Available() {
		return errSignature
	}
	h := digest.New()
	h.Write(s.signed)
	if !good(h.Sum(nil)) {
		return errSignature
	}
	return nil
}

// pssParams are those of RFC 4055, section 3.1, where everything has a default.
type pssParams struct {
	Hash    pkix.AlgorithmIdentifier `asn1:"explicit,tag:0,optional"`
	MGF     pkix.AlgorithmIdentifier `asn1:"explicit,tag:1,optional"`
	Salt    int                      `asn1:"explicit,tag:2,optional,default:20"`
	Trailer int                      `asn1:"explicit,tag:3,optional,default:1"`
}

func (s signedData) verifyPSS(key *rsa.PublicKey, der []byte) (crypto.Hash, error) {
	var params pssParams
	if rest, err := asn1.Unmarshal(der, &params); err != nil || len(rest) > 0 || params.Trailer != 1 {
		return 0, errSignature
	}
	digest := crypto.SHA1
	if len(params.Hash.Algorithm) > 0 {
		digest = plainDigests[params.Hash.Algorithm.String()]
	}
	mask := crypto.SHA1
	if len(params.MGF.Algorithm) > 0 {
		var of pkix.AlgorithmIdentifier
		if _, err := asn1.Unmarshal(params.MGF.Parameters.FullBytes, &of); err != nil {
			return 0, errSignature
		}
		mask = plainDigests[of.Algorithm.String()]
	}
	if mask != digest || params.Salt < 0 { // the standard library has one digest for both
		return 0, errSignature
	}
	options := &rsa.PSSOptions{SaltLength: params.Salt, Hash: digest}
	return digest,
		s.over(digest, func(sum []byte) bool { return rsa.VerifyPSS(key, digest, sum, s.signature, options) == nil })
}

// weakDigest reports whether collisions of a digest can be made.
func weakDigest(digest crypto.Hash) bool { return digest == crypto.MD5 || digest == crypto.SHA1 }

// weakAlgorithm reports whether an AlgorithmIdentifier is one over a weak
// digest, with any kind of key.
func weakAlgorithm(algorithm []byte) bool {
	var id pkix.AlgorithmIdentifier
	if _, err := asn1.Unmarshal(algorithm, &id); err != nil {
		return false
	}
	oid := id.Algorithm.String()
	switch oid {
	case "1.2.840.113549.1.1.2", "1.2.840.113549.1.1.3", "1.2.840.10040.4.3": // MD2, MD4, DSA with SHA-1
		return true
	}
	return weakDigest(rsaDigests[oid]) || weakDigest(ecdsaDigests[oid])
}

// sameAlgorithm compares the AlgorithmIdentifier outside the signed part with the one inside (RFC
// 5280, section 4.1.1.2).
func (s signedData) sameAlgorithm(inner []byte) bool { return bytes.Equal(s.algorithm, inner) }
