package pki_test

import (
	"crypto/x509"
	"log/slog"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// responderOf is the certificate with which a replica answers.
func responderOf(t testing.TB, w *World, caID int64, cert *x509.Certificate) *x509.Certificate {
	t.Helper()
	return ask(t, w, caID, cert).Certificate
}

// TestOCSP_Responder: replicas that are asked for the first time at once make one responder. Its
// certificate is a record like all; its key can't be fetched.
func TestOCSP_Responder(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			authority := w.NewCA(t)
			cert := certOf(t, w, w.NewClient(t, authority.ID).ID)
			replicas := []*World{w, w.Replica(t), w.Replica(t), w.Replica(t)}
			Check(t, Together(12, func(i int) error {
				ask(t, replicas[i%4], authority.ID, cert)
				return nil
			}))
			made := certificatesOf(t, w, domain.CertificateFilter{Kind: domain.CertificateOfResponder})
			if len(made) != 1 || made[0].KeyKept || made[0].ClientID != 0 || made[0].CAID != authority.ID {
				t.Fatalf("the certificates of responders are %+v", made)
			}
			WantSame(t, made[0].Name, "OCSP "+authority.Name)
			WantSame(t, made[0].NotAfter, Noon.Add(30*Day))
			_, err := w.Certificates.Key(Operator(t), made[0].ID)
			WantFaults(t, err, NewFault(domain.Missing, "id", domain.ReasonNoKey))
			for _, replica := range replicas {
				if got := responderOf(t, replica, authority.ID, cert); Digest(got.Raw) != made[0].Fingerprint {
					t.Error("a replica answers with another certificate")
				}
			}
			events := w.Events(t)
			last := events[len(events)-1]
			if last.ResourceID != made[0].ID || last.ActorKind != "" || !strings.Contains(last.After, `"kind":"ocsp"`) {
				t.Errorf("the audit says %+v", last)
			}
			wantOCSP(t, w, authority.ID, responderOf(t, w, authority.ID, cert), ocsp.Good)
		})
	}
}

// TestOCSP_RenewResponders: the next responder is there ten days before the last one ends, and at
// once when that is revoked.
func TestOCSP_RenewResponders(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	unasked, authority := w.NewCA(t), w.NewCA(t)
	cert := certOf(t, w, w.NewClient(t, authority.ID).ID)
	renewed := func(pass time.Duration, want bool) {
		t.Helper()
		before := responderOf(t, w, authority.ID, cert)
		w.Clock.Pass(pass)
		for _, replica := range []*World{w, w.Replica(t)} {
			Check(t, replica.OCSP.RenewResponders(t.Context()))
		}
		if after := responderOf(t, w, authority.ID, cert); after.Equal(before) == want {
			t.Errorf("after %s another one: %t", pass, !want)
		}
	}
	renewed(19*Day, false)
	renewed(2*Day, true)
	renewed(31*Day, true) // no replica ran meanwhile
	serial := responderOf(t, w, authority.ID, cert).SerialNumber
	Check(t, Second(w.CAs.RevokeSerial(Operator(t), authority.ID, domain.SerialRevocation{
		Serial: serial.Text(10), RevocationSpec: domain.RevocationSpec{Reason: domain.KeyCompromise},
	})))
	if after := responderOf(t, w, authority.ID, cert); after.SerialNumber.Cmp(serial) == 0 {
		t.Error("a revoked responder answers")
	}
	if n := len(certificatesOf(t, w, domain.CertificateFilter{CAID: unasked.ID})); n > 0 {
		t.Errorf("a CA that nobody asks about has %d certificates", n)
	}
	Check(t, w.CAs.Delete(Operator(t), unasked.ID))
}

// TestOCSP_EndOfCA: a responder does not outlive its CA, and none is made just to end with it.
func TestOCSP_EndOfCA(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	authority := Must(w.CAs.Create(Operator(t), domain.CASpec{
		Name: Fresh("ca"), Subject: domain.Subject{Email: "a@b.c"}, Expiration: new(40),
	}))(t)
	issuer := caOf(t, w, authority.ID)
	for range 4 {
		if end := responderOf(t, w, authority.ID, issuer).NotAfter; end.After(issuer.NotAfter) {
			t.Errorf("the responder ends at %s, the CA at %s", end, issuer.NotAfter)
		}
		w.Clock.Pass(9 * Day)
		Check(t, w.OCSP.RenewResponders(t.Context()))
	}
	WantSame(t, len(certificatesOf(t, w, domain.CertificateFilter{CAID: authority.ID})), 2)
	w.Clock.Pass(5 * Day)
	Check(t, w.OCSP.RenewResponders(t.Context()))
	WantSame(t, len(certificatesOf(t, w, domain.CertificateFilter{CAID: authority.ID})), 2)
	Check(t, w.CAs.Delete(Operator(t), authority.ID)) // its responders do not keep it
}
