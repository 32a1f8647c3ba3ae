package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func testRevocations(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("an added revocation is found whole", func(t *testing.T) {
		c := newCA(t, s)
		known := domain.Revocation{
			CAID: c.ID, Serial: "0a", RevokedAt: noon, Reason: 4, NotAfter: noon.Add(time.Hour), Epoch: 1,
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
	t.Run("none added is nothing", func(t *testing.T) { check(t, s.Revocations().Add(ctx, nil)) })
	testRevocationEpochs(t, s)
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
	t.Run("a CA that does not exist has no epoch", func(t *testing.T) {
		_, err := s.Revocations().Epoch(ctx, absent)
		wantMissing(t, err)
		_, err = s.Revocations().Advance(ctx, absent)
		wantMissing(t, err)
	})
	t.Run("a long list is kept whole or not at all", func(t *testing.T) { testLongList(t, s) })
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
