package api_test

import (
	"bytes"
	"crypto"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

var (
	notACA      = refused("cert", "Not the certificate of a CA")
	caMalformed = refused("cert", "")
)

// oddCA is an unusual CA certificate.
type oddCA struct {
	name   string
	change func(c *oddCert)
	by     func(own signer) signer // what signs it; nil: itself
	text   func(der []byte) string // nil: PEM
	want   outcome
}

func label(name string) func([]byte) string {
	return func(der []byte) string { return pemOf(name, der) }
}

func rename(name []byte) func(*oddCert) {
	return func(c *oddCert) { c.issuer, c.subject = name, name }
}

func bySelf(algorithm string, hash crypto.Hash) func(signer) signer {
	return func(own signer) signer { return own.with(seq(oid(algorithm)), hash) }
}

var oddCAs = []oddCA{
	{name: "plain", want: taken},
	{name: "serial of 21 octets", change: serialOf("\x00\xff" + strings.Repeat("\xff", 19)), want: taken},
	{name: "serial of 64 octets", change: serialOf("\x01" + strings.Repeat("\x02", 63)), want: taken},
	{name: "serial of 65 octets", change: serialOf("\x01" + strings.Repeat("\x02", 64)), want: caMalformed.unlike()},
	{name: "serial negative", change: serialOf("\x81"), want: taken},
	{name: "serial 0", change: serialOf("\x00"), want: taken},
	{name: "serial without octets", change: serialOf(""), want: caMalformed},

	{name: "notBefore without seconds", change: begins(utc("2001010000Z")), want: caMalformed},
	{name: "notAfter without seconds", change: ends(utc("4901010000Z")), want: caMalformed},
	{name: "notAfter without a zone", change: ends(utc("490101000000")), want: caMalformed},
	{name: "notAfter in another zone", change: ends(utc("490101000000+0300")), want: caMalformed},
	{name: "notBefore with a fraction", change: begins(general("20200101000000.5Z")), want: caMalformed},
	{name: "GeneralizedTime", change: begins(general("20200101000000Z")), want: taken},
	{name: "never ends", change: ends(general("99991231235959Z")), want: taken},

	{name: "empty subject", change: rename(seq()), want: notACA.unlike()},
	{name: "UniversalString", change: rename(commonNameOf(tagUniversal, wide(4, "odd"))), want: taken},
	{name: "BMPString", change: rename(commonNameOf(tagBMP, wide(2, "odd"))), want: taken},
	{name: "T61String", change: rename(commonNameOf(tagT61, "S\xe3o")), want: taken},
	{name: "IA5String", change: rename(commonNameOf(tagIA5, "odd")), want: taken},
	{name: "NumericString", change: rename(commonNameOf(tagNumeric, "4711")), want: taken},
	{name: "VisibleString", change: rename(commonNameOf(tagVisible, "odd")), want: caMalformed},
	{name: "GeneralString", change: rename(commonNameOf(tagGeneral, "odd")), want: caMalformed},
	{name: "no common name", change: rename(seq(rdn(attribute(oidOrganization, tagUTF8, "Empresa")))), want: taken},
	{
		name:   "the same attribute twice",
		change: rename(seq(rdn(attribute(oidCommonName, tagUTF8, "a")), rdn(attribute(oidCommonName, tagUTF8, "b")))),
		want:   taken,
	},
	{
		name: "two attributes in one part",
		change: rename(
			seq(rdn(attribute(oidCommonName, tagUTF8, "a"), attribute(oidOrganization, tagBMP, wide(2, "b")))),
		), want: taken,
	},

	{name: "label X509 CERTIFICATE", text: label("X509 CERTIFICATE"), want: taken},
	{name: "label TRUSTED CERTIFICATE", text: label("TRUSTED CERTIFICATE"), want: taken},
	{
		name: "label TRUSTED CERTIFICATE with trust",
		text: func(der []byte) string { return pemOf("TRUSTED CERTIFICATE", append(der, seq(seq(clientAuth))...)) },
		want: taken,
	},
	{name: "label CA CERTIFICATE", text: label("CA CERTIFICATE"), want: caMalformed.unlike()},
	{name: "label PKCS7", text: label("PKCS7"), want: caMalformed.unlike()},
	{
		name: "text around",
		text: func(der []byte) string { return "Certificate:\n    Data:\n" + pemOf("CERTIFICATE", der) + "\nfim\n" },
		want: taken,
	},
	{name: "lines of Windows, byte order mark", text: func(der []byte) string {
		return "\ufeff" + strings.ReplaceAll(pemOf("CERTIFICATE", der), "\n", "\r\n")
	}, want: taken},
	{name: "its certificate twice", text: func(der []byte) string { return strings.Repeat(pemOf("CERTIFICATE", der), 2) },
		want: taken},
	{
		name: "something behind the certificate",
		text: func(der []byte) string { return pemOf("CERTIFICATE", append(der, 0, 0)) }, want: caMalformed.unlike(),
	},

	{
		name: "an unknown critical extension", change: only(isCA, signsCA, extension(unknownOID, critical, tlv(5))),
		want: notACA,
	},
	{
		name:   "a critical subjectKeyIdentifier",
		change: only(isCA, signsCA, extension("2.5.29.14", critical, tlv(4, []byte("12345")))), want: notACA,
	},
	{
		name:   "critical name constraints",
		change: only(isCA, signsCA, extension("2.5.29.30", critical, seq(tlv(0xa0, seq(tlv(0x81, []byte("b.c"))))))),
		want:   taken,
	},
	{
		name:   "name constraints that can't be read",
		change: only(isCA, signsCA, extension("2.5.29.30", critical, seq(tlv(0xa0, seq(tlv(0xa4, tlv(5))))))), want: notACA,
	},
	{name: "name constraints of nothing", change: only(isCA, signsCA, extension("2.5.29.30", critical, seq())), want: taken},
	{
		name:   "an address of five octets in name constraints",
		change: only(isCA, signsCA, extension("2.5.29.30", critical, seq(tlv(0xa0, seq(tlv(0x87, []byte("12345"))))))),
		want:   taken,
	},
	{name: "names with an accent in subjectAltName", change: only(isCA, signsCA, altNames(
		tlv(0x82, []byte("são.br")), tlv(0x81, []byte("joão@são.br")), tlv(0x86, []byte("http://são.br/")),
	)), want: taken},
	{name: "an unknown extension", change: only(isCA, signsCA, extension(unknownOID, nil, tlv(5))), want: taken},
	{
		name:   "basicConstraints with BER's true",
		change: only(extension("2.5.29.19", nil, seq(tlv(1, []byte{1}))), signsCA), want: taken,
	},
	{
		name:   "basicConstraints with a negative path length",
		change: only(extension("2.5.29.19", nil, seq(tlv(1, []byte{0xff}), integer("\xff"))), signsCA),
		want:   caMalformed,
	},
	{
		name:   "a path length of 0",
		change: only(extension("2.5.29.19", nil, seq(tlv(1, []byte{0xff}), integer("\x00"))), signsCA), want: taken,
	},
	{name: "keyUsage missing", change: only(isCA), want: taken},
	{name: "keyUsage without cRLSign", change: only(isCA, usage(2, 4)), want: notACA},
	{name: "keyUsage without keyCertSign", change: only(isCA, usage(1, 2)), want: notACA},
	{name: "keyUsage of nothing", change: only(isCA, usage(7, 0)), want: notACA},
	{name: "extKeyUsage serverAuth", change: only(isCA, signsCA, forPurposes("1.3.6.1.5.5.7.3.1")), want: notACA},
	{name: "extKeyUsage any", change: only(isCA, signsCA, forPurposes("2.5.29.37.0")), want: notACA},
	{name: "extKeyUsage clientAuth", change: only(isCA, signsCA, forClients), want: taken},
	{name: "no basicConstraints", change: only(extension("2.5.29.14", nil, tlv(4, []byte("12345")))), want: notACA},
	{name: "no basicConstraints, but keyUsage", change: only(signsCA), want: taken},
	{name: "no basicConstraints, but nsCertType", change: only(netscape(4)), want: taken},
	{name: "nsCertType of clients", change: only(netscape(0x80)), want: notACA},
	{name: "version 1", change: func(c *oddCert) { c.version, c.extensions = []byte{}, nil }, want: taken},
	{
		name:   "version 1 of another issuer",
		change: func(c *oddCert) { c.version, c.extensions, c.issuer = []byte{}, nil, commonName("another") },
		want:   notACA,
	},

	{name: "signed over SHA-1", by: bySelf("1.2.840.10045.4.1", crypto.SHA1), want: taken},
	{name: "signed over SHA-224", by: bySelf("1.2.840.10045.4.3.1", crypto.SHA224), want: taken},
	{name: "signed over SHA-512", by: bySelf("1.2.840.10045.4.3.4", crypto.SHA512), want: taken},
	{name: "a compressed point", change: pointIn(compressed), want: taken},
	{name: "a hybrid point", change: pointIn(hybrid), want: taken},
}

// TestOdd_CAs: CAs of other software are accepted or refused. An accepted one is handed out as it
// came, and OpenVPN judges correctly what it issues and revokes.
func TestOdd_CAs(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	w := newOddWorld(t)
	for i, test := range oddCAs {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w.tryCA(t, test, fmt.Sprintf("odd-ca-%d", i))
		})
	}
}

func (w oddWorld) tryCA(t *testing.T, test oddCA, name string) {
	t.Helper()
	own := ecSigner(t)
	cert, by := rootCert(t, commonName(name), own), own
	if test.change != nil {
		test.change(&cert)
	}
	if test.by != nil {
		by = test.by(own)
	}
	der := cert.sign(t, by)
	old := oddIssuer{signer: own, name: cert.subject, cert: der, list: oddList{issuer: cert.subject}.sign(t, own)}
	client := old.plainClient("\x05", "x", ecSigner(t).public(t)).sign(t, own)
	test.want.wantSame(t, verify(t, der, old.list, client))
	text := pemOf("CERTIFICATE", der)
	if test.text != nil {
		text = test.text(der)
	}
	got := w.post(t, casPath+"/import", map[string]any{"name": name, "cert": text, "key": keyPEM(t, own.key)})
	if !test.want.check(t, got) {
		return
	}
	old.id = got.object(t)["id"]
	if !bytes.Equal(w.getPEM(t, fmt.Sprint(casPath, "/", old.id, "/certificate")), der) {
		t.Error("another certificate came out")
	}
	w.wantWorks(t, old, name)
	w.wantRenewed(t, old, client, name)
}

// wantRenewed demands that the next certificate of a CA accepts what the CA has signed elsewhere,
// as the one before does, and what it signs from now on; or that it can't be made, which is said.
func (w oddWorld) wantRenewed(t *testing.T, issuer oddIssuer, client []byte, name string) {
	t.Helper()
	path := fmt.Sprint(casPath, "/", issuer.id)
	got := send(t, w.Server, "POST", path+"/renew", "")
	if got.status != http.StatusOK {
		got.want(t, http.StatusConflict, "expiration", "rule")
		if !strings.Contains(name+t.Name(), "never_ends") {
			t.Errorf("%s", got.body)
		}
		return
	}
	list, next := w.getPEM(t, path+"/crl"), w.getPEM(t, path+"/certificate")
	if was, is := verify(t, issuer.cert, list, client), verify(t, next, list, client); was != is {
		t.Errorf("%q with the earlier certificate, %q with the next one", was, is)
	}
	issuer.cert = next
	w.wantWorks(t, issuer, "again-"+name)
}

// wantWorks demands that a client of the CA is valid until it is revoked.
func (w oddWorld) wantWorks(t *testing.T, issuer oddIssuer, name string) {
	t.Helper()
	body := map[string]any{"ca_id": issuer.id, "name": "of-" + name, "email": "a@b.c", "expiration": 10}
	path := fmt.Sprint(clientsPath, "/", w.post(t, clientsPath, body).object(t)["id"])
	client := w.getPEM(t, path+"/certificate")
	if said := verify(t, issuer.cert, w.getPEM(t, fmt.Sprint(casPath, "/", issuer.id, "/crl")), client); said != "" {
		t.Error(said)
	}
	send(t, w.Server, "DELETE", path, "").want(t, 200, "", "")
	w.wantRevoked(t, issuer.id, issuer.cert, client)
}
