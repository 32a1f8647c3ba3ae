package api_test

import (
	"bytes"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// oddKey is a private key that openssl writes, or that is changed by hand. Its password is
// "secret".
type oddKey struct {
	name string
	// of openssl, which reads plain.key and writes odd.key; empty: as it is
	args string
	text func(t *testing.T, plain string) string // changes the result
	rsa  bool
	want outcome
}

func unsupported(name string) outcome {
	return refused("key", "Key encryption not supported ("+name+")")
}

var badKey = refused("key", "")

// foreignEncryption is a key in a kind of encryption that this openssl may not have. The server
// reads no further than the name of the scheme.
func foreignEncryption(id string, params []byte) func(*testing.T, string) string {
	return func(*testing.T, string) string {
		return pemOf(
			"ENCRYPTED PRIVATE KEY", seq(seq(oid(id), params), tlv(4, bytes.Repeat([]byte("1234567\x08"), 20))),
		)
	}
}

func oldPBE(arc string) func(*testing.T, string) string {
	return foreignEncryption("1.2.840.113549.1."+arc, seq(tlv(4, []byte("12345678")), integer("\x08\x00")))
}

// inCipher is PBES2 with a cipher by its identifier.
func inCipher(id string) func(*testing.T, string) string {
	derivation := seq(oid("1.2.840.113549.1.5.12"), seq(tlv(4, []byte("12345678")), integer("\x08\x00")))
	return foreignEncryption("1.2.840.113549.1.5.13", seq(derivation, seq(oid(id), tlv(4, make([]byte, 16)))))
}

func traditional(info string) func(*testing.T, string) string {
	return func(*testing.T, string) string {
		return "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: " + info +
			"\n\nAAAAAAAAAAAAAAAAAAAAAA==\n-----END EC PRIVATE KEY-----\n"
	}
}

// labelled puts another PEM label over a key.
func labelled(label string) func(*testing.T, string) string {
	return func(t *testing.T, plain string) string {
		block, _ := pem.Decode([]byte(plain))
		return pemOf(label, block.Bytes)
	}
}

func around(before, after string) func(*testing.T, string) string {
	return func(_ *testing.T, plain string) string { return before + plain + after }
}

// withAttributes is the key in the second version of PKCS #8 (RFC 5958), with attributes.
func withAttributes(t *testing.T, plain string) string {
	t.Helper()
	block, _ := pem.Decode([]byte(plain))
	var whole asn1.RawValue
	if _, err := asn1.Unmarshal(block.Bytes, &whole); err != nil {
		t.Fatal(err)
	}
	return pemOf("PRIVATE KEY", seq(bytes.Replace(whole.Bytes, []byte{2, 1, 0}, []byte{2, 1, 1}, 1), tlv(0xa0)))
}

var oddKeys = []oddKey{
	{name: "plain", want: taken},
	{name: "text after", args: "pkey -text", want: taken},
	{name: "text before and after", text: around("Private-Key: (256 bit)\n\n", "\nfim\n"), want: taken},
	{
		name: "attributes of a bag",
		text: around("Bag Attributes\n    localKeyID: 01 02\nKey Attributes: <No Attributes>\n", ""), want: taken,
	},
	{name: "byte order mark", text: around("\ufeff", ""), want: taken},
	{
		name: "lines of Windows",
		text: func(_ *testing.T, plain string) string { return strings.ReplaceAll(plain, "\n", "\r\n") }, want: taken,
	},
	{
		name: "no end of the last line",
		text: func(_ *testing.T, plain string) string { return strings.TrimSpace(plain) }, want: taken,
	},
	{
		name: "spaces behind the lines",
		text: func(_ *testing.T, plain string) string { return strings.ReplaceAll(plain, "\n", " \t\n") }, want: taken,
	},
	{name: "one line of base64", text: func(_ *testing.T, plain string) string {
		lines := strings.Split(strings.TrimSpace(plain), "\n")
		return lines[0] + "\n" + strings.Join(lines[1:len(lines)-1], "") + "\n" + lines[len(lines)-1]
	}, want: taken},
	{name: "PKCS #8 with attributes", text: withAttributes, want: taken},
	{name: "SEC 1", args: "ec", want: taken},
	{
		name: "SEC 1 with parameters before", args: "ec", text: around(pemOf("EC PARAMETERS", curveOIDs["P-256"]), ""),
		want: taken,
	},
	{name: "SEC 1 without public key", args: "ec -no_public", want: taken},
	{name: "SEC 1 with a compressed point", args: "ec -conv_form compressed", want: taken},
	{name: "parameters in full", args: "ec -param_enc explicit", want: taken},
	{name: "parameters in full, PKCS #8", args: "pkey -ec_param_enc explicit", want: taken},
	{name: "PKCS #1", args: "rsa -traditional", rsa: true, want: taken},
	{name: "RSA PRIVATE KEY over PKCS #8", text: labelled("RSA PRIVATE KEY"), rsa: true, want: taken},
	{name: "RSA PRIVATE KEY over PKCS #8 of EC", text: labelled("RSA PRIVATE KEY"), want: taken},
	{name: "EC PRIVATE KEY over PKCS #8", text: labelled("EC PRIVATE KEY"), want: taken},
	{name: "DSA PRIVATE KEY over PKCS #8", text: labelled("DSA PRIVATE KEY"), want: taken},
	{name: "ENCRYPTED PRIVATE KEY over PKCS #8", text: labelled("ENCRYPTED PRIVATE KEY"), want: taken},
	{
		name: "PRIVATE KEY over PKCS #1", args: "rsa -traditional", text: labelled("PRIVATE KEY"), rsa: true,
		want: taken,
	},
	{name: "PRIVATE KEY over SEC 1", args: "ec", text: labelled("PRIVATE KEY"), want: taken},
	{name: "PRIVATE KEY over encrypted PKCS #8", args: "pkcs8 -topk8", text: labelled("PRIVATE KEY"), want: taken},
	{
		name: "RSA PRIVATE KEY over encrypted PKCS #8", args: "pkcs8 -topk8", text: labelled("RSA PRIVATE KEY"),
		want: taken,
	},
	{name: "RSA PRIVATE KEY over SEC 1", args: "ec", text: labelled("RSA PRIVATE KEY"), want: badKey},
	{name: "FOO KEY over PKCS #8", text: labelled("FOO KEY"), want: badKey},
	{name: "a public key", args: "pkey -pubout", want: badKey},
	{name: "a key and a certificate", text: around("", pemOf("CERTIFICATE", seq())), want: refused("key", "").unlike()},
	{
		name: "a key of OpenSSH",
		text: func(*testing.T, string) string { return pemOf("OPENSSH PRIVATE KEY", []byte("openssh-key-v1\x00")) },
		want: refused("key", "Key type not supported"),
	},

	{name: "PBES2 by default", args: "pkcs8 -topk8", want: taken},
	{name: "AES-128", args: "pkcs8 -topk8 -v2 aes128", want: taken},
	{name: "AES-192, SHA-1", args: "pkcs8 -topk8 -v2 aes192 -v2prf hmacWithSHA1", want: taken},
	{name: "AES-256, SHA-512", args: "pkcs8 -topk8 -v2 aes256 -v2prf hmacWithSHA512", want: taken},
	{name: "3DES", args: "pkcs8 -topk8 -v2 des3", want: taken},
	{name: "Camellia-128", args: "pkcs8 -topk8 -v2 camellia-128-cbc", want: taken},
	{name: "Camellia-192", args: "pkcs8 -topk8 -v2 camellia-192-cbc", want: taken},
	{name: "Camellia-256", args: "pkcs8 -topk8 -v2 camellia-256-cbc", want: taken},
	{name: "scrypt", args: "pkcs8 -topk8 -scrypt", want: taken},
	{name: "ARIA-128", args: "pkcs8 -topk8 -v2 aria-128-cbc", want: taken},
	{name: "ARIA-192", args: "pkcs8 -topk8 -v2 aria-192-cbc", want: taken},
	{name: "ARIA-256", args: "pkcs8 -topk8 -v2 aria-256-cbc", want: taken},
	{name: "SM4", args: "pkcs8 -topk8 -v2 sm4-cbc", want: unsupported("SM4-CBC").unlike()},
	{name: "AES-256 in feedback mode", args: "pkcs8 -topk8 -v2 aes-256-cfb", want: unsupported("AES-256-CFB").unlike()},
	{name: "PBE-SHA1-3DES", args: "pkcs8 -topk8 -v1 PBE-SHA1-3DES", want: taken},
	{name: "PBE-SHA1-2DES", args: "pkcs8 -topk8 -v1 PBE-SHA1-2DES", want: taken},
	{name: "PBE-MD2-DES", text: oldPBE("5.1"), want: unsupported("pbeWithMD2AndDES-CBC")},
	{name: "PBE-MD5-DES", text: oldPBE("5.3"), want: unsupported("pbeWithMD5AndDES-CBC")},
	{name: "PBE-MD2-RC2-64", text: oldPBE("5.4"), want: unsupported("pbeWithMD2AndRC2-CBC")},
	{name: "PBE-MD5-RC2-64", text: oldPBE("5.6"), want: unsupported("pbeWithMD5AndRC2-CBC")},
	{name: "PBE-SHA1-DES", text: oldPBE("5.10"), want: unsupported("pbeWithSHA1AndDES-CBC")},
	{name: "PBE-SHA1-RC2-64", text: oldPBE("5.11"), want: unsupported("pbeWithSHA1AndRC2-CBC")},
	{name: "PBE-SHA1-RC4-128", text: oldPBE("12.1.1"), want: unsupported("pbeWithSHAAnd128BitRC4")},
	{name: "PBE-SHA1-RC4-40", text: oldPBE("12.1.2"), want: unsupported("pbeWithSHAAnd40BitRC4")},
	{name: "PBE-SHA1-RC2-128", text: oldPBE("12.1.5"), want: unsupported("pbeWithSHAAnd128BitRC2-CBC")},
	{name: "PBE-SHA1-RC2-40", text: oldPBE("12.1.6"), want: unsupported("pbeWithSHAAnd40BitRC2-CBC")},
	{name: "PBES2 with DES", text: inCipher("1.3.14.3.2.7"), want: unsupported("DES-CBC")},
	{name: "PBES2 with RC2", text: inCipher("1.2.840.113549.3.2"), want: unsupported("RC2-CBC")},
	{name: "PBES2 with an unknown cipher", text: inCipher(unknownOID), want: unsupported(unknownOID)},

	{name: "traditional, AES-128", args: "ec -aes128", want: taken},
	{name: "traditional, AES-256 of RSA", args: "rsa -traditional -aes256", rsa: true, want: taken},
	{name: "traditional, 3DES", args: "ec -des3", want: taken},
	{name: "traditional, Camellia-128", args: "ec -camellia128", want: taken},
	{name: "traditional, Camellia-192", args: "ec -camellia192", want: taken},
	{name: "traditional, Camellia-256", args: "ec -camellia256", want: taken},
	{name: "traditional, ARIA-128", args: "ec -aria128", want: taken},
	{name: "traditional, ARIA-256", args: "ec -aria256", want: taken},
	{name: "traditional, SM4", args: "ec -sm4", want: unsupported("SM4-CBC").unlike()},
	{
		name: "traditional, SEED", text: traditional("SEED-CBC,00112233445566778899AABBCCDDEEFF"),
		want: unsupported("SEED-CBC"),
	},
	{name: "traditional, IDEA", text: traditional("IDEA-CBC,0011223344556677"), want: unsupported("IDEA-CBC")},
	{name: "traditional, without its vector", text: traditional("AES-128-CBC"), want: badKey},
}

// TestOdd_Keys: keys as openssl and other software write them can be opened, and the message about
// one that can't names its encryption.
func TestOdd_Keys(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	w := newOddWorld(t)
	for i, test := range oddKeys {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w.tryKey(t, test, fmt.Sprintf("odd-key-%d", i))
		})
	}
}

func (w oddWorld) tryKey(t *testing.T, test oddKey, name string) {
	t.Helper()
	issuer := newIssuer(t, name, signerOf(t, test.rsa))
	own := issuer.signer
	key := test.write(t, own)
	test.want.wantSame(t, openKey(t, key))
	body := map[string]any{
		"name": name, "cert": pemOf("CERTIFICATE", issuer.cert), "key": key, "password": "secret",
	}
	got := w.post(t, casPath+"/import", body)
	if !test.want.check(t, got) {
		return
	}
	issuer.id = got.object(t)["id"]
	w.wantWorks(t, issuer, name)
}

// openKey returns what openssl says of a key; empty if it reads it.
func openKey(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "odd.key"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := opensslIn(t, dir, "pkey", "-in", "odd.key", "-passin", "pass:secret", "-noout")
	if err == nil {
		return ""
	}
	return string(out) + " "
}

// write returns the text of the odd key.
func (k oddKey) write(t *testing.T, own signer) string {
	t.Helper()
	text := keyPEM(t, own.key)
	if k.args != "" {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "plain.key"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		args := append(strings.Fields(k.args), "-in", "plain.key", "-out", "odd.key")
		if !strings.Contains(k.args, "pkey") {
			args = append(args, "-passout", "pass:secret")
		}
		if out, err := opensslIn(t, dir, args...); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		odd, err := os.ReadFile(filepath.Join(dir, "odd.key"))
		if err != nil {
			t.Fatal(err)
		}
		text = string(odd)
	}
	if k.text != nil {
		text = k.text(t, text)
	}
	return text
}
