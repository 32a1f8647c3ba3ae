package pki_test

import (
	"context"
	"errors"
	"log/slog"
	"math/big"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/ca"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/pki"
	"github.com/chaveiro/chaveiro/pkg/service"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestCRLs_AfterImport: an OpenVPN server that has the imported list accepts a later list of this
// service only if it has a later thisUpdate.
func TestCRLs_AfterImport(t *testing.T) {
	t.Parallel()
	for sentence, age := range map[string]time.Duration{
		"made long ago": 40 * Day, "made a minute ago": time.Minute, "made a second ago": time.Second,
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			w := NewWorld(t)
			old := NewForeignCA(t)
			huge, _ := new(big.Int).SetString("1180591620717411303429", 10)
			authority := old.ImportInto(t, w, old.ListAt(t, Noon.Add(-age), huge, entry(5, Noon.Add(-41*Day), 0)))
			last, number := Noon.Add(-age), huge
			for range 3 {
				list := listOf(t, Must(w.CRLs.Current(t.Context(), authority.ID))(t))
				if !list.ThisUpdate.After(last) || list.ThisUpdate.After(w.Clock.Now()) ||
					list.Number.Cmp(number) <= 0 {
					t.Errorf(
						"list %v begins at %v, the one before, %v, at %v", list.Number, list.ThisUpdate, number, last,
					)
				}
				last, number = list.ThisUpdate, list.Number
				w.Clock.Pass(time.Second)
				w.Revoke(t, w.NewClient(t, authority.ID).ID)
			}
		})
	}
}

func listOf(t testing.TB, crl *pki.SignedCRL) *ca.CRL {
	t.Helper()
	return Must(ca.ParseCRL(crl.PEM))(t)
}

// TestCRLs_Future lets a replica whose clock is two hours ahead publish a list for which OpenVPN
// refuses every client.
func TestCRLs_Future(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	authority := w.NewCA(t)
	good := listOf(t, Must(w.CRLs.Current(t.Context(), authority.ID))(t))
	wrong := w.With(
		t, func(s *service.Settings) { s.Now = func() time.Time { return w.Clock.Now().Add(2 * time.Hour) } },
	)
	client := w.NewClient(t, authority.ID)
	w.Revoke(t, client.ID)
	future := listOf(t, Must(wrong.CRLs.Current(t.Context(), authority.ID))(t))
	if !future.ThisUpdate.After(w.Clock.Now()) {
		t.Fatal("the list is none of the future")
	}
	mended := listOf(t, Must(w.CRLs.Current(t.Context(), authority.ID))(t))
	if mended.ThisUpdate.After(w.Clock.Now()) || !mended.ThisUpdate.After(good.ThisUpdate) ||
		mended.Number.Cmp(future.Number) <= 0 || len(mended.Entries) != 1 {
		t.Errorf("list %v of %d entries begins at %v", mended.Number, len(mended.Entries), mended.ThisUpdate)
	}
	WantSame(t, Must(w.Replica(t).CRLs.Current(t.Context(), authority.ID))(t).DER, mended.Raw)
	t.Run("once that time has come, the next list begins later than the wrong one", func(t *testing.T) {
		w.Clock.Pass(future.ThisUpdate.Sub(w.Clock.Now()))
		WantSame(t, Must(w.CRLs.Current(t.Context(), authority.ID))(t).DER, mended.Raw)
		w.Clock.Pass(time.Second)
		list := listOf(t, Must(w.CRLs.Current(t.Context(), authority.ID))(t))
		if !list.ThisUpdate.After(future.ThisUpdate) || list.ThisUpdate.After(w.Clock.Now()) {
			t.Errorf("the list begins at %v, that of the future at %v", list.ThisUpdate, future.ThisUpdate)
		}
	})
	t.Run("a cached list that begins in the future after the clock was set back is not served", func(t *testing.T) {
		w.Clock.Pass(-24 * time.Hour)
		list := listOf(t, Must(w.CRLs.Current(t.Context(), authority.ID))(t))
		if list.ThisUpdate.After(w.Clock.Now()) {
			t.Errorf("the list begins at %v", list.ThisUpdate)
		}
	})
}

// TestCRLs_AnotherHistory: what was published before a restore is not known, but the next list has
// a later thisUpdate and number.
func TestCRLs_AnotherHistory(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	old := NewForeignCA(t)
	authority := old.ImportInto(t, w, old.ListAt(t, Noon.Add(-time.Second), big.NewInt(1)))
	before := Must(w.CRLs.Current(t.Context(), authority.ID))(t)
	w.Clock.Pass(10 * time.Second)
	Must(
		w.Store.Histories().
			Renew(t.Context(), Must(w.Store.Histories().Incarnation(t.Context()))(t).Value, w.Clock.Now()),
	)(t)
	w.Clock.Pass(time.Second)
	after := Must(w.CRLs.Current(t.Context(), authority.ID))(t)
	WantSame(t, after.ThisUpdate, w.Clock.Now())
	if after.Number <= before.Number+1 {
		t.Errorf("the numbers are %d and %d", before.Number, after.Number)
	}
}

// failing is a database that the test makes fail: it is down, read-only or does not answer.
type failing struct {
	domain.Store
	down, readOnly, slow *atomic.Bool
}

type failingCRLs struct {
	domain.CRLs
	f failing
}

var errDown = errors.New("the database is gone")

func (f failing) CRLs() domain.CRLs { return failingCRLs{f.Store.CRLs(), f} }

func (c failingCRLs) State(ctx context.Context, caID int64) (domain.CRLState, error) {
	if c.f.slow.Load() {
		<-ctx.Done()
		return domain.CRLState{}, ctx.Err()
	}
	if c.f.down.Load() {
		return domain.CRLState{}, errDown
	}
	return c.CRLs.State(ctx, caID)
}

func (c failingCRLs) Publish(ctx context.Context, crl domain.CRL) (bool, error) {
	if c.f.readOnly.Load() {
		return false, errDown
	}
	return c.CRLs.Publish(ctx, crl)
}

// TestCRLs_LastGood: whatever fails, the last good list is served until it ends.
func TestCRLs_LastGood(t *testing.T) {
	t.Parallel()
	for sentence, fail := range map[string]func(failing) *atomic.Bool{
		"the database is down":         func(f failing) *atomic.Bool { return f.down },
		"the database is read-only":    func(f failing) *atomic.Bool { return f.readOnly },
		"the database does not answer": func(f failing) *atomic.Bool { return f.slow },
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			log := &LockedBuffer{}
			w := WorldOn(t, NewSQLite(t), slog.NewJSONHandler(log, nil))
			authority := w.NewCA(t)
			f := failing{w.Store, new(atomic.Bool), new(atomic.Bool), new(atomic.Bool)}
			w.CRLs.Store = f
			good := Must(w.CRLs.Current(t.Context(), authority.ID))(t)
			WantSame(t, w.CRLs.Health(), pki.CRLHealth{Ends: good.NextUpdate})
			client := w.NewClient(t, authority.ID)
			w.Revoke(t, client.ID)
			fail(f).Store(true)
			for _, left := range []time.Duration{CRLLife, 9 * Day, time.Second} {
				w.Clock.Pass(good.NextUpdate.Sub(w.Clock.Now()) - left)
				got := Must(w.CRLs.Current(t.Context(), authority.ID))(t)
				if !got.Stale || got.Tag != good.Tag {
					t.Errorf("with %v left it is %v, stale %v", left, got.Tag, got.Stale)
				}
				health := w.CRLs.Health()
				WantSame(t, health.Stale, 1)
				WantSame(t, health.Overdue > 0, left < CRLLife)
			}
			if !strings.Contains(log.String(), "the last one is served") {
				t.Error("the log says nothing")
			}
			w.Clock.Pass(time.Second) // a list that has ended is of no use
			if _, err := w.CRLs.Current(t.Context(), authority.ID); err == nil {
				t.Error("a list that has ended is served")
			}
			fail(f).Store(false)
			WantSame(t, Serials(w.Current(t, authority.ID)), []string{w.Serial(t, client.ID)})
			WantSame(t, w.CRLs.Health().Stale, 0)
		})
	}
}

// TestCRLs_OneQuestion: a thousand concurrent requests share a few queries to the database.
func TestCRLs_OneQuestion(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	authority := w.NewCA(t)
	w.Current(t, authority.ID)
	c := &countingStates{Store: w.Store}
	w.CRLs.Store = c
	Check(t, Together(1000, func(int) error {
		_, err := w.CRLs.Current(t.Context(), authority.ID)
		return err
	}))
	if n := c.asked.Load(); n > 200 {
		t.Errorf("the database was asked %d times", n)
	}
}

// countingStates is a slow database that counts the queries for State.
type countingStates struct {
	domain.Store
	asked atomic.Int64
}

type countedStates struct {
	domain.CRLs
	c *countingStates
}

func (c *countingStates) CRLs() domain.CRLs { return countedStates{c.Store.CRLs(), c} }

func (c countedStates) State(ctx context.Context, caID int64) (domain.CRLState, error) {
	c.c.asked.Add(1)
	time.Sleep(20 * time.Millisecond) // so that many requests arrive meanwhile, however busy the machine is
	return c.CRLs.State(ctx, caID)
}
