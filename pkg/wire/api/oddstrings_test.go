package api_test

import (
	"fmt"
	"testing"
)

// oddTexts are contents of strings in names, in any type.
var oddTexts = map[string]string{
	"ASCII": "Empresa XYZ", "signs": "a_b@c!&*", "Latin-1": "S\xe3o Paulo", "UTF-8": "São Paulo", "empty": "",
	"NUL": "a\x00b\x00", "two octets": wide(2, "XYZ"), "four octets": wide(4, "XYZ"), "surrogate": "\xd8\x00\xdc\x00",
	"half a surrogate": "\xd8\x00\x00a", "five octets": "12345", "beyond Unicode": "\x00\x11\x00\x00",
}

var oddStringTypes = map[string]byte{
	"OCTET STRING": 4, "UTF8String": tagUTF8, "NumericString": tagNumeric, "PrintableString": tagPrintable,
	"T61String": tagT61, "VideotexString": 21, "IA5String": tagIA5, "UTCTime": 23, "GraphicString": 25,
	"VisibleString": tagVisible, "GeneralString": tagGeneral, "UniversalString": tagUniversal, "BMPString": tagBMP,
}

// TestOdd_Strings: a name with any text in any type of string is accepted if openssl reads it, in a
// CA and in a client, and what such a CA issues is valid.
func TestOdd_Strings(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	w := newOddWorld(t)
	plain := w.newIssuer(t, "strings", ecSigner(t))
	for kind, tag := range oddStringTypes {
		for what, text := range oddTexts {
			t.Run(kind+" "+what, func(t *testing.T) {
				t.Parallel()
				w.tryString(t, plain, tag, text, fmt.Sprintf("%d-%d", tag, len(what)*100+len(text)))
			})
		}
	}
}

func (w oddWorld) tryString(t *testing.T, plain oddIssuer, tag byte, text, name string) {
	t.Helper()
	own := ecSigner(t)
	subject := func(name string) []byte {
		return seq(rdn(attribute(oidOrganization, tag, text)), rdn(attribute(oidCommonName, tagUTF8, name)))
	}
	cert := rootCert(t, subject("strings-"+name), own)
	issuer := oddIssuer{signer: own, name: cert.subject, cert: cert.sign(t, own)}
	issuer.list = oddList{issuer: issuer.name}.sign(t, own)
	said := verify(t, issuer.cert, issuer.list, issuer.plainClient("\x05", "x", own.public(t)).sign(t, own))
	body := map[string]any{
		"name": "strings-" + name, "cert": pemOf("CERTIFICATE", issuer.cert), "key": keyPEM(t, own.key),
	}
	got := w.post(t, casPath+"/import", body)
	if (got.status == 200) != (said == "") {
		t.Errorf("a CA: %d %s; openssl: %q", got.status, got.body, said)
	}
	if got.status == 200 {
		issuer.id = got.object(t)["id"]
		w.wantWorks(t, issuer, "strings-"+name)
	}

	client := plain.plainClient("\x50"+name, "client-"+name, own.public(t))
	client.subject = subject("client-" + name)
	der := client.sign(t, plain.signer)
	said = verify(t, plain.cert, plain.list, der)
	body = map[string]any{
		"ca_id": plain.id, "email": "a@b.c", "cert": pemOf("CERTIFICATE", der), "key": keyPEM(t, own.key),
	}
	if got := w.post(t, clientsPath+"/import", body); (got.status == 200) != (said == "") {
		t.Errorf("a client: %d %s; openssl: %q", got.status, got.body, said)
	}
}
