package api_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

var (
	notAList     = refused("crl", "Not a CRL of this CA")
	othersList   = refused("crl", "The list is another CA's")
	listCritical = refused("crl", "critical extension that is not known (1.2.3.4)")
	listSerial   = refused("crl", "more than 64 octets")
	listFuture   = refused("crl", "valid only from")
)

func partial(field string) outcome {
	return refused("crl", "does not cover all certificates of the CA ("+field+")")
}

// oddRevocations is an unusual CRL. It has the serial number 3. If it is accepted, that number and
// those of also must be on the CRL that is served afterwards.
type oddRevocations struct {
	name   string
	change func(l *oddList)
	rsa    bool // the CA has an RSA key
	by     func(ca signer) signer
	text   func(der []byte) string // nil: PEM
	also   []string                // serial numbers, in octets
	want   outcome
}

func listed(entries ...[]byte) func(*oddList) {
	return func(l *oddList) { l.entries = append(entries, entry("\x03")) }
}

func extended(extensions ...[]byte) func(*oddList) {
	return func(l *oddList) { l.extensions = append(l.extensions, extensions...) }
}

func numbered(octets string) func(*oddList) {
	return func(l *oddList) { l.extensions = [][]byte{listNumber(octets)} }
}

func dated(this, next []byte) func(*oddList) {
	return func(l *oddList) { l.thisUpdate, l.nextUpdate = this, next }
}

// distribution is a critical issuingDistributionPoint.
func distribution(fields ...[]byte) func(*oddList) {
	return extended(extension("2.5.29.28", critical, seq(fields...)))
}

func reason(code byte) []byte { return extension("2.5.29.21", nil, tlv(10, []byte{code})) }

var atURL = tlv(0xa0, tlv(0xa0, tlv(0x86, []byte("http://x/"))))

var oddLists = []oddRevocations{
	{name: "plain", want: taken},
	{name: "version 1", change: func(l *oddList) { l.version, l.extensions = []byte{}, nil }, want: taken},
	{name: "version 2 without extensions", change: func(l *oddList) { l.extensions = nil }, want: taken},
	{name: "label CRL", text: label("CRL"), want: notAList.unlike()},
	{
		name: "text around",
		text: func(der []byte) string { return "Certificate Revocation List:\n" + pemOf("X509 CRL", der) + "fim" },
		want: taken,
	},
	{
		name: "lines of Windows",
		text: func(der []byte) string { return strings.ReplaceAll(pemOf("X509 CRL", der), "\n", "\r\n") }, want: taken,
	},
	{
		name: "two lists", text: func(der []byte) string { return strings.Repeat(pemOf("X509 CRL", der), 2) },
		want: notAList.unlike(),
	},

	{name: "serial 0", change: listed(entry("\x00")), also: []string{"\x00"}, want: taken},
	{name: "serial negative", change: listed(entry("\x81")), also: []string{"\x81"}, want: taken},
	{
		name: "serial of 21 octets", change: listed(entry("\x00\xff" + strings.Repeat("\xff", 19))),
		also: []string{"\x00\xff" + strings.Repeat("\xff", 19)}, want: taken,
	},
	{
		name: "serial of 64 octets", change: listed(entry("\x01" + strings.Repeat("\x02", 63))),
		also: []string{"\x01" + strings.Repeat("\x02", 63)}, want: taken,
	},
	{
		name: "serial of 65 octets", change: listed(entry("\x01" + strings.Repeat("\x02", 64))),
		want: listSerial.unlike(),
	},
	{name: "serial without octets", change: listed(entry("")), want: notAList},
	{name: "a serial twice", change: listed(entry("\x03"), entry("\x04")), also: []string{"\x04"}, want: taken},
	{name: "on hold", change: listed(entry("\x04", reason(6))), also: []string{"\x04"}, want: taken},
	{name: "unused reason", change: listed(entry("\x04", reason(7))), also: []string{"\x04"}, want: taken},
	{
		name: "a critical reason", change: listed(entry("\x04", extension("2.5.29.21", critical, tlv(10, []byte{1})))),
		also: []string{"\x04"}, want: taken.unlike(),
	},
	{
		name: "invalidityDate", change: listed(entry("\x04", extension("2.5.29.24", nil, general("20200101000000Z")))),
		also: []string{"\x04"}, want: taken,
	},
	{
		name: "revoked at a UTCTime without Z", change: listed(entryAt(utc("200101000000"), "\x04")),
		also: []string{"\x04"}, want: taken,
	},
	{
		name: "revoked at a UTCTime without seconds", change: listed(entryAt(utc("2001010000Z"), "\x04")),
		also: []string{"\x04"}, want: taken,
	},
	{
		name: "revoked in another zone", change: listed(entryAt(utc("200101000000-0300"), "\x04")),
		also: []string{"\x04"}, want: taken,
	},
	{
		name:   "revoked at a GeneralizedTime with a fraction",
		change: listed(entryAt(general("20200101000000.25Z"), "\x04")), also: []string{"\x04"}, want: taken,
	},
	{
		name: "revoked in the 13th month", change: listed(entryAt(utc("201301000000Z"), "\x04")),
		also: []string{"\x04"}, want: taken,
	},
	{
		name: "revoked in the future", change: listed(entryAt(utc("490101000000Z"), "\x04")), also: []string{"\x04"},
		want: taken,
	},
	{
		name:   "an entry of another issuer",
		change: listed(entry("\x04", extension("2.5.29.29", critical, seq(tlv(0xa4, commonName("another")))))),
		want:   partial("certificateIssuer"),
	},
	{
		name:   "an unknown critical extension of an entry",
		change: listed(entry("\x04", extension(unknownOID, critical, tlv(5)))), want: listCritical,
	},
	{
		name: "an unknown extension of an entry", change: listed(entry("\x04", extension(unknownOID, nil, tlv(5)))),
		also: []string{"\x04"}, want: taken,
	},

	{name: "number 0", change: numbered("\x00"), want: taken},
	{name: "number negative", change: numbered("\x81"), want: taken},
	{name: "number of 63 bits", change: numbered("\x7f" + strings.Repeat("\xff", 7)), want: taken},
	{name: "number of 71 bits", change: numbered("\x55" + strings.Repeat("\x01", 8)), want: taken},
	{name: "number of 20 octets", change: numbered("\x7f" + strings.Repeat("\x01", 19)), want: taken},
	{name: "number of 65 octets", change: numbered("\x7f" + strings.Repeat("\x01", 64)), want: listSerial.unlike()},
	{
		name:   "number critical",
		change: func(l *oddList) { l.extensions = [][]byte{extension("2.5.29.20", critical, integer("\x05"))} },
		want:   taken.unlike(),
	},

	{name: "no nextUpdate", change: dated(nil, []byte{}), want: taken},
	{name: "GeneralizedTime", change: dated(general("20200101000000Z"), general("20490101000000Z")), want: taken},
	{name: "thisUpdate without Z", change: dated(utc("200101000000"), nil), want: taken.unlike()},
	{name: "thisUpdate without seconds", change: dated(utc("2001010000Z"), nil), want: taken.unlike()},
	{name: "thisUpdate in another zone", change: dated(utc("200101000000-0300"), nil), want: taken.unlike()},
	{name: "nextUpdate without Z", change: dated(nil, utc("490101000000")), want: taken.unlike()},
	{name: "thisUpdate in the 13th month", change: dated(utc("201301000000Z"), nil), want: notAList},
	{name: "of the future", change: dated(timeAgo(-oddDay), timeAgo(-2*oddDay)), want: listFuture.unlike()},

	{
		name: "a delta", change: extended(extension("2.5.29.27", critical, integer("\x01"))),
		want: partial("deltaCRLIndicator").unlike(),
	},
	{name: "a distribution point with a URL", change: distribution(atURL), want: taken.unlike()},
	{name: "an empty distribution point", change: distribution(), want: taken},
	{name: "of CA certificates", change: distribution(tlv(0x82, []byte{0xff})), want: partial("onlyContainsCACerts")},
	{
		name: "of CA certificates, BER's true", change: distribution(tlv(0x82, []byte{1})),
		want: partial("onlyContainsCACerts"),
	},
	{
		name: "of user certificates", change: distribution(tlv(0x81, []byte{0xff})),
		want: partial("onlyContainsUserCerts").unlike(),
	},
	{
		name: "of attribute certificates", change: distribution(tlv(0x85, []byte{0xff})),
		want: partial("onlyContainsAttributeCerts"),
	},
	{name: "of some reasons", change: distribution(tlv(0x83, []byte{6, 0x40})), want: partial("onlySomeReasons")},
	{
		name: "of some reasons, with a URL", change: distribution(atURL, tlv(0x83, []byte{6, 0x40})),
		want: partial("onlySomeReasons"),
	},
	{name: "indirect", change: distribution(tlv(0x84, []byte{0xff})), want: partial("indirectCRL")},
	{
		name: "an unknown critical extension", change: extended(extension(unknownOID, critical, tlv(5))),
		want: listCritical,
	},
	{name: "an unknown extension", change: extended(extension(unknownOID, nil, tlv(5))), want: taken},
	{name: "another issuer", change: func(l *oddList) { l.issuer = commonName("another") }, want: othersList},
	{name: "the issuer in another type and case", change: func(l *oddList) {
		l.issuer = commonNameOf(tagIA5, strings.ToUpper(string(l.issuer[len(commonName("")):])))
	}, want: taken},
	{name: "the issuer with other spaces", change: func(l *oddList) {
		l.issuer = commonNameOf(tagPrintable, " "+string(l.issuer[len(commonName("")):])+"  ")
	}, want: taken},
	{name: "signed with another key", by: func(ca signer) signer {
		return signer{
			key: must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), algorithm: ca.algorithm, hash: ca.hash,
		}
	}, want: othersList},

	{name: "SHA-1", by: ecdsaWith("1.2.840.10045.4.1", crypto.SHA1), want: taken},
	{name: "SHA-224", by: ecdsaWith("1.2.840.10045.4.3.1", crypto.SHA224), want: taken},
	{name: "RSA with MD5", rsa: true, by: rsaOver("4", crypto.MD5), want: taken},
	{name: "RSA with SHA-256 without NULL", rsa: true, by: bareRSA, want: taken},
	{name: "RSA with SHA-1", rsa: true, by: rsaOver("5", crypto.SHA1), want: taken},
	{name: "RSA with MD5, version 1", rsa: true, by: rsaOver("4", crypto.MD5), change: func(l *oddList) {
		l.version, l.extensions = []byte{}, nil
	}, want: taken},
	{name: "RSA with PSS", rsa: true, by: pss("2.16.840.1.101.3.4.2.1", crypto.SHA256), want: taken},
}

// TestOdd_Lists: what OpenVPN honours of a CRL that is imported with a CA is on all lists
// afterwards, and a CRL that would revoke less than it seems to is refused.
func TestOdd_Lists(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	w := newOddWorld(t)
	for i, test := range oddLists {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w.tryList(t, test, fmt.Sprintf("odd-list-%d", i))
		})
	}
}

func (w oddWorld) tryList(t *testing.T, test oddRevocations, name string) {
	t.Helper()
	issuer := newIssuer(t, name, signerOf(t, test.rsa))
	own := issuer.signer
	list, by := oddList{
		issuer: issuer.name, entries: [][]byte{entry("\x03")}, extensions: [][]byte{listNumber("\x05")},
	}, own
	if test.change != nil {
		test.change(&list)
	}
	if test.by != nil {
		by = test.by(own)
	}
	issuer.list = list.sign(t, by)
	clients := [][]byte{}
	for _, serial := range append(test.also, "\x03") {
		clients = append(clients, issuer.plainClient(serial, name+"-client", ecSigner(t).public(t)).sign(t, own))
	}
	if revokes := strings.Contains(
		verify(t, issuer.cert, issuer.list, clients[0]), "revoked",
	); revokes != (test.want.taken() != test.want.differs) {
		t.Errorf("openssl: revoked is %v", revokes)
	}
	text := pemOf("X509 CRL", issuer.list)
	if test.text != nil {
		text = test.text(issuer.list)
	}
	body := map[string]any{
		"name": name, "cert": pemOf("CERTIFICATE", issuer.cert), "key": keyPEM(t, own.key), "crl": text,
	}
	got := w.post(t, casPath+"/import", body)
	if !test.want.check(t, got) {
		return
	}
	issuer.id = got.object(t)["id"]
	for _, client := range clients {
		w.wantRevoked(t, issuer.id, issuer.cert, client)
	}
	w.wantLater(t, issuer)
}

// wantLater demands that the served CRL has a higher number than the imported one.
func (w oddWorld) wantLater(t *testing.T, issuer oddIssuer) {
	t.Helper()
	served := listNumberOf(t, w.getPEM(t, fmt.Sprint(casPath, "/", issuer.id, "/crl")))
	if before := listNumberOf(t, issuer.list); before != nil && served.Cmp(before) <= 0 {
		t.Errorf("number %v after %v", served, before)
	}
}

func listNumberOf(t *testing.T, der []byte) *big.Int {
	t.Helper()
	list, err := ca.ParseCRL(der)
	if err != nil {
		t.Fatal(err)
	}
	return list.Number
}
