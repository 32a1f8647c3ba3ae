package ca_test

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/ca"
)

func TestParseCertificate(t *testing.T) {
	t.Parallel()
	authority := newRoot(t, ca.ECDSAP256)
	cert := issue(t, authority, ca.ECDSAP256)
	good := string(ca.EncodeCertificatePEM(cert.Raw))
	key, err := ca.MarshalPrivateKey(authority.Signer)
	if err != nil {
		t.Fatal(err)
	}
	long := foreign(t, authority, cert.PublicKey, func(c *x509.Certificate) { c.SerialNumber.Lsh(big.NewInt(1), 64*8) })
	tests := []struct {
		name string
		data string
		want error
	}{
		{"plain", good, nil},
		{"without the last line end", strings.TrimSpace(good), nil},
		{"with CRLF", strings.ReplaceAll(good, "\n", "\r\n"), nil},
		{"with text before it", "Certificate:\n    Data:\n        Version: 3 (0x2)\n" + good, nil},
		{"with a byte order mark", "\xef\xbb\xbf" + good, nil},
		{"nothing", "", ca.ErrNotPEM},
		{"text only", "hello", ca.ErrNotPEM},
		{"text after it", good + "hello", nil},
		{"the label of old programs", strings.ReplaceAll(good, "CERTIFICATE", "X509 CERTIFICATE"), nil},
		{"the label of OpenSSL's trust", strings.ReplaceAll(good, "CERTIFICATE", "TRUSTED CERTIFICATE"), nil},
		{"DER", string(cert.Raw), ca.ErrNotPEM},
		{"two of them", good + good, ca.ErrMultiple},
		{"a key beside it", good + string(key), ca.ErrMultiple},
		{"a damaged one in front", strings.Replace(good, "\nMI", "\n!!", 1) + good, ca.ErrMultiple},
		{"another type", strings.ReplaceAll(good, "CERTIFICATE", "X509 CRL"), ca.ErrOtherPEM},
		{"a header", strings.Replace(good, "-----\n", "-----\nName: value\n\n", 1), ca.ErrOtherPEM},
		{"cut", good[:len(good)/2], ca.ErrNotPEM},
		{
			"trailing data in the DER", string(ca.EncodeCertificatePEM(append(bytes.Clone(cert.Raw), 0))),
			ca.ErrContent,
		},
		{"a serial of 65 octets", string(ca.EncodeCertificatePEM(long.Raw)), ca.ErrLongSerial},
		{"too large", strings.Repeat("x\n", 40_000) + good, ca.ErrTooLarge},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := ca.ParseCertificate([]byte(test.data))
			wantError(t, err, test.want)
			if (got != nil) != (test.want == nil) || got != nil && !got.Equal(cert) {
				t.Errorf("certificate is %v", got)
			}
		})
	}
}

func TestSubjectOf_TheLastCommonNameCounts(t *testing.T) {
	t.Parallel()
	authority := newRoot(t, ca.ECDSAP256)
	cert := foreign(t, authority, newKey(t, ca.ECDSAP256).Public(), func(c *x509.Certificate) {
		c.Subject = pkix.Name{Organization: []string{"first", "second"}, ExtraNames: []pkix.AttributeTypeAndValue{
			{Type: []int{2, 5, 4, 3}, Value: "first"}, {Type: []int{2, 5, 4, 3}, Value: "last"},
		}}
	})
	if got := ca.SubjectOf(cert); got.CommonName != "last" || got.Organization != "first" || got.Email != "" {
		t.Errorf("subject is %+v", got)
	}
}
