package pki_test

import (
	"encoding/pem"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestCAs_RevokeSerial_HandedIn: a certificate of the CA that nothing is known of gets a record
// when it is handed in to be revoked.
func TestCAs_RevokeSerial_HandedIn(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	authority := w.NewCA(t)
	cert := certOf(t, w, w.NewClient(t, authority.ID).ID)
	w.Exec(t, "DELETE FROM certificates")
	w.Exec(t, "DELETE FROM clients")
	done := Must(w.CAs.RevokeSerial(Operator(t), authority.ID, domain.SerialRevocation{
		Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw}),
	}))(t)
	kept := Must(w.Store.Certificates().OfSerial(t.Context(), authority.ID, done.Serial))(t)
	if kept.ID != done.CertificateID || !kept.Revoked() || string(kept.DER) != string(cert.Raw) {
		t.Errorf("told %+v, kept certificate %d, revoked at %v", done, kept.ID, kept.RevokedAt)
	}
	list := listOf(t, Must(w.CRLs.Current(t.Context(), authority.ID))(t))
	WantSame(t, len(list.Entries), 1)
}
