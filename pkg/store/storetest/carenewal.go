package storetest

import (
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// caRenewalRules is the contract of domain.CAs for the renewal of a CA.
var caRenewalRules = rules{
	{storedForm, testCARenewed},
	{missing, testCARenewalMissing},
	{unique, testCASuccessor},
	{references, testCACertificatesGo},
}

func testCARenewed(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("a renewal replaces the certificate, and nothing else", func(t *testing.T) {
		before, other := newCA(t, s), newCA(t, s)
		after := before
		after.ParentID, after.ExpiresAt = other.ID, noon.AddDate(40, 0, 0)
		after.RenewedAt, after.UpdatedAt = noon.Add(time.Hour), noon.Add(2*time.Hour)
		asked := after
		asked.Name, asked.Description, asked.KeyAlgorithm, asked.CreatedAt = "other", "other", "rsa-2048", noon.Add(1)
		key := domain.CAKey{Certificate: []byte{0, 0xff}, SealedKey: []byte("sealed"), Chain: []byte{0x30, 0}}
		check(t, s.CAs().Renew(ctx, asked, key))
		wantSame(t, must(s.CAs().Get(ctx, before.ID))(t), after)
		wantSame(t, must(s.CAs().Lock(ctx, before.ID))(t), after)
		key.CAID, key.ParentID = before.ID, other.ID
		wantSame(t, must(s.CAs().Key(ctx, before.ID))(t), key)
		wantSame(t, must(s.CAs().Get(ctx, other.ID))(t), other)

		after.ParentID = 0
		check(t, s.CAs().Renew(ctx, after, domain.CAKey{Certificate: []byte{1}, SealedKey: []byte{2}}))
		wantSame(t, must(s.CAs().Key(ctx, before.ID))(t), domain.CAKey{
			CAID: before.ID, Certificate: []byte{1}, SealedKey: []byte{2},
		})
	})
	t.Run("the other certificates are read back whole, in the order in which they came", func(t *testing.T) {
		c, other := newCA(t, s), newCA(t, s)
		var want []domain.CACertificate
		for i, kind := range []domain.CACertificateKind{domain.CACertificateEarlier, domain.CACertificateCross} {
			one := domain.CACertificate{
				CAID: c.ID, Kind: kind, DER: []byte{0, byte(i), 0xff},
				CreatedAt: noon.Add(time.Duration(i) * time.Second),
			}
			check(t, s.CAs().AddCertificate(ctx, &one))
			want = append(want, one)
		}
		wantSame(t, must(s.CAs().Certificates(ctx, c.ID))(t), want)
		wantSame(t, len(must(s.CAs().Certificates(ctx, other.ID))(t)), 0)
	})
}

func testCARenewalMissing(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("a CA that does not exist is not renewed, and has no certificates", func(t *testing.T) {
		gone := sampleCA("gone")
		gone.ID = absent
		wantMissing(t, s.CAs().Renew(ctx, gone, domain.CAKey{Certificate: []byte{1}, SealedKey: []byte{1}}))
		one := domain.CACertificate{CAID: absent, Kind: domain.CACertificateEarlier, DER: []byte{1}, CreatedAt: noon}
		wantFault(t, s.CAs().AddCertificate(ctx, &one), domain.NotFound, "ca_id", domain.ReasonNotFound)
		wantSame(t, len(must(s.CAs().Certificates(ctx, absent))(t)), 0)
	})
}

func testCASuccessor(t *testing.T, s domain.Store) {
	ctx := t.Context()
	succeed := func(c domain.CA) (domain.CA, error) {
		next := sampleCA(fresh("ca"))
		next.PredecessorID = c.ID
		err := s.CAs().Create(ctx, &next, domain.CAKey{Certificate: []byte{1}, SealedKey: []byte{1}}, domain.CRLState{})
		return next, err
	}
	t.Run("a CA has one successor, and stays as long as that does", func(t *testing.T) {
		first := newCA(t, s)
		second := must(succeed(first))(t)
		_, err := succeed(first)
		wantFault(t, err, domain.Duplicated, "id", domain.ReasonDuplicated)
		first.SuccessorID = second.ID
		wantSame(t, must(s.CAs().Get(ctx, first.ID))(t), first)
		wantSame(t, must(s.CAs().Get(ctx, second.ID))(t), second)
		wantSame(t, must(s.CAs().Lock(ctx, first.ID))(t), first)
		wantSame(t, must(s.CAs().Key(ctx, first.ID))(t).SuccessorID, second.ID)
		wantSame(t, must(s.CAs().Key(ctx, second.ID))(t).PredecessorID, first.ID)
		wantFault(t, s.CAs().Delete(ctx, first.ID), domain.Rule, "id", domain.ReasonCAInUse)
		check(t, s.CAs().Delete(ctx, second.ID))
		must(succeed(first))(t)
	})
}

func testCACertificatesGo(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("deletion takes its other certificates along", func(t *testing.T) {
		c := newCA(t, s)
		one := domain.CACertificate{CAID: c.ID, Kind: domain.CACertificateEarlier, DER: []byte{1}, CreatedAt: noon}
		check(t, s.CAs().AddCertificate(ctx, &one))
		check(t, s.CAs().Delete(ctx, c.ID))
		wantSame(t, len(must(s.CAs().Certificates(ctx, c.ID))(t)), 0)
	})
}

// fillRenewal makes a successor of a CA, which was renewed and has other certificates.
func fillRenewal(t testing.TB, s domain.Store, authority domain.CA) {
	t.Helper()
	ctx := t.Context()
	next := sampleCA(fresh("ca"))
	next.PredecessorID, next.RenewedAt = authority.ID, noon.Add(time.Microsecond)
	check(t, s.CAs().Create(ctx, &next, domain.CAKey{Certificate: octets(), SealedKey: octets()}, domain.CRLState{}))
	check(t, s.CAs().Renew(ctx, next, domain.CAKey{Certificate: octets(), SealedKey: octets(), Chain: octets()}))
	for _, kind := range []domain.CACertificateKind{domain.CACertificateEarlier, domain.CACertificateCross} {
		one := domain.CACertificate{CAID: next.ID, Kind: kind, DER: octets(), CreatedAt: noon.Add(time.Microsecond)}
		check(t, s.CAs().AddCertificate(ctx, &one))
	}
}
