package api_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"strings"
	"testing"
)

var oddClients = []oddClient{
	{name: "plain", want: taken},

	{name: "serial 0", change: serialOf("\x00"), want: taken},
	{name: "serial of 20 octets", change: serialOf("\x7f" + strings.Repeat("\xff", 19)), want: taken},
	{name: "serial of 21 octets", change: serialOf("\x00\xff" + strings.Repeat("\xff", 19)), want: taken},
	{name: "serial of 64 octets", change: serialOf("\x01" + strings.Repeat("\x02", 63)), want: taken},
	{name: "serial of 65 octets", change: serialOf("\x01" + strings.Repeat("\x02", 64)), want: malformed.unlike()},
	{name: "serial negative", change: serialOf("\x81"), want: taken},
	{name: "serial -1", change: serialOf("\xff"), want: taken},
	{name: "serial negative of 20 octets", change: serialOf("\x80" + strings.Repeat("\x03", 19)), want: taken},
	{name: "serial with a zero too many", change: serialOf("\x00\x01"), want: malformed},
	{name: "serial with a sign too many", change: serialOf("\xff\x81"), want: malformed},
	{name: "serial without octets", change: serialOf(""), want: malformed},

	{name: "GeneralizedTime before 2050", change: begins(general("20200101000000Z")), want: taken},
	{name: "UTCTime of the last century", change: begins(utc("510101000000Z")), want: taken},
	{name: "never ends", change: ends(general("99991231235959Z")), want: taken},
	{name: "begins without seconds", change: begins(utc("2001010000Z")), want: malformed},
	{name: "ends without seconds", change: ends(utc("4901010000Z")), want: malformed},
	{name: "begins without a zone", change: begins(utc("200101000000")), want: malformed},
	{name: "begins in another zone", change: begins(utc("200101000000-0300")), want: malformed},
	{name: "begins at zero east", change: begins(utc("200101000000+0000")), want: malformed},
	{name: "ends with a fraction", change: ends(general("20490101000000.5Z")), want: malformed},
	{name: "GeneralizedTime without minutes", change: ends(general("2049010100Z")), want: malformed},
	{name: "ends in the 13th month", change: ends(utc("491301000000Z")), want: malformed},
	{name: "ends on 30 February", change: ends(utc("490230000000Z")), want: malformed},
	{name: "ends in the 60th second", change: ends(utc("490101000060Z")), want: malformed},
	{name: "a time that is a text", change: ends(tlv(tagPrintable, []byte("490101000000Z"))), want: malformed},

	{name: "an unknown critical extension", change: plus(extension(unknownOID, critical, tlv(5))), want: isCritical},
	{
		name: "an unknown critical extension, BER's true", change: plus(extension(unknownOID, []byte{1}, tlv(5))),
		want: isCritical,
	},
	{name: "an unknown extension", change: plus(extension(unknownOID, nil, tlv(5))), want: taken},
	{
		name:   "an unknown extension twice",
		change: plus(extension(unknownOID, nil, tlv(5)), extension(unknownOID, nil, tlv(5))), want: taken,
	},
	{
		name:   "an unknown extension that says it is not critical",
		change: plus(extension(unknownOID, []byte{0}, tlv(5))), want: taken,
	},
	{name: "extKeyUsage twice", change: plus(forClients), want: malformed},
	{
		name:   "a critical subjectKeyIdentifier",
		change: plus(extension("2.5.29.14", critical, tlv(4, []byte("12345")))), want: isCritical,
	},
	{
		name:   "a critical issuerAltName",
		change: plus(extension("2.5.29.18", critical, seq(tlv(0x81, []byte("a@b.c"))))), want: isCritical,
	},
	{
		name:   "a critical subjectAltName",
		change: plus(extension("2.5.29.17", critical, seq(tlv(0x81, []byte("a@b.c"))))), want: taken,
	},
	{
		name: "critical certificatePolicies", change: plus(extension("2.5.29.32", critical, seq(seq(oid("1.2.3"))))),
		want: taken,
	},
	{
		name:   "a critical nsCertType",
		change: plus(extension("2.16.840.1.113730.1.1", critical, tlv(3, []byte{7, 0x80}))), want: taken,
	},
	{name: "a critical noCheck", change: plus(extension("1.3.6.1.5.5.7.48.1.5", critical, tlv(5))), want: taken},
	{
		name:   "a critical nsComment",
		change: plus(extension("2.16.840.1.113730.1.13", critical, tlv(tagIA5, []byte("x")))), want: isCritical,
	},
	{
		name: "a critical TLS feature", change: plus(extension("1.3.6.1.5.5.7.1.24", critical, seq(integer("\x05")))),
		want: isCritical,
	},
	{
		name:   "a proxy certificate",
		change: plus(extension("1.3.6.1.5.5.7.1.14", critical, seq(seq(oid("1.3.6.1.5.5.7.21.0"))))), want: isCritical,
	},

	{name: "no extensions", change: func(c *oddCert) { c.extensions = nil }, want: taken},
	{name: "version 1", change: func(c *oddCert) { c.version, c.extensions = []byte{}, nil }, want: taken},
	{name: "keyUsage keyAgreement", change: only(usage(3, 8), forClients), want: taken},
	{name: "keyUsage keyEncipherment", change: only(usage(5, 0x20), forClients), want: notClient},
	{name: "keyUsage nonRepudiation", change: only(usage(6, 0x40), forClients), want: notClient},
	{name: "keyUsage without any", change: only(usage(7, 0), forClients), want: notClient},
	{name: "keyUsage digitalSignature and decipherOnly", change: only(usage(7, 0x80, 0x80), forClients), want: taken},
	{name: "extKeyUsage of nothing", change: only(forPurposes()), want: notClient},
	{name: "extKeyUsage any", change: only(forPurposes("2.5.29.37.0")), want: notClient},
	{
		name: "extKeyUsage any and clientAuth", change: only(forPurposes("2.5.29.37.0", "1.3.6.1.5.5.7.3.2")),
		want: taken,
	},
	{name: "extKeyUsage serverAuth", change: only(forPurposes("1.3.6.1.5.5.7.3.1")), want: notClient},
	{name: "extKeyUsage unknown", change: only(forPurposes(unknownOID)), want: notClient},
	{
		name: "extKeyUsage ipsec and clientAuth", change: only(forPurposes("1.3.6.1.5.5.7.3.17", "1.3.6.1.5.5.7.3.2")),
		want: taken,
	},
	{name: "nsCertType client", change: only(netscape(0x80)), want: taken},
	{name: "nsCertType client and server", change: plus(netscape(0xc0)), want: taken},
	{name: "nsCertType server", change: plus(netscape(0x40)), want: notClient},
	{name: "basicConstraints, empty", change: plus(extension("2.5.29.19", nil, seq())), want: taken},
	{
		name: "basicConstraints that say FALSE", change: plus(extension("2.5.29.19", nil, seq(tlv(1, []byte{0})))),
		want: taken,
	},
	{
		name:   "basicConstraints with a path length alone",
		change: plus(extension("2.5.29.19", nil, seq(integer("\x00")))), want: taken,
	},
	{name: "a CA", change: plus(isCA), want: isACA.unlike()},
	{
		name: "a CA, BER's true", change: plus(extension("2.5.29.19", critical, seq(tlv(1, []byte{1})))),
		want: isACA.unlike(),
	},
	{
		name: "basicConstraints that are damaged", change: plus(extension("2.5.29.19", nil, []byte{0x30, 9, 1})),
		want: malformed,
	},
	{
		name: "mail with an accent in subjectAltName", change: plus(altNames(tlv(0x81, []byte("joão@empresa.com.br")))),
		want: taken,
	},
	{
		name: "address of five octets in subjectAltName", change: plus(altNames(tlv(0x87, []byte{1, 2, 3, 4, 5}))),
		want: taken,
	},
	{name: "no URI in subjectAltName", change: plus(altNames(tlv(0x86, []byte("://[ ")))), want: taken},
	{
		name: "DNS name with an accent in subjectAltName", change: plus(altNames(tlv(0x82, []byte("são.br")))),
		want: taken,
	},
	{
		name:   "otherName in subjectAltName",
		change: plus(altNames(tlv(0xa0, oid("1.3.6.1.4.1.311.20.2.3"), tlv(0xa0, tlv(tagUTF8, []byte("a@b")))))),
		want:   taken,
	},
	{name: "subjectAltName of nothing", change: plus(altNames()), want: taken},
	{
		name: "subjectAltName that is damaged", change: plus(extension("2.5.29.17", nil, []byte{0x30, 9, 0x81, 1})),
		want: malformed,
	},
	{
		name:   "a distribution point that is no URI",
		change: plus(extension("2.5.29.31", nil, seq(seq(tlv(0xa0, tlv(0xa0, tlv(0x86, []byte("http://[ ")))))))),
		want:   taken,
	},
	{name: "unreadable certificatePolicies", change: plus(extension("2.5.29.32", nil, tlv(5))), want: taken},

	{name: "compressed point", change: pointIn(compressed), want: taken},
	{name: "compressed point of P-384", change: pointIn(compressed), curve: elliptic.P384(), want: taken},
	{name: "compressed point of P-521", change: pointIn(compressed), curve: elliptic.P521(), want: taken},
	{name: "hybrid point", change: pointIn(hybrid), want: taken},
	{name: "hybrid point of P-384", change: pointIn(hybrid), curve: elliptic.P384(), want: taken},
	{name: "a point that is on no curve", change: pointIn(damagedPoint), want: malformed},
	{name: "key of an unknown curve", change: func(c *oddCert) {
		c.key = seq(seq(oid("1.2.840.10045.2.1"), oid("1.3.132.0.10")), bits(c.key[len(c.key)-65:]))
	}, want: refused("cert", "Key type not supported")},
	{name: "key of an unknown kind", change: func(c *oddCert) {
		c.key = seq(seq(oid("1.3.101.113")), bits(make([]byte, 57)))
	}, want: refused("cert", "").unlike()},
	{name: "RSA key", rsa: true, want: taken},
	{name: "RSA key without parameters", rsa: true, change: func(c *oddCert) {
		c.key = bytes.Replace(c.key, rsaWith("1"), seq(oid("1.2.840.113549.1.1.1")), 1)
		c.key = seq(c.key[4:])
	}, want: taken},

	{
		name:   "common name as BMPString",
		change: func(c *oddCert) { c.subject = commonNameOf(tagBMP, wide(2, "odd-bmp")) }, want: taken,
	},
	{
		name:   "common name as UniversalString",
		change: func(c *oddCert) { c.subject = commonNameOf(tagUniversal, wide(4, "odd-universal")) }, want: taken,
	},
	{
		name: "common name as T61String", change: func(c *oddCert) { c.subject = commonNameOf(tagT61, "odd-t61") },
		want: taken,
	},
	{
		name: "common name as IA5String", change: func(c *oddCert) { c.subject = commonNameOf(tagIA5, "odd-ia5") },
		want: taken,
	},
	{
		name:   "common name as VisibleString",
		change: func(c *oddCert) { c.subject = commonNameOf(tagVisible, "odd-visible") }, want: malformed,
	},
	{
		name: "common name as NumericString", change: func(c *oddCert) { c.subject = commonNameOf(tagNumeric, "4711") },
		want: taken,
	},
	{name: "organization in T61String with an accent", change: func(c *oddCert) {
		c.subject = seq(
			rdn(attribute(oidOrganization, tagT61, "S\xe3o")), rdn(attribute(oidCommonName, tagUTF8, "odd-accent")),
		)
	}, want: taken},
	{name: "organization in a UTF8String that is none", change: func(c *oddCert) {
		c.subject = seq(
			rdn(attribute(oidOrganization, tagUTF8, "S\xe3o")), rdn(attribute(oidCommonName, tagUTF8, "odd-latin1")),
		)
	}, want: malformed},
	{name: "two attributes in one part", change: func(c *oddCert) {
		c.subject = seq(
			rdn(attribute(oidCommonName, tagUTF8, "odd-two"), attribute(oidOrganization, tagUTF8, "Empresa")),
		)
	}, want: taken},
	{name: "an unknown attribute of an unknown type", change: func(c *oddCert) {
		c.subject = seq(
			rdn(seq(oid(unknownOID), tlv(0x30, integer("\x01")))),
			rdn(attribute(oidCommonName, tagUTF8, "odd-attribute")),
		)
	}, want: taken},
	{name: "no common name",
		change: func(c *oddCert) { c.subject = seq(rdn(attribute(oidOrganization, tagUTF8, "Empresa"))) },
		want:   refused("cert", "common name can't be used").unlike()},
	{
		name: "empty subject", change: func(c *oddCert) { c.subject = seq() },
		want: refused("cert", "common name can't be used").unlike(),
	},
	{
		name:   "common name of a type that is no text",
		change: func(c *oddCert) { c.subject = commonNameOf(tagGeneral, "odd-general") }, want: malformed,
	},
	{name: "issuer in another type and case", change: func(c *oddCert) {
		c.issuer = commonNameOf(tagT61, " ODD  "+strings.ToUpper(issuerName(c.issuer)))
	}, want: taken},
	{name: "another issuer", change: func(c *oddCert) { c.issuer = commonName("another") }, want: notSigned},
	{
		name: "signed with another key",
		by:   func(ca signer) signer { ca.key = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)); return ca },
		want: notSigned,
	},

	{name: "SHA-224", by: ecdsaWith("1.2.840.10045.4.3.1", crypto.SHA224), want: taken},
	{name: "SHA-384", by: ecdsaWith("1.2.840.10045.4.3.3", crypto.SHA384), want: taken},
	{name: "SHA-512", by: ecdsaWith("1.2.840.10045.4.3.4", crypto.SHA512), want: taken},
	{name: "SHA-1", by: ecdsaWith("1.2.840.10045.4.1", crypto.SHA1), want: weak.unlike()},
	{name: "RSA with SHA-224", by: rsaOver("14", crypto.SHA224), want: taken},
	{
		name: "RSA with SHA3-256",
		by:   func(ca signer) signer { return ca.with(seq(oid("2.16.840.1.101.3.4.3.14"), tlv(5)), crypto.SHA3_256) },
		want: taken,
	},
	{name: "RSA with SHA-256 without NULL", by: bareRSA, want: taken},
	{name: "RSA with PSS", by: pss("2.16.840.1.101.3.4.2.1", crypto.SHA256), want: taken},
	{name: "RSA with PSS and SHA-1", by: pss("1.3.14.3.2.26", crypto.SHA1), want: weak.unlike()},
	{name: "RSA with MD5", by: rsaOver("4", crypto.MD5), want: weak.unlike()},
	{name: "RSA with SHA-1", by: rsaOver("5", crypto.SHA1), want: weak.unlike()},
}

func issuerName(name []byte) string { return string(name[len(name)-5:]) }

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// oddIssuer is a CA. Its id is nil until the server knows it.
type oddIssuer struct {
	signer
	id   any
	name []byte
	cert []byte
	list []byte // its CRL
}

// newIssuer returns a CA that no server knows yet.
func newIssuer(t *testing.T, name string, by signer) oddIssuer {
	t.Helper()
	issuer := oddIssuer{signer: by, name: commonName(name)}
	issuer.cert = rootCert(t, issuer.name, by).sign(t, by)
	return issuer
}

func signerOf(t *testing.T, rsa bool) signer {
	t.Helper()
	if rsa {
		return rsaSigner(t)
	}
	return ecSigner(t)
}

func (w oddWorld) newIssuer(t *testing.T, name string, by signer) oddIssuer {
	t.Helper()
	issuer := newIssuer(t, "odd "+name, by)
	issuer.list = oddList{issuer: issuer.name}.sign(t, by)
	body := map[string]any{"name": "odd " + name, "cert": pemOf("CERTIFICATE", issuer.cert), "key": keyPEM(t, by.key)}
	issuer.id = w.post(t, casPath+"/import", body).object(t)["id"]
	return issuer
}

// rootCert is an ordinary CA certificate.
func rootCert(t testing.TB, name []byte, by signer) oddCert {
	return oddCert{
		serial: "\x01", issuer: name, subject: name, notBefore: timeAgo(2 * oddDay), notAfter: timeAgo(-365 * oddDay),
		key: by.public(t), extensions: caExtensions,
	}
}

// plainClient is an ordinary client certificate.
func (i oddIssuer) plainClient(serial, name string, key []byte) oddCert {
	return oddCert{
		serial: serial, issuer: i.name, subject: commonName(name), notBefore: timeAgo(oddDay),
		notAfter: timeAgo(-30 * oddDay),
		key:      key, extensions: [][]byte{signsOnly, forClients},
	}
}

// TestOdd_Clients: client certificates of other software are accepted if OpenVPN would let the
// client in, handed out as they came, and revoked under their serial number; otherwise they are
// refused.
func TestOdd_Clients(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	w := newOddWorld(t)
	ec, rsaCA := w.newIssuer(t, "ec ca", ecSigner(t)), w.newIssuer(t, "rsaca", rsaSigner(t))
	for i, test := range oddClients {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			issuer := ec
			if strings.HasPrefix(test.name, "RSA with") {
				issuer = rsaCA
			}
			w.tryClient(t, issuer, test, fmt.Sprintf("\x40\x00%c", i))
		})
	}
}

func (w oddWorld) tryClient(t *testing.T, issuer oddIssuer, test oddClient, serial string) {
	t.Helper()
	key := test.newKey(t)
	cert, by := issuer.plainClient(serial, fmt.Sprintf("odd-%x", serial), publicOf(t, key.Public())), issuer.signer
	if test.change != nil {
		test.change(&cert)
	}
	if test.by != nil {
		by = test.by(by)
	}
	der := cert.sign(t, by)
	test.want.wantSame(t, verify(t, issuer.cert, issuer.list, der))
	body := map[string]any{
		"ca_id": issuer.id, "email": "a@b.c", "cert": pemOf("CERTIFICATE", der), "key": keyPEM(t, key),
	}
	got := w.post(t, clientsPath+"/import", body)
	if !test.want.check(t, got) {
		return
	}
	path := fmt.Sprint(clientsPath, "/", got.object(t)["id"])
	if !bytes.Equal(w.getPEM(t, path+"/certificate"), der) {
		t.Error("another certificate came out")
	}
	send(t, w.Server, "DELETE", path, "").want(t, 200, "", "")
	w.wantRevoked(t, issuer.id, issuer.cert, der)
}

func (c oddClient) newKey(t *testing.T) crypto.Signer {
	t.Helper()
	switch {
	case c.rsa:
		return rsaSigner(t).key
	case c.curve != nil:
		return must(ecdsa.GenerateKey(c.curve, rand.Reader))
	}
	return ecSigner(t).key
}
