package service_test

import (
	"errors"
	"testing"

	"software.sslmate.com/src/go-pkcs12"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/seal"
)

func TestClients_PKCS12(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	authority := w.newCA(t)
	plain := w.newClient(t, authority.ID)
	asked := spec(authority.ID)
	asked.Password = "segredo"
	protected := must(w.Clients.Create(t.Context(), asked))(t)
	wantIssued(t, w, asked, protected, ca.ECDSAP256)
	wantProtected(t, w, protected.ID, must(ca.ParsePrivateKey(must(w.Clients.Key(t.Context(), protected.ID))(t), "segredo"))(t), "segredo")

	for _, test := range []struct {
		sentence string
		client   domain.Client
		password domain.Secret
		want     []fault // none: the file opens
	}{
		{"any password protects a key that has none", plain, "qualquer", nil},
		{"a password is required", plain, "", []fault{{domain.Required, "password", domain.ReasonPasswordRequired}}},
		{"a password that the format can't carry", plain, "🔑", []fault{{domain.Invalid, "password", domain.ReasonFormat}}},
		{"the key's own password", protected, "segredo", nil},
		{"the key's password is required", protected, "", []fault{{domain.Required, "password", domain.ReasonPasswordRequired}}},
		{"another password", protected, "Segredo", []fault{{domain.Invalid, "password", domain.ReasonPasswordWrong}}},
		{"a client that does not exist", domain.Client{ID: 1 << 40}, "x", []fault{{domain.Missing, "id", domain.ReasonNotFound}}},
	} {
		for _, profile := range []ca.PKCS12Profile{ca.PKCS12Modern, ca.PKCS12Legacy} {
			t.Run(test.sentence+" "+string(profile), func(t *testing.T) {
				file, err := w.Clients.PKCS12(t.Context(), test.client.ID, profile, test.password)
				wantFaults(t, err, test.want...)
				if test.want != nil {
					return
				}
				check(t, err)
				key, cert, chain, err := pkcs12.DecodeChain(file, string(test.password))
				check(t, err)
				check(t, ca.CheckPair(cert, must(ca.ParsePrivateKey(must(w.Clients.Key(t.Context(), test.client.ID))(t), string(test.password)))(t)))
				wantSame(t, cert.Subject.CommonName, test.client.Name)
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

// TestSealedKeys: a sealed key that was moved to another row does not open.
func TestSealedKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	authority := w.newCA(t)
	one, two := w.newClient(t, authority.ID), w.newClient(t, authority.ID)
	db := must(w.store.SQL())(t)
	must(db.ExecContext(t.Context(), `UPDATE certificates SET sealed_key = (SELECT sealed_key FROM certificates WHERE client_id = ?) WHERE client_id = ?`, one.ID, two.ID))(t)
	must(w.Clients.Key(t.Context(), one.ID))(t)
	if _, err := w.Clients.Key(t.Context(), two.ID); !errors.Is(err, seal.ErrSealed) {
		t.Errorf("error is %v", err)
	}
	other := w.newCA(t)
	must(db.ExecContext(t.Context(), `UPDATE cas SET sealed_key = (SELECT sealed_key FROM cas WHERE id = ?) WHERE id = ?`, authority.ID, other.ID))(t)
	if _, err := w.CAs.Authorities.Get(t.Context(), other.ID); !errors.Is(err, seal.ErrSealed) {
		t.Errorf("error is %v", err)
	}
}
