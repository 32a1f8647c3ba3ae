package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
)

// revocationRules is the contract of domain.Revocations.
var revocationRules = rules{
	{storedForm, testRevocationForm},
	{missing, testRevocationMissing},
	{unique, testRevocationUnique},
	{order, testRevocationOrder},
	{updates, testRevocationChange},
	{"Epochs", testRevocationEpochs},
	{"Points", testRevocationPoints},
	{"Status", testRevocationStatus},
	{locks, testRevocationLocks},
}

func testRevocationForm(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("an added revocation is found whole", func(t *testing.T) {
		c := newCA(t, s)
		known := domain.Revocation{
			CAID: c.ID, Serial: "0a", RevokedAt: noon, Reason: 4, NotAfter: noon.Add(time.Hour), Epoch: 1,
			InvalidSince: noon.Add(-time.Hour),
		}
		foreign := domain.Revocation{CAID: c.ID, Serial: "0b", RevokedAt: noon, Epoch: 2}
		check(t, s.Revocations().Add(ctx, []domain.Revocation{known, foreign}))
		for _, want := range []domain.Revocation{known, foreign} {
			got, found, err := s.Revocations().Find(ctx, c.ID, want.Serial)
			check(t, err)
			wantSame(t, found, true)
			wantSame(t, got, want)
		}
		if foreign.NotAfter != (time.Time{}) {
			t.Fatal("the foreign one should have no end")
		}
	})
	t.Run("none added is nothing", func(t *testing.T) { check(t, s.Revocations().Add(ctx, nil)) })
}

func testRevocationMissing(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("a serial is looked for in its CA and as it is written", func(t *testing.T) {
		c, other := newCA(t, s), newCA(t, s)
		check(t, s.Revocations().Add(ctx, []domain.Revocation{{CAID: c.ID, Serial: "0a", RevokedAt: noon}}))
		for _, miss := range []domain.Revocation{
			{CAID: other.ID, Serial: "0a"}, {CAID: c.ID, Serial: "0A"}, {CAID: c.ID, Serial: "a"},
			{CAID: c.ID, Serial: ""},
		} {
			_, found, err := s.Revocations().Find(ctx, miss.CAID, miss.Serial)
			check(t, err)
			wantSame(t, found, false)
		}
	})
	t.Run("a CA that does not exist has no epoch", func(t *testing.T) {
		_, err := s.Revocations().Epoch(ctx, absent)
		wantMissing(t, err)
		_, err = s.Revocations().Advance(ctx, absent)
		wantMissing(t, err)
	})
}

func testRevocationChange(t *testing.T, s domain.Store) {
	ctx := t.Context()
	c, other := newCA(t, s), newCA(t, s)
	held := domain.Revocation{
		CAID: c.ID, Serial: "0a", RevokedAt: noon, Reason: domain.CertificateHold, NotAfter: noon.Add(time.Hour), Epoch: 1,
	}
	beside, foreign := held, held
	beside.Serial, foreign.CAID = "0b", other.ID
	check(t, s.Revocations().Add(ctx, []domain.Revocation{held, beside, foreign}))
	t.Run("a change replaces the revocation of the serial alone, and says so", func(t *testing.T) {
		want := held
		for _, reason := range []domain.RevocationReason{
			domain.RemoveFromCRL, domain.CertificateHold, domain.KeyCompromise,
		} {
			want.Epoch++
			want.Reason, want.RevokedAt, want.Changed = reason, want.RevokedAt.Add(time.Minute), false
			want.InvalidSince, want.NotAfter = want.RevokedAt.Add(-time.Hour), want.NotAfter.Add(time.Second)
			check(t, s.Revocations().Change(ctx, want))
			want.Changed = true
			got, found, err := s.Revocations().Find(ctx, c.ID, "0a")
			check(t, err)
			wantSame(t, found, true)
			wantSame(t, got, want)
			wantSame(t, got.Lifted(), reason == domain.RemoveFromCRL)
			wantSame(t, must(s.Revocations().After(ctx, c.ID, 1))(t), []domain.Revocation{want})
		}
		wantSame(t, must(s.Revocations().After(ctx, c.ID, 0))(t), []domain.Revocation{beside, want})
		wantSame(t, must(s.Revocations().After(ctx, other.ID, 0))(t), []domain.Revocation{foreign})
		want.InvalidSince = time.Time{}
		check(t, s.Revocations().Change(ctx, want))
		wantSame(t, must(s.Revocations().After(ctx, c.ID, 1))(t), []domain.Revocation{want})
	})
	t.Run("a serial that is not revoked is missing", func(t *testing.T) {
		unknown := held
		unknown.Serial = "0c"
		wantMissing(t, s.Revocations().Change(ctx, unknown))
		unknown.CAID, unknown.Serial = absent, "0a"
		wantMissing(t, s.Revocations().Change(ctx, unknown))
	})
}

func testRevocationUnique(t *testing.T, s domain.Store) {
	t.Run("a long list is kept whole or not at all", func(t *testing.T) { testLongList(t, s) })
}

func testRevocationOrder(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("those after an epoch come by epoch", func(t *testing.T) {
		c := newCA(t, s)
		at := func(epoch int64, serial string) domain.Revocation {
			return domain.Revocation{CAID: c.ID, Serial: serial, RevokedAt: noon, Epoch: epoch}
		}
		check(t, s.Revocations().Add(ctx, []domain.Revocation{at(3, "01"), at(1, "05"), at(2, "03"), at(2, "02")}))
		wantSame(
			t, must(s.Revocations().After(ctx, c.ID, 0))(t),
			[]domain.Revocation{at(1, "05"), at(2, "02"), at(2, "03"), at(3, "01")},
		)
		wantSame(t, must(s.Revocations().After(ctx, c.ID, 2))(t), []domain.Revocation{at(3, "01")})
		wantSame(t, len(must(s.Revocations().After(ctx, c.ID, 3))(t)), 0)
	})
}

func testRevocationEpochs(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("advancing counts one by one", func(t *testing.T) {
		c := newCA(t, s)
		for want := int64(1); want <= 3; want++ {
			wantSame(t, must(s.Revocations().Advance(ctx, c.ID))(t), want)
			wantSame(t, must(s.Revocations().Epoch(ctx, c.ID))(t), want)
		}
	})
	t.Run("advancing is undone with its transaction", func(t *testing.T) {
		c := newCA(t, s)
		changed := errors.New("changed my mind")
		err := s.Transact(ctx, func(tx domain.Store) error {
			wantSame(t, must(tx.Revocations().Advance(ctx, c.ID))(t), 1)
			wantSame(t, must(tx.Revocations().Epoch(ctx, c.ID))(t), 1)
			return changed
		})
		if !errors.Is(err, changed) {
			t.Error(err)
		}
		wantSame(t, must(s.Revocations().Epoch(ctx, c.ID))(t), 0)
	})
}

func testLongList(t *testing.T, s domain.Store) {
	c := newCA(t, s)
	long := make([]domain.Revocation, 2500)
	for i := range long {
		long[i] = domain.Revocation{CAID: c.ID, Serial: fmt.Sprintf("%04x", i+1), RevokedAt: noon, Epoch: 1}
	}
	last := &long[len(long)-1]
	serial := last.Serial
	last.Serial = long[0].Serial
	if err := s.Revocations().Add(t.Context(), long); err == nil {
		t.Error("a serial was taken twice")
	}
	wantSame(t, len(must(s.Revocations().After(t.Context(), c.ID, 0))(t)), 0)
	last.Serial = serial
	check(t, s.Revocations().Add(t.Context(), long))
	wantSame(t, must(s.Revocations().After(t.Context(), c.ID, 0))(t), long)
}

func testAdvanceRace(t *testing.T, s domain.Store) {
	for _, inTransaction := range []bool{false, true} {
		c := newCA(t, s)
		epochs, faults := domaintest.Together(16, func(int) (epoch int64, err error) {
			if !inTransaction {
				return s.Revocations().Advance(t.Context(), c.ID)
			}
			err = s.Transact(t.Context(), func(tx domain.Store) error {
				epoch, err = tx.Revocations().Advance(t.Context(), c.ID)
				return err
			})
			return epoch, err
		})
		checkAll(t, faults)
		slices.Sort(epochs)
		want := make([]int64, 16)
		for i := range want {
			want[i] = int64(i + 1)
		}
		wantSame(t, epochs, want)
	}
}

func testRevocationPoints(t *testing.T, s domain.Store) {
	ctx := t.Context()
	point := func(t *testing.T, id int64) domain.RevocationPoint { return must(s.Revocations().Point(ctx, id))(t) }
	c, other := newCA(t, s), newCA(t, s)
	t.Run("a point follows those before it, and no other CA's", func(t *testing.T) {
		first := point(t, c.ID)
		must(s.Revocations().Advance(ctx, c.ID))(t)
		next := point(t, c.ID)
		if !next.Follows(first) || first.Follows(next) || !next.Follows(next) || next.Epoch != first.Epoch+1 ||
			next.Mark == first.Mark {
			t.Errorf("%+v after %+v", next, first)
		}
		if first.Mark == "" || point(t, other.ID).Follows(first) || point(t, other.ID).Mark == first.Mark {
			t.Error("two CAs look the same")
		}
		again := next
		again.Mark = "another"
		if again.Follows(next) {
			t.Error("the same number with another mark follows")
		}
		_, err := s.Revocations().Point(ctx, absent)
		wantFault(t, err, domain.Missing, "id", domain.ReasonNotFound)
	})
	t.Run("a list of another history is not published", func(t *testing.T) {
		good := point(t, c.ID)
		number := must(s.CRLs().LastNumber(ctx, c.ID))(t) + 1
		issuer := must(s.CAs().Key(ctx, c.ID))(t).Certificate
		for name, alter := range map[string]func(*domain.CRL){
			"mark":        func(l *domain.CRL) { l.Seen.Mark = "another" },
			"incarnation": func(l *domain.CRL) { l.Seen.Incarnation = "another" },
			"later epoch": func(l *domain.CRL) { l.Epoch = good.Epoch + 1 },
			"issuer":      func(l *domain.CRL) { l.Issuer = append([]byte{0}, issuer...) },
			"none":        func(*domain.CRL) {},
		} {
			crl := sampleCRL(c.ID, number)
			crl.Epoch, crl.Seen, crl.Issuer = good.Epoch, good, issuer
			alter(&crl)
			if published := must(s.CRLs().Publish(ctx, crl))(t); published != (name == "none") {
				t.Errorf("%s: published %t", name, published)
			}
			number = must(s.CRLs().LastNumber(ctx, c.ID))(t) + 1
		}
	})
}

func testRevocationLocks(t *testing.T, s domain.Store) {
	t.Run("advancing gives every caller an epoch of its own, without gaps", func(t *testing.T) {
		testAdvanceRace(t, s)
	})
}
