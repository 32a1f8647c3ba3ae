package storetest

import (
	"fmt"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
)

func sampleCRL(caID, number int64) domain.CRL {
	return domain.CRL{
		CAID: caID, Number: number, Follows: number - 1, Epoch: number + 5, ThisUpdate: noon.Add(-time.Hour),
		NextUpdate: noon.Add(time.Hour),
		SignedAt:   noon, DER: []byte{0x30, 0, byte(number)},
	}
}

// publish publishes a list that has to be accepted.
func publish(t testing.TB, s domain.Store, caID, number int64) domain.CRL {
	t.Helper()
	crl := sampleCRL(caID, number)
	if !must(s.CRLs().Publish(t.Context(), crl))(t) {
		t.Fatalf("CRL %d was not published", number)
	}
	return crl
}

// crlRules is the contract of domain.CRLs, except for FirstExpiry.
var crlRules = rules{
	{storedForm, testCRLForm},
	{missing, testCRLMissing},
	{atomicity, testCRLAtomic},
	{"Numbers", testCRLNumbers},
	{"State", testCRLState},
	{"Renewed", testCRLRenewed},
	{"Continue", testContinue},
	{locks, testCRLLocks},
}

func testCRLForm(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("the latest is read back whole", func(t *testing.T) {
		c := newCA(t, s)
		for number := int64(1); number <= 3; number++ {
			want := publish(t, s, c.ID, number)
			got, found, err := s.CRLs().Latest(ctx, c.ID)
			check(t, err)
			wantSame(t, found, true)
			want.Follows = 0 // it is not kept
			wantSame(t, got, want)
			wantSame(t, must(s.CRLs().LastNumber(ctx, c.ID))(t), number)
		}
	})
}

func testCRLMissing(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("a CA begins without a list", func(t *testing.T) {
		c := newCA(t, s)
		_, found, err := s.CRLs().Latest(ctx, c.ID)
		check(t, err)
		wantSame(t, found, false)
		wantSame(t, must(s.CRLs().LastNumber(ctx, c.ID))(t), 0)
	})
	t.Run("a CA that does not exist is missing", func(t *testing.T) {
		_, err := s.CRLs().LastNumber(ctx, absent)
		wantMissing(t, err)
		wantSame(t, must(s.CRLs().Publish(ctx, sampleCRL(absent, 1)))(t), false)
	})
}

func testCRLAtomic(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("publishing is a transaction of its own, and refused inside one", func(t *testing.T) {
		c, published := newCA(t, s), false
		err := s.Transact(ctx, func(tx domain.Store) (err error) {
			published, err = tx.CRLs().Publish(ctx, sampleCRL(c.ID, 1))
			return err
		})
		if err == nil || published || domain.Faults(err) != nil {
			t.Errorf("published: %t, error is %v", published, err)
		}
	})
}

func testCRLNumbers(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("only what follows the last number is published", func(t *testing.T) {
		c := newCA(t, s)
		want := publish(t, s, c.ID, 1)
		for _, number := range []int64{-1, 0, 1, 3} { // each follows the one before it
			wantSame(t, must(s.CRLs().Publish(ctx, sampleCRL(c.ID, number)))(t), false)
		}
		got, _, err := s.CRLs().Latest(ctx, c.ID)
		check(t, err)
		want.Follows = 0
		wantSame(t, got, want)
	})
	t.Run("numbers go on above those of another CA software", func(t *testing.T) {
		c := sampleCA(fresh("ca"))
		check(
			t,
			s.CAs().
				Create(
					ctx, &c, domain.CAKey{Certificate: []byte{1}, SealedKey: []byte{1}},
					domain.CRLState{Number: 1 << 61},
				),
		)
		wantSame(t, must(s.CRLs().LastNumber(ctx, c.ID))(t), 1<<61)
		wantSame(t, must(s.CRLs().Publish(ctx, sampleCRL(c.ID, 1)))(t), false)
		publish(t, s, c.ID, 1<<61+1)
	})
	t.Run("CAs count apart", func(t *testing.T) {
		one, two := newCA(t, s), newCA(t, s)
		publish(t, s, one.ID, 1)
		publish(t, s, two.ID, 1)
		got, _, err := s.CRLs().Latest(ctx, one.ID)
		check(t, err)
		wantSame(t, got.CAID, one.ID)
	})
}

// testCRLRenewed checks that the state says when the CA was renewed.
func testCRLRenewed(t *testing.T, s domain.Store) {
	ctx := t.Context()
	c := newCA(t, s)
	wantSame(t, must(s.CRLs().State(ctx, c.ID))(t).RenewedAt, time.Time{})
	c.RenewedAt = noon.Add(time.Minute)
	check(t, s.CAs().Renew(ctx, c, domain.CAKey{Certificate: []byte{2}, SealedKey: []byte{2}}))
	wantSame(t, must(s.CRLs().States(ctx, []int64{c.ID}))(t)[c.ID].RenewedAt, c.RenewedAt)
}

// testCRLState checks that numbers may be of any size and leave some out, and that the latest
// thisUpdate is kept, whatever list comes after it.
func testCRLState(t *testing.T, s domain.Store) {
	ctx := t.Context()
	base, _ := new(big.Int).SetString("1180591620717411303429", 10)
	c, beside := sampleCA(fresh("ca")), newCA(t, s)
	key := domain.CAKey{Certificate: []byte{1}, SealedKey: []byte{1}}
	check(t, s.CAs().Create(ctx, &c, key, domain.CRLState{Base: base, ThisUpdate: noon}))
	state := func(want domain.CRLState) {
		t.Helper()
		got := must(s.CRLs().State(ctx, c.ID))(t)
		if (got.Base == nil) != (want.Base == nil) || got.Base != nil && got.Base.Cmp(want.Base) != 0 {
			t.Errorf("the base is %v", got.Base)
		}
		wantSame(t, got.RevocationPoint, must(s.Revocations().Point(ctx, c.ID))(t))
		several := must(s.CRLs().States(ctx, []int64{beside.ID, absent, c.ID}))(t)
		wantSame(t, len(several), 2)
		wantSame(t, several[c.ID].RevocationPoint, got.RevocationPoint)
		wantSame(t, several[c.ID].Number, got.Number)
		wantSame(t, several[c.ID].ThisUpdate, got.ThisUpdate)
		wantSame(t, several[c.ID].Base.Cmp(base), 0)
		got.Base, want.Base = nil, nil
		wantClock(t, s, got.Now)
		got.Now = time.Time{}
		want.RevocationPoint.Mark, want.CA, want.Incarnation = got.Mark, got.CA, got.Incarnation
		wantSame(t, got, want)
	}
	state(domain.CRLState{Base: base, ThisUpdate: noon})
	must(s.Revocations().Advance(ctx, c.ID))(t)
	one := domain.RevocationPoint{Epoch: 1}
	state(domain.CRLState{Base: base, ThisUpdate: noon, RevocationPoint: one})
	crl := sampleCRL(c.ID, 1<<40)
	crl.Follows = 0
	wantSame(t, must(s.CRLs().Publish(ctx, crl))(t), true)
	state(domain.CRLState{Base: base, ThisUpdate: noon, RevocationPoint: one, Number: 1 << 40})
	crl.Follows, crl.Number, crl.ThisUpdate = 1<<40, 1<<40+7, noon.Add(time.Second)
	wantSame(t, must(s.CRLs().Publish(ctx, crl))(t), true)
	state(domain.CRLState{Base: base, ThisUpdate: noon.Add(time.Second), RevocationPoint: one, Number: 1<<40 + 7})
	crl.Follows = crl.Number // numbers rise
	wantSame(t, must(s.CRLs().Publish(ctx, crl))(t), false)

	plain := newCA(t, s)
	wantSame(t, must(s.CRLs().State(ctx, plain.ID))(t).ThisUpdate, time.Time{})
	publish(t, s, plain.ID, 1)
	wantSame(t, must(s.CRLs().State(ctx, plain.ID))(t).ThisUpdate, noon.Add(-time.Hour))
	_, err := s.CRLs().State(ctx, absent)
	wantMissing(t, err)
	t.Run("another history begins after all lists of the one before", func(t *testing.T) {
		later := noon.Add(time.Hour)
		must(s.Histories().Renew(ctx, must(s.Histories().Incarnation(ctx))(t).Value, later))(t)
		wantSame(t, must(s.CRLs().State(ctx, c.ID))(t).ThisUpdate, later)
		must(s.Histories().Renew(ctx, must(s.Histories().Incarnation(ctx))(t).Value, noon))(t)
		wantSame(t, must(s.CRLs().State(ctx, c.ID))(t).ThisUpdate, later)
	})
}

func testFirstExpiry(t *testing.T, s domain.Store) {
	ctx := t.Context()
	_, found, err := s.CRLs().FirstExpiry(ctx)
	check(t, err)
	wantSame(t, found, false)

	late, early := newCA(t, s), newCA(t, s)
	expiry := func(caID, number int64, at, want time.Time) {
		t.Helper()
		crl := sampleCRL(caID, number)
		crl.NextUpdate = at
		wantSame(t, must(s.CRLs().Publish(ctx, crl))(t), true)
		got, found, err := s.CRLs().FirstExpiry(ctx)
		check(t, err)
		wantSame(t, found, true)
		wantSame(t, got, want)
	}
	brasilia := time.FixedZone("-03", -3*60*60)
	expiry(late.ID, 1, noon.Add(time.Hour).In(brasilia), noon.Add(time.Hour))
	expiry(early.ID, 1, noon, noon)
	// the list that would have ended first is no longer the current one
	expiry(early.ID, 2, noon.Add(2*time.Hour), noon.Add(time.Hour))
}

func testPublishRace(t *testing.T, s domain.Store) {
	c := newCA(t, s)
	for number := int64(1); number <= 10; number++ {
		published, faults := domaintest.Together(8, func(int) (bool, error) {
			return s.CRLs().Publish(t.Context(), sampleCRL(c.ID, number))
		})
		checkAll(t, faults)
		wantSame(t, slices.Index(published, true) >= 0, true)
		wantSame(t, len(slices.DeleteFunc(published, func(p bool) bool { return !p })), 1)
		wantSame(t, must(s.CRLs().LastNumber(t.Context(), c.ID))(t), number)
		for old := range number {
			wantSame(t, must(s.CRLs().Publish(t.Context(), sampleCRL(c.ID, old+1)))(t), false)
		}
	}
}

// testPublishLadder lets replicas climb as fast as they can; each number is one replica's, and none
// is left out.
func testPublishLadder(t *testing.T, s domain.Store) {
	c := newCA(t, s)
	const rungs = 40
	mine, faults := domaintest.Together(4, func(int) (numbers []int64, err error) {
		for last := int64(0); last < rungs; {
			if last, err = s.CRLs().LastNumber(t.Context(), c.ID); err != nil {
				return nil, err
			}
			if len(numbers) > 0 && last < numbers[len(numbers)-1] {
				return nil, fmt.Errorf("the number fell to %d after %d", last, numbers[len(numbers)-1])
			}
			published, err := s.CRLs().Publish(t.Context(), sampleCRL(c.ID, last+1))
			if err != nil {
				return nil, err
			}
			if published {
				numbers = append(numbers, last+1)
			}
		}
		return numbers, nil
	})
	checkAll(t, faults)
	all := slices.Sorted(slices.Values(slices.Concat(mine...)))
	for i, number := range all {
		if number != int64(i+1) {
			t.Fatalf("the numbers are %v", all)
		}
	}
	latest, _, err := s.CRLs().Latest(t.Context(), c.ID)
	check(t, err)
	wantSame(t, latest.Number, int64(len(all)))
}

func testContinue(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("numbers go on above those that were published", func(t *testing.T) {
		c := newCA(t, s)
		publish(t, s, c.ID, 1)
		check(t, s.CRLs().Continue(ctx, c.ID, 7, nil))
		wantSame(t, must(s.CRLs().LastNumber(ctx, c.ID))(t), 7)
		got, _, err := s.CRLs().Latest(ctx, c.ID)
		check(t, err)
		wantSame(t, got.Number, 1)
		wantSame(t, got.Epoch, -1)
		check(t, s.CRLs().Continue(ctx, c.ID, 3, nil))
		wantSame(t, must(s.CRLs().LastNumber(ctx, c.ID))(t), 7)
		publish(t, s, c.ID, 8)
	})
	t.Run("a later list takes the place of the latest, an earlier one does not", func(t *testing.T) {
		c, other := newCA(t, s), newCA(t, s)
		publish(t, s, c.ID, 1)
		untouched := publish(t, s, other.ID, 1)
		later, earlier := sampleCRL(c.ID, 5), sampleCRL(c.ID, 4)
		check(t, s.CRLs().Continue(ctx, c.ID, 5, &later))
		check(t, s.CRLs().Continue(ctx, c.ID, 5, &earlier))
		later.Epoch, later.Follows = -1, 0
		got, found, err := s.CRLs().Latest(ctx, c.ID)
		check(t, err)
		wantSame(t, found, true)
		wantSame(t, got, later)
		got, _, err = s.CRLs().Latest(ctx, other.ID)
		check(t, err)
		untouched.Follows = 0
		wantSame(t, got, untouched)
	})
	t.Run("a CA that does not exist is nothing", func(t *testing.T) {
		check(t, s.CRLs().Continue(ctx, absent, 7, nil))
	})
}

func testCRLLocks(t *testing.T, s domain.Store) {
	t.Run("of many who publish a number one does, and numbers never fall", func(t *testing.T) {
		testPublishRace(t, s)
	})
	t.Run("each number is of one replica, and none is left out", func(t *testing.T) { testPublishLadder(t, s) })
}

// wantClock wants a clock of the database, unless that is the one of the process.
func wantClock(t *testing.T, s domain.Store, now time.Time) {
	t.Helper()
	if known := !now.IsZero(); known == s.OneWriter() || known && time.Since(now).Abs() > time.Minute {
		t.Errorf("the clock of the database says %v", now)
	}
}
