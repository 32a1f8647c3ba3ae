package pki_test

import (
	"crypto/x509"
	"math/big"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

func TestCertificates_Register(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	old := NewForeignCA(t)
	entry := x509.RevocationListEntry{SerialNumber: big.NewInt(0x77), RevocationTime: Noon.Add(-Day), ReasonCode: 4}
	authority := old.ImportInto(t, w, old.List(t, big.NewInt(1), entry))
	key := NewKey(t)
	text := old.Issue(t, key.Public(), forServers, func(c *x509.Certificate) { c.SerialNumber = big.NewInt(0x77) })
	in := domain.CertificateImport{CAID: authority.ID, Certificate: text, Key: KeyPEM(t, key)}
	events := w.CountEvents(t)
	got := Must(w.Certificates.Register(Operator(t), in))(t)
	if got.Kind != domain.CertificateOfServer || got.Reason != domain.Superseded || !got.Revoked() || !got.KeyKept {
		t.Errorf("%+v", got)
	}
	WantSame(t, w.CountEvents(t), events+1)
	WantSame(t, Must(w.Certificates.Key(Operator(t), got.ID))(t), []byte(in.Key))
	t.Run("one of a client is foreign", func(t *testing.T) {
		in := domain.CertificateImport{CAID: authority.ID, Certificate: old.Issue(t, key.Public())}
		got := Must(w.Certificates.Register(Operator(t), in))(t)
		if got.Kind != domain.CertificateOfForeign || got.KeyKept || got.ClientID != 0 {
			t.Errorf("%+v", got)
		}
	})
	other := NewForeignCA(t)
	from := func(text []byte, key domain.Secret) domain.CertificateImport {
		return domain.CertificateImport{CAID: authority.ID, Certificate: text, Key: key}
	}
	for name, test := range map[string]struct {
		in    domain.CertificateImport
		kind  domain.Kind
		field string
	}{
		"twice":           {in, domain.Duplicated, "cert"},
		"no CA":           {domain.CertificateImport{CAID: 99, Certificate: text}, domain.NotFound, "ca_id"},
		"of another CA":   {from(other.Issue(t, key.Public()), ""), domain.Invalid, "cert"},
		"that of the CA":  {from(CertPEM(old.Cert.Raw), ""), domain.Invalid, "cert"},
		"the other key":   {from(text, KeyPEM(t, NewKey(t))), domain.Invalid, "key"},
		"a password lost": {from(text, EncryptedPEM(t, key, oldPassword)), domain.Required, "password"},
	} {
		_, err := w.Certificates.Register(Operator(t), test.in)
		faults := domain.Faults(err)
		if len(faults) != 1 || faults[0].Kind != test.kind || faults[0].Field != test.field {
			t.Errorf("%s: %v", name, err)
		}
	}
}
