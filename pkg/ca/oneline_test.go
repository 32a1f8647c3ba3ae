package ca_test

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

// TestOneLine: as `openssl x509 -nameopt compat -subject` prints it.
func TestOneLine(t *testing.T) {
	t.Parallel()
	name := pkix.Name{Country: []string{"BR"}, Locality: []string{"Açu"}, CommonName: "site-1"}
	name.ExtraNames = []pkix.AttributeTypeAndValue{
		{Type: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 1}, Value: "a@example.com"},
		{Type: asn1.ObjectIdentifier{2, 5, 4, 42}, Value: "Ana"},
	}
	der, err := asn1.Marshal(name.ToRDNSequence())
	if err != nil {
		t.Fatal(err)
	}
	const want = `/C=BR/L=A\xC3\xA7u/CN=site-1/emailAddress=a@example.com/2.5.4.42=Ana`
	if got := ca.OneLine(der); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for n := range der { // a damaged name is read as far as it goes
		if got := ca.OneLine(der[:n]); !strings.HasPrefix(want, got) {
			t.Errorf("%d octets: %s", n, got)
		}
	}
}
