package pki_test

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"log/slog"
	"math/big"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/pki"
	"github.com/chaveiro/chaveiro/pkg/service"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// certOf is the certificate of a client.
func certOf(t testing.TB, w *World, clientID int64) *x509.Certificate {
	t.Helper()
	return Must(ca.ReadCertificate(Must(w.Store.Certificates().OfClient(t.Context(), clientID))(t).DER))(t)
}

// caOf is the certificate of a CA.
func caOf(t testing.TB, w *World, caID int64) *x509.Certificate {
	t.Helper()
	return Must(ca.ReadCertificate(Must(w.Store.CAs().Key(t.Context(), caID))(t).Certificate))(t)
}

// ocspRequest asks about a serial of a CA.
func ocspRequest(t testing.TB, issuer *x509.Certificate, serial *big.Int) []byte {
	t.Helper()
	return Must(ocsp.CreateRequest(&x509.Certificate{SerialNumber: serial}, issuer, nil))(t)
}

// ask asks a replica about a certificate, and verifies the answer with the CA alone.
func ask(t testing.TB, w *World, caID int64, cert *x509.Certificate) *ocsp.Response {
	t.Helper()
	issuer := caOf(t, w, caID)
	reply := w.OCSP.Answer(t.Context(), caID, ocspRequest(t, issuer, cert.SerialNumber))
	got, err := ocsp.ParseResponseForCert(reply.DER, cert, issuer)
	if err != nil {
		t.Fatalf("%s: %v", reply.Outcome, err)
	}
	outcomes := []pki.OCSPOutcome{ocsp.Good: pki.OCSPGood, ocsp.Revoked: pki.OCSPRevoked, ocsp.Unknown: pki.OCSPUnknown}
	WantSame(t, reply.Outcome, outcomes[got.Status])
	return got
}

func wantOCSP(t testing.TB, w *World, caID int64, cert *x509.Certificate, status int) {
	t.Helper()
	if got := ask(t, w, caID, cert); got.Status != status {
		t.Errorf("the status is %d, want %d", got.Status, status)
	}
}

// TestOCSP: every replica answers with the last committed revocation, whatever it has signed
// before.
func TestOCSP(t *testing.T) {
	t.Parallel()
	for engine, open := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			w := WorldOn(t, open(t), slog.DiscardHandler)
			other := w.Replica(t)
			authority := w.NewCA(t)
			client := w.NewClient(t, authority.ID)
			cert := certOf(t, w, client.ID)
			all := func(status int) {
				t.Helper()
				for _, replica := range []*World{w, other, w} {
					wantOCSP(t, replica, authority.ID, cert, status)
				}
			}
			all(ocsp.Good)
			Check(t, Second(other.Clients.Suspend(t.Context(), client.ID)))
			all(ocsp.Revoked)
			WantSame(t, ask(t, w, authority.ID, cert).RevocationReason, ocsp.CertificateHold)
			Check(t, Second(w.Clients.Resume(t.Context(), client.ID)))
			all(ocsp.Good)
			w.Clock.Pass(time.Hour)
			since := w.Clock.Now()
			spec := domain.RevocationSpec{Reason: domain.KeyCompromise}
			Check(t, Second(w.Clients.Revoke(t.Context(), client.ID, spec)))
			all(ocsp.Revoked)
			got := ask(t, other, authority.ID, cert)
			WantSame(t, got.RevokedAt, since)
			WantSame(t, got.RevocationReason, ocsp.KeyCompromise)
			WantSame(t, got.ThisUpdate, since)
			WantSame(t, got.NextUpdate, since.Add(OCSPLife))
		})
	}
}

// TestOCSP_Unissued: a serial that the CA has no record of is unknown, or good by choice, until it
// is issued or revoked.
func TestOCSP_Unissued(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	lenient := w.With(t, func(s *service.Settings) { s.OCSPGoodUnissued = true })
	authority := w.NewCA(t)
	stranger := &x509.Certificate{SerialNumber: big.NewInt(-77)}
	wantOCSP(t, w, authority.ID, stranger, ocsp.Unknown)
	wantOCSP(t, lenient, authority.ID, stranger, ocsp.Good)
	wantOCSP(t, w, authority.ID, caOf(t, w, authority.ID), ocsp.Good)
	revoke := domain.SerialRevocation{Serial: ca.FormatSerial(stranger.SerialNumber)}
	Check(t, Second(w.CAs.RevokeSerial(Operator(t), authority.ID, revoke)))
	wantOCSP(t, w, authority.ID, stranger, ocsp.Revoked)
	wantOCSP(t, lenient, authority.ID, stranger, ocsp.Revoked)
}

// TestOCSP_Kept: what was signed is used again for a while, but never for a request with a nonce,
// and never when the clock was set back.
func TestOCSP_Kept(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	authority := w.NewCA(t)
	cert := certOf(t, w, w.NewClient(t, authority.ID).ID)
	first := ask(t, w, authority.ID, cert)
	for _, after := range []struct {
		pass time.Duration
		same bool
	}{{30 * time.Second, true}, {30 * time.Second, false}, {-time.Hour, false}} {
		w.Clock.Pass(after.pass)
		next := ask(t, w, authority.ID, cert)
		if same := string(next.Signature) == string(first.Signature); same != after.same {
			t.Errorf("after %s the same answer: %t", after.pass, same)
		}
		if !same(next.ThisUpdate, w.Clock.Now(), 30*time.Second) {
			t.Errorf("it is of %s", next.ThisUpdate)
		}
	}
}

func same(a, b time.Time, within time.Duration) bool { return a.Sub(b).Abs() <= within }

// TestOCSP_Errors: what is no answer says why.
func TestOCSP_Errors(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	authority, other := w.NewCA(t), w.NewCA(t)
	mine := ocspRequest(t, caOf(t, w, authority.ID), big.NewInt(5))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for name, one := range map[string]struct {
		ctx     context.Context
		id      int64
		der     []byte
		outcome pki.OCSPOutcome
		status  ca.OCSPStatus
	}{
		"no request":            {t.Context(), authority.ID, []byte("hello"), pki.OCSPMalformed, ca.OCSPMalformed},
		"another CA":            {t.Context(), other.ID, mine, pki.OCSPUnauthorized, ca.OCSPUnauthorized},
		"no CA":                 {t.Context(), 1 << 40, mine, pki.OCSPUnauthorized, ca.OCSPUnauthorized},
		"a caller that is gone": {gone, authority.ID, mine, pki.OCSPTryLater, ca.OCSPTryLater},
	} {
		reply := w.OCSP.Answer(one.ctx, one.id, one.der)
		if reply.Outcome != one.outcome || string(reply.DER) != string(ca.OCSPError(one.status)) {
			t.Errorf("%s: %s, %x", name, reply.Outcome, reply.DER)
		}
	}
}

// TestOCSP_Outage: without the database there is no answer, not even one that was signed before.
func TestOCSP_Outage(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	authority := w.NewCA(t)
	issuer, cert := caOf(t, w, authority.ID), certOf(t, w, w.NewClient(t, authority.ID).ID)
	wantOCSP(t, w, authority.ID, cert, ocsp.Good)
	request := ocspRequest(t, issuer, cert.SerialNumber)
	w.OCSP.Store = &brokenStore{Store: w.Store}
	WantSame(t, w.OCSP.Answer(t.Context(), authority.ID, request).Outcome, pki.OCSPTryLater)
	w.OCSP.Store = w.Store
	WantSame(t, w.OCSP.Answer(t.Context(), authority.ID, request).Outcome, pki.OCSPGood)
}

// brokenStore is a database that reads no revocations.
type brokenStore struct{ domain.Store }

func (s *brokenStore) Revocations() domain.Revocations {
	return brokenRevocations{s.Store.Revocations()}
}

type brokenRevocations struct{ domain.Revocations }

var errBroken = errors.New("broken")

func (brokenRevocations) Point(context.Context, int64) (p domain.RevocationPoint, err error) {
	return p, errBroken
}

func (brokenRevocations) Status(context.Context, int64, string) (s domain.SerialStatus, err error) {
	return s, errBroken
}

// TestOCSP_Issuers: certificates of a CA are recognized whatever CA it is: imported, with an RSA
// key, below another one, renewed, or at its end.
func TestOCSP_Issuers(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	root := w.NewCA(t)
	short := domain.CASpec{Name: Fresh("ca"), Subject: domain.Subject{Email: "a@b.c"}, Expiration: new(20)}
	short.ParentID = root.ID
	rsa := domain.CASpec{Name: Fresh("São Paulo "), Subject: short.Subject, KeyAlgorithm: "rsa-2048"}
	list := map[string]domain.CA{
		"below another": Must(w.CAs.Create(Operator(t), short))(t), "RSA": Must(w.CAs.Create(Operator(t), rsa))(t),
		"imported": NewForeignCA(t).ImportInto(t, w, nil), "renewed": w.NewCA(t),
	}
	for name, authority := range list {
		cert := certOf(t, w, w.NewClient(t, authority.ID).ID)
		before := caOf(t, w, authority.ID)
		wantOCSP(t, w, authority.ID, cert, ocsp.Good)
		if name == "renewed" {
			w.Clock.Pass(time.Hour)
			Check(t, Second(w.CAs.Renew(Operator(t), authority.ID, domain.CARenewal{})))
			wantOCSP(t, w, authority.ID, cert, ocsp.Good)
		}
		for _, hash := range []crypto.Hash{crypto.SHA1, crypto.SHA256, crypto.SHA384, crypto.SHA512} {
			request := Must(ocsp.CreateRequest(cert, before, &ocsp.RequestOptions{Hash: hash}))(t)
			WantSame(t, w.OCSP.Answer(t.Context(), authority.ID, request).Outcome, pki.OCSPGood)
		}
	}
	ended := list["below another"]
	cert := certOf(t, w, w.NewClient(t, ended.ID).ID)
	wantOCSP(t, w, ended.ID, cert, ocsp.Good)
	w.Clock.Pass(20 * Day)
	reply := w.OCSP.Answer(t.Context(), ended.ID, ocspRequest(t, caOf(t, w, ended.ID), cert.SerialNumber))
	WantSame(t, reply.Outcome, pki.OCSPUnauthorized)
}
