package api_test

import (
	"fmt"
	"testing"
)

// TestOdd_NameConstraints: no client is issued that OpenVPN would refuse because of the CA's name
// constraints, and one that they allow is valid.
func TestOdd_NameConstraints(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	w := newOddWorld(t)
	permitted := func(tag byte, content ...[]byte) []byte {
		return extension("2.5.29.30", critical, seq(tlv(0xa0, seq(tlv(tag, content...)))))
	}
	inBrazil := seq(rdn(attribute("2.5.4.6", tagPrintable, "BR")))
	for i, test := range []struct {
		name        string
		constraints []byte
		body        map[string]any
		want        outcome
	}{
		{"a host", permitted(0x82, []byte("a.b")), map[string]any{"name": "x.a.b"}, taken},
		{"another host", permitted(0x82, []byte("a.b")), map[string]any{"name": "x.a.c"}, refused("name", "")},
		{"no host", permitted(0x82, []byte("a.b")), map[string]any{"name": "filial-0"}, taken},
		{"mail", permitted(0x81, []byte("b.c")), map[string]any{"name": "filial-1"}, taken},
		{"other mail", permitted(0x81, []byte("c.d")), map[string]any{"name": "filial-2"}, refused("email", "")},
		{"a country", permitted(0xa4, inBrazil), map[string]any{"name": "filial-3", "country": "BR"}, taken},
		{"another country", permitted(0xa4, inBrazil), map[string]any{"name": "filial-4"}, refused("name", "")},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			own := ecSigner(t)
			cert := rootCert(t, commonName(fmt.Sprintf("constrained-%d", i)), own)
			cert.extensions = [][]byte{isCA, signsCA, test.constraints}
			der := cert.sign(t, own)
			issuer := w.post(t, casPath+"/import", map[string]any{
				"name": fmt.Sprintf("constrained-%d", i), "cert": pemOf("CERTIFICATE", der), "key": keyPEM(t, own.key),
			}).object(t)["id"]
			w.tryConstrained(t, oddIssuer{signer: own, id: issuer, name: cert.subject, cert: der}, test.body, test.want)
			test.body["ca_id"], test.body["email"] = issuer, "a@b.c"
			got := w.post(t, clientsPath, test.body)
			if !test.want.check(t, got) {
				return
			}
			client := w.getPEM(t, fmt.Sprint(clientsPath, "/", got.object(t)["id"], "/certificate"))
			if said := verify(t, der, w.getPEM(t, listPath(issuer)), client); said != "" {
				t.Error(said)
			}
		})
	}
}

// tryConstrained imports a client with the names that another one is to be issued with.
func (w oddWorld) tryConstrained(t *testing.T, issuer oddIssuer, names map[string]any, want outcome) {
	t.Helper()
	key := ecSigner(t)
	client := issuer.plainClient("\x07", fmt.Sprint("i-", names["name"]), key.public(t))
	if country := names["country"]; country != nil {
		client.subject = seq(
			rdn(attribute("2.5.4.6", tagPrintable, fmt.Sprint(country))),
			rdn(attribute(oidCommonName, tagUTF8, fmt.Sprint("i-", names["name"]))),
		)
	}
	client.extensions = append(client.extensions, altNames(tlv(0x81, []byte("a@b.c"))))
	der := client.sign(t, issuer.signer)
	issuer.list = oddList{issuer: issuer.name}.sign(t, issuer.signer)
	want.wantSame(t, verify(t, issuer.cert, issuer.list, der))
	if !want.taken() {
		want = refused("cert", "name constraints")
	}
	want.check(t, w.post(t, clientsPath+"/import", map[string]any{
		"ca_id": issuer.id, "email": "a@b.c", "cert": pemOf("CERTIFICATE", der), "key": keyPEM(t, key.key),
	}))
}
