package pki_test

import (
	"errors"
	"testing"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/seal"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

func TestClients_PKCS12(t *testing.T) {
	if testing.Short() {
		t.Skip("takes more than a second of CPU, which -short leaves out")
	}
	t.Parallel()
	w := NewWorld(t)
	authority := w.NewCA(t)
	plain := w.NewClient(t, authority.ID)
	asked := Spec(authority.ID)
	asked.Password = "segredo"
	protected := Must(w.Clients.Create(t.Context(), asked))(t)
	wantIssued(t, w, asked, protected, ca.ECDSAP256)
	wantProtected(
		t, w, protected.ID, Must(ca.ParsePrivateKey(Must(w.Clients.Key(t.Context(), protected.ID))(t), "segredo"))(t),
		"segredo",
	)

	for _, test := range []struct {
		sentence string
		client   domain.Client
		password domain.Secret
		want     []Fault // empty: the file is made and opens
	}{
		{"any password protects a key that has none", plain, "qualquer", nil},
		{
			"a password is required", plain, "", []Fault{
				NewFault(domain.Required, "password", domain.ReasonPasswordRequired),
			},
		},
		{
			"a password that the format can't carry", plain, "🔑",
			[]Fault{NewFault(domain.Invalid, "password", domain.ReasonFormat)},
		},
		{"the key's own password", protected, "segredo", nil},
		{
			"the key's password is required", protected, "",
			[]Fault{NewFault(domain.Required, "password", domain.ReasonPasswordRequired)},
		},
		{
			"another password", protected, "Segredo", []Fault{
				NewFault(domain.Invalid, "password", domain.ReasonPasswordWrong),
			},
		},
		{
			"a client that does not exist", domain.Client{ID: 1 << 40}, "x",
			[]Fault{NewFault(domain.Missing, "id", domain.ReasonNotFound)},
		},
	} {
		for _, profile := range []ca.PKCS12Profile{ca.PKCS12Modern, ca.PKCS12Legacy} {
			t.Run(test.sentence+" "+string(profile), func(t *testing.T) {
				file, err := w.Clients.PKCS12(t.Context(), test.client.ID, profile, test.password)
				WantFaults(t, err, test.want...)
				if test.want != nil {
					return
				}
				Check(t, err)
				key, cert, chain, err := pkcs12.DecodeChain(file, string(test.password))
				Check(t, err)
				Check(
					t,
					ca.CheckPair(
						cert,
						Must(
							ca.ParsePrivateKey(
								Must(w.Clients.Key(t.Context(), test.client.ID))(t), string(test.password),
							),
						)(t),
					),
				)
				WantSame(t, cert.Subject.CommonName, test.client.Name)
				if key == nil || len(chain) != 1 || chain[0].Subject.CommonName != authority.Name {
					t.Errorf("the chain is %v", chain)
				}
				if _, _, _, err := pkcs12.DecodeChain(file, "outra"); err == nil {
					t.Error("another password opens it")
				}
			})
		}
	}
}

// TestSealedKeys: a sealed key that was moved to another row can't be opened.
func TestSealedKeys(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	authority := w.NewCA(t)
	one, two := w.NewClient(t, authority.ID), w.NewClient(t, authority.ID)
	db := Must(w.Store.SQL())(t)
	Must(
		db.ExecContext(
			t.Context(),
			`UPDATE certificates SET sealed_key = (SELECT sealed_key FROM certificates WHERE client_id = ?) WHERE client_id = ?`, one.ID, two.ID,
		),
	)(t)
	Must(w.Clients.Key(t.Context(), one.ID))(t)
	if _, err := w.Clients.Key(t.Context(), two.ID); !errors.Is(err, seal.ErrSealed) {
		t.Errorf("error is %v", err)
	}
	other := w.NewCA(t)
	Must(
		db.ExecContext(
			t.Context(), `UPDATE cas SET sealed_key = (SELECT sealed_key FROM cas WHERE id = ?) WHERE id = ?`,
			authority.ID, other.ID,
		),
	)(t)
	if _, err := w.CAs.Authorities.Get(t.Context(), other.ID); !errors.Is(err, seal.ErrSealed) {
		t.Errorf("error is %v", err)
	}
}
