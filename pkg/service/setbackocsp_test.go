package service_test

import (
	"crypto/x509"
	"log/slog"
	"testing"

	"golang.org/x/crypto/ocsp"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/history"
	"github.com/chaveiro/chaveiro/pkg/pki"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// askOCSP asks about the certificate of a client, and verifies the answer with the present CA.
func askOCSP(t *testing.T, w *World, caID int64, cert *x509.Certificate) pki.OCSPOutcome {
	t.Helper()
	issuer := Must(ca.ReadCertificate(Must(w.Store.CAs().Key(t.Context(), caID))(t).Certificate))(t)
	reply := w.OCSP.Answer(t.Context(), caID, Must(ocsp.CreateRequest(cert, issuer, nil))(t))
	if !reply.From.IsZero() {
		Must(ocsp.ParseResponseForCert(reply.DER, cert, issuer))(t)
	}
	return reply.Outcome
}

func certOfClient(t *testing.T, w *World, id int64) *x509.Certificate {
	t.Helper()
	return Must(ca.ReadCertificate(Must(w.Store.Certificates().OfClient(t.Context(), id))(t).DER))(t)
}

// TestSetBack_OCSP: the number of revocations falls and rises again, to less than, as many as and
// more than those that a replica has answered with. It answers as its lists do.
func TestSetBack_OCSP(t *testing.T) {
	t.Parallel()
	SetBack(t, func(t *testing.T, w *World, keep func() func()) {
		authority := w.NewCA(t)
		stays, lost, later := w.NewClient(t, authority.ID), w.NewClient(t, authority.ID), w.NewClient(t, authority.ID)
		certs := []*x509.Certificate{
			certOfClient(t, w, stays.ID), certOfClient(t, w, lost.ID), certOfClient(t, w, later.ID),
		}
		want := func(outcomes ...pki.OCSPOutcome) {
			t.Helper()
			for i, outcome := range outcomes {
				WantSame(t, askOCSP(t, w, authority.ID, certs[i]), outcome)
			}
		}
		w.Revoke(t, stays.ID)
		want(pki.OCSPRevoked, pki.OCSPGood, pki.OCSPGood)
		restore, other := keep(), w.Replica(t)
		for again := range 3 {
			w.Revoke(t, lost.ID)
			want(pki.OCSPRevoked, pki.OCSPRevoked, pki.OCSPGood)
			restore()
			third := pki.OCSPGood
			if again > 0 {
				other.Revoke(t, later.ID)
				third = pki.OCSPRevoked
			}
			if again > 1 {
				other.Revoke(t, w.NewClient(t, authority.ID).ID)
			}
			want(pki.OCSPRevoked, pki.OCSPGood, third)
			restore()
			want(pki.OCSPRevoked, pki.OCSPGood, pki.OCSPGood)
		}
	})
}

// TestSetBack_OCSPOfAnotherCA: what is asked for the id of a CA is signed below the CA that the
// database has.
func TestSetBack_OCSPOfAnotherCA(t *testing.T) {
	t.Parallel()
	SetBack(t, func(t *testing.T, w *World, keep func() func()) {
		restore := keep()
		gone := w.NewCA(t)
		cert := certOfClient(t, w, w.NewClient(t, gone.ID).ID)
		WantSame(t, askOCSP(t, w, gone.ID, cert), pki.OCSPGood)
		restore()
		other := w.Replica(t)
		taken := other.NewCA(t)
		WantSame(t, taken.ID, gone.ID) // otherwise the test proves nothing
		WantSame(t, askOCSP(t, w, taken.ID, cert), pki.OCSPUnknown)
		WantSame(t, askOCSP(t, w, taken.ID, certOfClient(t, other, other.NewClient(t, taken.ID).ID)), pki.OCSPGood)
	})
}

// TestSetBack_OCSPWithheld: a replica signs no answers in a database that has moved until the
// incarnation is renewed, as it signs no lists.
func TestSetBack_OCSPWithheld(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	authority := w.NewCA(t)
	client := w.NewClient(t, authority.ID)
	cert := certOfClient(t, w, client.ID)
	WantSame(t, askOCSP(t, w, authority.ID, cert), pki.OCSPGood)
	fresh, moved := w.Replica(t), &movedStore{w.Store, true}
	settled := fresh.OCSP.History
	fresh.OCSP.History = history.New(moved, w.Clock.Now, slog.New(slog.DiscardHandler))
	for range 2 {
		WantSame(t, askOCSP(t, fresh, authority.ID, cert), pki.OCSPTryLater)
	}
	w.Revoke(t, client.ID)
	WantSame(t, askOCSP(t, fresh, authority.ID, cert), pki.OCSPTryLater)
	moved.readOnly = false
	WantSame(t, askOCSP(t, fresh, authority.ID, cert), pki.OCSPRevoked)
	fresh.OCSP.History = settled
	WantSame(t, askOCSP(t, fresh, authority.ID, cert), pki.OCSPRevoked)
}
