package storetest

import (
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// newResponder stores the certificate of a responder, and the responder.
func newResponder(
	t testing.TB, s domain.Store, caID, generation int64, alter ...func(*domain.Certificate),
) domain.OCSPResponder {
	t.Helper()
	alter = append(alter, func(c *domain.Certificate) {
		c.Kind, c.SealedKey, c.KeyKept = domain.CertificateOfResponder, nil, false
	})
	cert := newCertificate(t, s, domain.Client{CAID: caID, Name: "OCSP"}, alter...)
	r := domain.OCSPResponder{CAID: caID, Generation: generation, CertificateID: cert.ID, SealedKey: octets()}
	check(t, s.OCSPResponders().Replace(t.Context(), r))
	r.DER, r.NotAfter, r.Revoked = cert.DER, cert.NotAfter, cert.Revoked()
	return r
}

// responderRules is the contract of domain.OCSPResponders.
var responderRules = rules{
	{order, testRespondersEnding}, // first: it reads the whole table
	{storedForm, testResponderForm},
	{unique, testResponderUnique},
	{references, testResponderReferences},
}

func testResponderForm(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("the newest responder is read back whole, with its certificate", func(t *testing.T) {
		c, other := newCA(t, s), newCA(t, s)
		_, err := s.OCSPResponders().Of(ctx, c.ID)
		wantMissing(t, err)
		for generation := range int64(3) {
			want := newResponder(t, s, c.ID, generation+1)
			wantSame(t, must(s.OCSPResponders().Of(ctx, c.ID))(t), want)
		}
		_, err = s.OCSPResponders().Of(ctx, other.ID)
		wantMissing(t, err)
	})
	t.Run("a revoked one says so", func(t *testing.T) {
		r := newResponder(t, s, newCA(t, s).ID, 1)
		check(t, s.Certificates().Revoke(ctx, r.CertificateID, noon, domain.KeyCompromise))
		r.Revoked = true
		wantSame(t, must(s.OCSPResponders().Of(ctx, r.CAID))(t), r)
	})
}

func testResponderUnique(t *testing.T, s domain.Store) {
	t.Run("of two replicas one makes the next responder", func(t *testing.T) {
		r := newResponder(t, s, newCA(t, s).ID, 1)
		if err := s.OCSPResponders().Replace(t.Context(), r); err == nil {
			t.Error("a generation was stored twice")
		}
		wantSame(t, must(s.OCSPResponders().Of(t.Context(), r.CAID))(t), r)
	})
}

func testResponderReferences(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("the certificates of its responders go with the CA", func(t *testing.T) {
		c := newCA(t, s)
		first, second := newResponder(t, s, c.ID, 1), newResponder(t, s, c.ID, 2)
		check(t, s.CAs().Delete(ctx, c.ID))
		_, err := s.OCSPResponders().Of(ctx, c.ID)
		wantMissing(t, err)
		for _, r := range []domain.OCSPResponder{first, second} {
			_, err := s.Certificates().Get(ctx, r.CertificateID)
			wantMissing(t, err)
		}
	})
	t.Run("a CA that is in use keeps its responder", func(t *testing.T) {
		c := newCA(t, s)
		r := newResponder(t, s, c.ID, 1)
		newClient(t, s, c.ID)
		wantFault(t, s.CAs().Delete(ctx, c.ID), domain.Rule, "id", domain.ReasonCAInUse)
		wantSame(t, must(s.OCSPResponders().Of(ctx, c.ID))(t), r)
	})
	t.Run("there is no responder without a CA or a certificate", func(t *testing.T) {
		r := newResponder(t, s, newCA(t, s).ID, 1)
		for _, wrong := range []domain.OCSPResponder{
			{CAID: absent, Generation: 1, CertificateID: r.CertificateID, SealedKey: octets()},
			{CAID: newCA(t, s).ID, Generation: 1, CertificateID: absent, SealedKey: octets()},
		} {
			if err := s.OCSPResponders().Replace(ctx, wrong); err == nil {
				t.Errorf("%+v was stored", wrong)
			}
		}
	})
}

func testRespondersEnding(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("those that end soon or are revoked are due, each CA once", func(t *testing.T) {
		until := func(end time.Time) func(*domain.Certificate) {
			return func(c *domain.Certificate) { c.NotAfter = end }
		}
		a, b, c := newCA(t, s).ID, newCA(t, s).ID, newCA(t, s).ID
		newResponder(t, s, a, 1, until(noon))
		newResponder(t, s, b, 1, until(noon))
		newResponder(t, s, b, 2, until(noon.Add(time.Hour)))
		revoked := newResponder(t, s, c, 1, until(noon.Add(time.Hour)))
		check(t, s.Certificates().Revoke(ctx, revoked.CertificateID, noon, domain.KeyCompromise))
		due := s.OCSPResponders().Ending
		wantSame(t, must(due(ctx, noon.Add(time.Second)))(t), []int64{a, c})
		wantSame(t, must(due(ctx, noon))(t), []int64{c})
		wantSame(t, must(due(ctx, noon.Add(2*time.Hour)))(t), []int64{a, b, c})
	})
}

// testRevocationStatus is the contract of Revocations.Status.
func testRevocationStatus(t *testing.T, s domain.Store) {
	ctx := t.Context()
	c, other := newCA(t, s), newCA(t, s)
	cert := newCertificate(t, s, newClient(t, s, c.ID))
	point := func() domain.RevocationPoint { return must(s.Revocations().Point(ctx, c.ID))(t) }
	status := func(serial string) domain.SerialStatus {
		got := must(s.Revocations().Status(ctx, c.ID, serial))(t)
		wantClock(t, s, got.Now)
		got.Now = time.Time{}
		return got
	}
	t.Run("a serial is issued, revoked, resumed or unknown", func(t *testing.T) {
		wantSame(t, status(cert.Serial), domain.SerialStatus{RevocationPoint: point(), Issued: true})
		wantSame(t, status("absent"), domain.SerialStatus{RevocationPoint: point()})
		epoch := must(s.Revocations().Advance(ctx, c.ID))(t)
		held := domain.Revocation{
			CAID: c.ID, Serial: cert.Serial, RevokedAt: noon, Reason: domain.CertificateHold, Epoch: epoch,
		}
		alien := domain.Revocation{CAID: c.ID, Serial: "alien", RevokedAt: noon, Reason: domain.RemoveFromCRL, Epoch: epoch}
		check(t, s.Revocations().Add(ctx, []domain.Revocation{held, alien}))
		want := domain.SerialStatus{RevocationPoint: point(), Issued: true, RevokedAt: noon, Reason: held.Reason}
		wantSame(t, status(cert.Serial), want)
		want.Reason = alien.Reason
		wantSame(t, status("alien"), want)
		held.Reason, held.Epoch = domain.RemoveFromCRL, must(s.Revocations().Advance(ctx, c.ID))(t)
		check(t, s.Revocations().Change(ctx, held))
		wantSame(t, status(cert.Serial), domain.SerialStatus{RevocationPoint: point(), Issued: true})
	})
	t.Run("it is looked for in its CA and as it is written", func(t *testing.T) {
		wantSame(t, must(s.Revocations().Status(ctx, other.ID, cert.Serial))(t).Issued, false)
		wantSame(t, status(cert.Serial+" ").Issued, false)
		_, err := s.Revocations().Status(ctx, absent, cert.Serial)
		wantMissing(t, err)
	})
}
