package pki_test

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// ext is an extension of hand-written DER.
func ext(oid asn1.ObjectIdentifier, critical bool, value ...byte) pkix.Extension {
	return pkix.Extension{Id: oid, Critical: critical, Value: value}
}

var (
	oidDelta   = asn1.ObjectIdentifier{2, 5, 29, 27}
	oidIDP     = asn1.ObjectIdentifier{2, 5, 29, 28}
	oidIssuer  = asn1.ObjectIdentifier{2, 5, 29, 29}
	oidUnknown = asn1.ObjectIdentifier{1, 2, 3, 4}
)

// idp is an issuingDistributionPoint with one field.
func idp(critical bool, field ...byte) pkix.Extension {
	return ext(oidIDP, critical, append([]byte{0x30, byte(len(field))}, field...)...)
}

// TestCAs_Import_Scope: a list that does not cover all clients of the CA is refused, because the
// revoked clients that it leaves out would be admitted.
func TestCAs_Import_Scope(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	url := []byte{0xa0, 0x0b, 0xa0, 0x09, 0x86, 0x07, 'h', 't', 't', 'p', ':', '/', '/'}
	for _, test := range []struct {
		sentence string
		list     []pkix.Extension
		entry    []pkix.Extension
		alter    func(*x509.Certificate)
		want     domain.Reason // empty: accepted
		detail   string
	}{
		{"a plain distribution point", []pkix.Extension{idp(true, url...)}, nil, nil, "", ""},
		{"an empty distribution point", []pkix.Extension{idp(true)}, nil, nil, "", ""},
		{"flags that are false", []pkix.Extension{idp(true, 0x82, 1, 0, 0x84, 1, 0)}, nil, nil, "", ""},
		{
			"a delta", []pkix.Extension{ext(oidDelta, true, 2, 1, 1)}, nil, nil, domain.ReasonCRLPartial,
			"deltaCRLIndicator",
		},
		{
			"a delta that is not critical", []pkix.Extension{ext(oidDelta, false, 2, 1, 1)}, nil, nil,
			domain.ReasonCRLPartial, "deltaCRLIndicator",
		},
		{
			"CA certificates only", []pkix.Extension{idp(true, 0x82, 1, 0xff)}, nil, nil, domain.ReasonCRLPartial,
			"onlyContainsCACerts",
		},
		{
			"CA certificates only, BER's true, not critical", []pkix.Extension{idp(false, 0x82, 1, 1)}, nil, nil,
			domain.ReasonCRLPartial, "onlyContainsCACerts",
		},
		{
			"some reasons", []pkix.Extension{idp(true, 0x83, 2, 6, 0x40)}, nil, nil, domain.ReasonCRLPartial,
			"onlySomeReasons",
		},
		{
			"an indirect list", []pkix.Extension{idp(true, 0x84, 1, 0xff)}, nil, nil, domain.ReasonCRLPartial,
			"indirectCRL",
		},
		{
			"a URL and an indirect list", []pkix.Extension{idp(true, append(url, 0x84, 1, 0xff)...)}, nil, nil,
			domain.ReasonCRLPartial, "indirectCRL",
		},
		{
			"attribute certificates only", []pkix.Extension{idp(true, 0x85, 1, 0xff)}, nil, nil,
			domain.ReasonCRLPartial, "onlyContainsAttributeCerts",
		},
		{
			"user certificates of a CA that may have others below", []pkix.Extension{idp(true, 0x81, 1, 0xff)}, nil,
			nil, domain.ReasonCRLPartial, "onlyContainsUserCerts",
		},
		{
			"user certificates of a CA that has nothing else", []pkix.Extension{idp(true, 0x81, 1, 0xff)}, nil,
			func(c *x509.Certificate) { c.MaxPathLenZero = true }, "", "",
		},
		{
			"an entry of another issuer", nil, []pkix.Extension{ext(oidIssuer, true, 0x30, 0)}, nil,
			domain.ReasonCRLPartial, "certificateIssuer",
		},
		{
			"an unknown critical extension", []pkix.Extension{ext(oidUnknown, true, 5, 0)}, nil, nil,
			domain.ReasonCRLCritical, "1.2.3.4",
		},
		{"an unknown extension", []pkix.Extension{ext(oidUnknown, false, 5, 0)}, nil, nil, "", ""},
		{
			"an unknown critical extension of an entry", nil, []pkix.Extension{ext(oidUnknown, true, 5, 0)}, nil,
			domain.ReasonCRLCritical, "1.2.3.4",
		},
		{"an unknown extension of an entry", nil, []pkix.Extension{ext(oidUnknown, false, 5, 0)}, nil, "", ""},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			t.Parallel()
			alter := test.alter
			if alter == nil {
				alter = func(*x509.Certificate) {}
			}
			old := NewForeignCA(t, alter)
			der := Must(x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
				Number: big.NewInt(1), ThisUpdate: Noon.Add(-Day), NextUpdate: Noon.Add(Day),
				ExtraExtensions: test.list,
				RevokedCertificateEntries: []x509.RevocationListEntry{
					{SerialNumber: big.NewInt(7), RevocationTime: Noon.Add(-Day), ExtraExtensions: test.entry},
				},
			}, old.Cert, old.Key))(t)
			authority, err := w.CAs.Import(
				t.Context(), old.Request(t, pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der})),
			)
			if test.want == "" {
				Check(t, err)
				WantSame(t, Serials(w.Current(t, authority.ID)), []string{"07"})
				return
			}
			WantFaults(t, err, NewFault(domain.Invalid, "crl", test.want))
			WantSame(t, domain.Faults(err)[0].Args, []any{test.detail})
		})
	}
}
