package api_test

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"crypto/rsa"
)

// oddClient is an unusual client certificate. Its CA has an RSA key if by needs one.
type oddClient struct {
	name   string
	change func(c *oddCert)
	by     func(ca signer) signer // nil: with ECDSA and SHA-256
	curve  elliptic.Curve         // of its key; nil: P-256
	rsa    bool                   // its key is an RSA key
	want   outcome
}

var (
	malformed  = refused("cert", "")
	notSigned  = refused("cert", "This CA did not sign")
	notClient  = refused("cert", "not for client authentication")
	isCritical = refused("cert", "critical extension that is not known")
	weak       = refused("cert", "Weak signature")
	isACA      = refused("cert", "This is a CA certificate")
)

func serialOf(octets string) func(*oddCert) { return func(c *oddCert) { c.serial = octets } }

func plus(extensions ...[]byte) func(*oddCert) {
	return func(c *oddCert) { c.extensions = append([][]byte{signsOnly, forClients}, extensions...) }
}

func only(extensions ...[]byte) func(*oddCert) {
	return func(c *oddCert) { c.extensions = append([][]byte{}, extensions...) }
}

func begins(at []byte) func(*oddCert) { return func(c *oddCert) { c.notBefore = at } }

func ends(at []byte) func(*oddCert) { return func(c *oddCert) { c.notAfter = at } }

func pointIn(write func(curve elliptic.Curve, plain []byte) []byte) func(*oddCert) {
	return func(c *oddCert) { c.key = withPoint(c.key, write) }
}

// withPoint writes the point of a key of a named curve in another form.
func withPoint(key []byte, write func(curve elliptic.Curve, plain []byte) []byte) []byte {
	for size, curve := range map[int]elliptic.Curve{65: elliptic.P256(), 97: elliptic.P384(), 133: elliptic.P521()} {
		if at := len(key) - size; at > 0 && key[at] == 4 && key[at-1] == 0 &&
			bytes.Contains(key[:at], curveOIDs[curve.Params().Name]) {
			return seq(curveAlgorithm(curve), bits(write(curve, key[at:])))
		}
	}
	panic("no point found")
}

var curveOIDs = map[string][]byte{
	"P-256": oid("1.2.840.10045.3.1.7"), "P-384": oid("1.3.132.0.34"), "P-521": oid("1.3.132.0.35"),
}

func curveAlgorithm(curve elliptic.Curve) []byte {
	return seq(oid("1.2.840.10045.2.1"), curveOIDs[curve.Params().Name])
}

func compressed(_ elliptic.Curve, plain []byte) []byte {
	half := len(plain) / 2
	return append([]byte{2 | plain[len(plain)-1]&1}, plain[1:1+half]...)
}

func hybrid(_ elliptic.Curve, plain []byte) []byte {
	return append([]byte{6 | plain[len(plain)-1]&1}, plain[1:]...)
}

func damagedPoint(_ elliptic.Curve, plain []byte) []byte {
	return append([]byte{2}, bytes.Repeat([]byte{0xff}, len(plain)/2)...)
}

func usage(value ...byte) []byte { return extension("2.5.29.15", critical, tlv(3, value)) }

func forPurposes(list ...string) []byte {
	var ids [][]byte
	for _, id := range list {
		ids = append(ids, oid(id))
	}
	return extension("2.5.29.37", nil, seq(ids...))
}

func altNames(names ...[]byte) []byte { return extension("2.5.29.17", nil, seq(names...)) }

func netscape(flags byte) []byte {
	return extension("2.16.840.1.113730.1.1", nil, tlv(3, []byte{0, flags}))
}

func ecdsaWith(id string, hash crypto.Hash) func(signer) signer {
	return func(ca signer) signer { return ca.with(seq(oid(id)), hash) }
}

func rsaOver(arc string, hash crypto.Hash) func(signer) signer {
	return func(ca signer) signer { return ca.with(rsaWith(arc), hash) }
}

// bareRSA leaves out the NULL that RFC 4055, section 5, demands.
func bareRSA(ca signer) signer { return ca.with(seq(oid("1.2.840.113549.1.1.11")), crypto.SHA256) }

// pss is RSASSA-PSS with one digest and a salt of its length (RFC 4055, section 3.1).
func pss(digest string, hash crypto.Hash) func(signer) signer {
	return func(ca signer) signer {
		of := seq(oid(digest), tlv(5))
		params := seq(
			tlv(0xa0, of), tlv(0xa1, seq(oid("1.2.840.113549.1.1.8"), of)),
			tlv(0xa2, integer(string(rune(hash.Size())))),
		)
		pss := ca.with(seq(oid("1.2.840.113549.1.1.10"), params), hash)
		pss.options = &rsa.PSSOptions{SaltLength: hash.Size(), Hash: hash}
		return pss
	}
}

const unknownOID = "1.2.3.4"
