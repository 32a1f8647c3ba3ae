package api_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"
)

// The standard library makes no unusual certificates and CRLs, so these are written element by
// element.

// tlv is one element of DER.
func tlv(tag byte, parts ...[]byte) []byte {
	var content []byte
	for _, part := range parts {
		content = append(content, part...)
	}
	switch n := len(content); {
	case n < 0x80:
		return append([]byte{tag, byte(n)}, content...)
	case n < 0x100:
		return append([]byte{tag, 0x81, byte(n)}, content...)
	default:
		return append([]byte{tag, 0x82, byte(n >> 8), byte(n)}, content...)
	}
}

func seq(parts ...[]byte) []byte   { return tlv(0x30, parts...) }
func integer(octets string) []byte { return tlv(2, []byte(octets)) }
func utc(text string) []byte       { return tlv(23, []byte(text)) }
func general(text string) []byte   { return tlv(24, []byte(text)) }
func bits(octets []byte) []byte    { return tlv(3, []byte{0}, octets) }

// oid encodes an object identifier in dotted notation.
func oid(dotted string) []byte {
	var id asn1.ObjectIdentifier
	for arc := range strings.SplitSeq(dotted, ".") {
		var n int
		fmt.Sscan(arc, &n)
		id = append(id, n)
	}
	der, err := asn1.Marshal(id)
	if err != nil {
		panic(err)
	}
	return der
}

const (
	oidCommonName   = "2.5.4.3"
	oidOrganization = "2.5.4.10"
)

// The tags of the string types in names.
const (
	tagUTF8, tagNumeric, tagPrintable, tagT61, tagIA5 = 12, 18, 19, 20, 22
	tagVisible, tagGeneral, tagUniversal, tagBMP      = 26, 27, 28, 30
)

func attribute(id string, tag byte, value string) []byte {
	return seq(oid(id), tlv(tag, []byte(value)))
}

func rdn(attributes ...[]byte) []byte { return tlv(0x31, attributes...) }

// commonName is a name of one part.
func commonName(name string) []byte { return commonNameOf(tagUTF8, name) }

func commonNameOf(tag byte, value string) []byte {
	return seq(rdn(attribute(oidCommonName, tag, value)))
}

// wide writes ASCII in units of two octets (BMPString) or four (UniversalString).
func wide(octets int, text string) string {
	var b strings.Builder
	for _, c := range text {
		b.WriteString(strings.Repeat("\x00", octets-1))
		b.WriteRune(c)
	}
	return b.String()
}

// extension is an extension of a certificate or CRL; critical is the content of a BER true, and nil
// leaves it out.
func extension(id string, critical []byte, value []byte) []byte {
	if critical != nil {
		critical = tlv(1, critical)
	}
	return seq(oid(id), critical, tlv(4, value))
}

var (
	critical     = []byte{0xff}
	isCA         = extension("2.5.29.19", critical, seq(tlv(1, []byte{0xff})))
	signsCA      = extension("2.5.29.15", critical, tlv(3, []byte{1, 6}))
	signsOnly    = extension("2.5.29.15", critical, tlv(3, []byte{7, 0x80}))
	clientAuth   = oid("1.3.6.1.5.5.7.3.2")
	forClients   = extension("2.5.29.37", nil, seq(clientAuth))
	caExtensions = [][]byte{isCA, signsCA}
)

// signer is a key and the algorithm that it signs with; hash is that of the algorithm.
type signer struct {
	key       crypto.Signer
	algorithm []byte // AlgorithmIdentifier
	hash      crypto.Hash
	options   crypto.SignerOpts // nil: the hash
}

func ecSigner(t testing.TB) signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer{key: key, algorithm: seq(oid("1.2.840.10045.4.3.2")), hash: crypto.SHA256}
}

func rsaSigner(t testing.TB) signer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return signer{key: key, algorithm: rsaWith("11"), hash: crypto.SHA256}
}

// rsaWith is the algorithm of PKCS #1 whose identifier ends with arc.
func rsaWith(arc string) []byte { return seq(oid("1.2.840.113549.1.1."+arc), tlv(5)) }

// with is the same key with another algorithm.
func (s signer) with(algorithm []byte, hash crypto.Hash) signer {
	return signer{key: s.key, algorithm: algorithm, hash: hash}
}

func (s signer) sign(t testing.TB, tbs []byte) []byte {
	t.Helper()
	options := s.options
	if options == nil {
		options = s.hash
	}
	h := s.hash.New()
	h.Write(tbs)
	signature, err := s.key.Sign(rand.Reader, h.Sum(nil), options)
	if err != nil {
		t.Fatal(err)
	}
	return seq(tbs, s.algorithm, bits(signature))
}

func (s signer) public(t testing.TB) []byte { return publicOf(t, s.key.Public()) }

func publicOf(t testing.TB, key crypto.PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// oddCert is a certificate. A nil version is version 3; any other field that is nil is left out.
type oddCert struct {
	version             []byte // empty, not nil: version 1
	serial              string // octets
	issuer, subject     []byte
	notBefore, notAfter []byte
	key                 []byte // SubjectPublicKeyInfo
	extensions          [][]byte
	after               []byte // comes behind the extensions
}

func (c oddCert) sign(t testing.TB, by signer) []byte {
	t.Helper()
	version, extensions := c.version, []byte{}
	if version == nil {
		version = tlv(0xa0, integer("\x02"))
	}
	if c.extensions != nil {
		extensions = tlv(0xa3, seq(c.extensions...))
	}
	return by.sign(
		t,
		seq(
			version, integer(c.serial), by.algorithm, c.issuer, seq(c.notBefore, c.notAfter), c.subject, c.key,
			extensions, c.after,
		),
	)
}

func timeAgo(d time.Duration) []byte {
	return utc(time.Now().UTC().Add(-d).Format("060102150405Z"))
}

const oddDay = 24 * time.Hour

// oddList is a CRL. A nil version is version 2, and nil times make it current; any other field that
// is nil is left out. An entry is a whole element.
type oddList struct {
	version                []byte // empty, not nil: version 1
	issuer                 []byte
	thisUpdate, nextUpdate []byte
	entries                [][]byte
	extensions             [][]byte
}

func (l oddList) sign(t testing.TB, by signer) []byte {
	t.Helper()
	version, entries, extensions := l.version, []byte{}, []byte{}
	if version == nil {
		version = integer("\x01")
	}
	if l.thisUpdate == nil {
		l.thisUpdate = timeAgo(oddDay)
	}
	if l.nextUpdate == nil {
		l.nextUpdate = timeAgo(-oddDay)
	}
	if l.entries != nil {
		entries = seq(l.entries...)
	}
	if l.extensions != nil {
		extensions = tlv(0xa0, seq(l.extensions...))
	}
	return by.sign(t, seq(version, by.algorithm, l.issuer, l.thisUpdate, l.nextUpdate, entries, extensions))
}

// entry revokes a serial number, in octets.
func entry(serial string, extensions ...[]byte) []byte {
	return entryAt(timeAgo(oddDay), serial, extensions...)
}

func entryAt(at []byte, serial string, extensions ...[]byte) []byte {
	var list []byte
	if len(extensions) > 0 {
		list = seq(extensions...)
	}
	return seq(integer(serial), at, list)
}

func listNumber(octets string) []byte { return extension("2.5.29.20", nil, integer(octets)) }

func pemOf(label string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
}
