package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// unread is a certificate as the lists have it: without the large columns.
func unread(c domain.Certificate) domain.Certificate {
	c.DER, c.SealedKey = nil, nil
	return c
}

// newCertificate stores a certificate of a client, which alter changes before.
func newCertificate(
	t testing.TB, s domain.Store, client domain.Client, alter ...func(*domain.Certificate),
) domain.Certificate {
	t.Helper()
	c := sampleCertificate(client, fresh("serial"))
	for _, change := range alter {
		change(&c)
	}
	check(t, s.Certificates().Create(t.Context(), &c))
	return c
}

func testCertificateUpdates(t *testing.T, s domain.Store) {
	ctx := t.Context()
	authority := newCA(t, s)
	t.Run("a revocation sets time and reason alone, and a zero time resumes", func(t *testing.T) {
		beside := newCertificate(t, s, newClient(t, s, authority.ID))
		want := newCertificate(t, s, newClient(t, s, authority.ID))
		for _, step := range []struct {
			at     time.Time
			reason domain.RevocationReason
		}{
			{noon, domain.CertificateHold}, {time.Time{}, domain.RemoveFromCRL},
			{noon.Add(time.Hour), domain.KeyCompromise},
		} {
			check(t, s.Certificates().Revoke(ctx, want.ID, step.at, step.reason))
			want.RevokedAt, want.Reason = step.at, step.reason
			wantSame(t, must(s.Certificates().Get(ctx, want.ID))(t), want)
		}
		wantSame(t, must(s.Certificates().Get(ctx, beside.ID))(t), beside)
	})
	t.Run("superseding sets its time alone", func(t *testing.T) {
		want := newCertificate(t, s, newClient(t, s, authority.ID))
		check(t, s.Certificates().Supersede(ctx, want.ID, noon.Add(time.Hour)))
		want.SupersededAt = noon.Add(time.Hour)
		wantSame(t, must(s.Certificates().Get(ctx, want.ID))(t), want)
	})
	t.Run("descriptions", func(t *testing.T) { testDescribe(t, s) })
	t.Run("a change is undone with its transaction", func(t *testing.T) {
		want := newCertificate(t, s, newClient(t, s, authority.ID))
		err := s.Transact(ctx, func(tx domain.Store) error {
			check(t, tx.Certificates().Revoke(ctx, want.ID, noon, domain.Superseded))
			wantSame(t, must(tx.Certificates().OfSerial(ctx, want.CAID, want.Serial))(t).Revoked(), true)
			return domain.Fault(domain.Rule, "", domain.ReasonForbidden)
		})
		if !domain.IsKind(err, domain.Rule) {
			t.Error(err)
		}
		wantSame(t, must(s.Certificates().Get(ctx, want.ID))(t), want)
	})
}

// testDescribe: certificates that an earlier version has stored get a fingerprint and an algorithm,
// and their clients those of the newest one.
func testDescribe(t *testing.T, s domain.Store) {
	ctx := t.Context()
	undescribed := func(c *domain.Certificate) { c.Fingerprint, c.KeyAlgorithm = "", "" }
	client := newClient(t, s, newCA(t, s).ID)
	newCertificate(t, s, client)
	first, last := newCertificate(t, s, client, undescribed), newCertificate(t, s, client, undescribed)
	foreign := newCertificate(t, s, client, undescribed, func(c *domain.Certificate) {
		c.ClientID, c.Kind = 0, domain.CertificateOfForeign
	})
	client.Take(last)
	check(t, s.Clients().Renew(ctx, client))
	list := must(s.Certificates().Undescribed(ctx, 10))(t)
	wantSame(t, list, []domain.Certificate{first, last, foreign})
	wantSame(t, must(s.Certificates().Undescribed(ctx, 2))(t), list[:2])

	for i := range list {
		list[i].Fingerprint, list[i].KeyAlgorithm = fmt.Sprintf("f%d", i), fmt.Sprintf("a%d", i)
	}
	lost := list[0]
	lost.ID = absent
	wantMissing(t, s.Certificates().Describe(ctx, append(list[:1:1], lost)))
	wantSame(t, len(must(s.Certificates().Undescribed(ctx, 10))(t)), 3)
	for range 2 {
		check(t, s.Certificates().Describe(ctx, list))
	}
	wantSame(t, len(must(s.Certificates().Undescribed(ctx, 10))(t)), 0)
	for _, want := range list {
		wantSame(t, must(s.Certificates().Get(ctx, want.ID))(t), want)
	}
	client.Fingerprint, client.KeyAlgorithm = "f1", "a1"
	wantSame(t, must(s.Clients().Get(ctx, client.ID))(t), client)
}

// testStanding: a client's certificates stand until they are revoked for good.
func testStanding(t *testing.T, s domain.Store) {
	ctx := t.Context()
	client := newClient(t, s, newCA(t, s).ID)
	newCertificate(t, s, newClient(t, s, client.CAID))
	revoked := func(reason domain.RevocationReason) func(*domain.Certificate) {
		return func(c *domain.Certificate) { c.RevokedAt, c.Reason = noon, reason }
	}
	ended := newCertificate(t, s, client, func(c *domain.Certificate) { c.NotAfter = noon.AddDate(-1, 0, 0) })
	newCertificate(t, s, client, revoked(domain.Unspecified))
	held := newCertificate(t, s, client, revoked(domain.CertificateHold))
	newCertificate(t, s, client, revoked(domain.Superseded))
	resumed := newCertificate(t, s, client, func(c *domain.Certificate) { c.Reason = domain.RemoveFromCRL })
	wantSame(
		t, must(s.Certificates().Standing(ctx, client.ID))(t),
		[]domain.Certificate{unread(ended), unread(held), unread(resumed)},
	)
	wantSame(t, must(s.Certificates().Standing(ctx, absent))(t), []domain.Certificate{})
}

// testSuperseded: what is due is told, the earliest first, until it is revoked for good.
func testSuperseded(t *testing.T, s domain.Store) {
	ctx := t.Context()
	client := newClient(t, s, newCA(t, s).ID)
	at := func(after time.Duration, reason domain.RevocationReason) domain.Certificate {
		return newCertificate(t, s, client, func(c *domain.Certificate) {
			c.SupersededAt, c.Reason = noon.Add(after), reason
			if reason != domain.Unspecified {
				c.RevokedAt = noon.Add(-time.Hour)
			}
		})
	}
	newCertificate(t, s, client)
	now, later := at(0, domain.Unspecified), at(time.Microsecond, domain.Unspecified)
	held := at(-time.Hour, domain.CertificateHold)
	at(-2*time.Hour, domain.KeyCompromise)
	due := func(now time.Time, limit int) []domain.Certificate {
		return must(s.Certificates().Superseded(ctx, now, limit))(t)
	}
	brasilia := time.FixedZone("-03", -3*60*60)
	wantSame(t, due(noon.Add(-time.Hour-time.Microsecond), 10), []domain.Certificate{})
	wantSame(t, due(noon.In(brasilia), 10), []domain.Certificate{unread(held), unread(now)})
	wantSame(t, due(noon, 1), []domain.Certificate{unread(held)})
	wantSame(t, due(noon.Add(time.Microsecond), 10), []domain.Certificate{unread(held), unread(now), unread(later)})
	check(t, s.Certificates().Revoke(ctx, held.ID, noon, domain.Superseded))
	check(t, s.Certificates().Revoke(ctx, now.ID, noon, domain.Superseded))
	wantSame(t, due(noon, 10), []domain.Certificate{})
}
