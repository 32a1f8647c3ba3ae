package service_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/history"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestSetBack_Numbers: once a replica that has seen the lost state has checked the history, the
// next list of every replica is later than all published ones.
func TestSetBack_Numbers(t *testing.T) {
	t.Parallel()
	SetBack(t, func(t *testing.T, w *World, keep func() func()) {
		authority := w.NewCA(t)
		client := w.NewClient(t, authority.ID)
		w.Current(t, authority.ID)
		restore := keep()
		other, published := w.Replica(t), w.Current(t, authority.ID)
		for range 3 { // within one second, so their numbers run ahead of the time
			other.Revoke(t, other.NewClient(t, authority.ID).ID)
			published = other.Current(t, authority.ID)
		}
		Check(t, other.CRLs.History.Watch(t.Context()))
		restore()
		Check(t, other.CRLs.History.Watch(t.Context()))
		w.Revoke(t, client.ID)
		list := w.Current(t, authority.ID)
		if list.Number.Cmp(published.Number) <= 0 || !list.ThisUpdate.After(published.ThisUpdate) {
			t.Errorf(
				"list %v of %v after %v of %v", list.Number, list.ThisUpdate, published.Number, published.ThisUpdate,
			)
		}
	})
}

// errDown is the error of a database that can't be written to.
var errDown = errors.New("the database is gone")

// movedStore is a database that has moved to another server and can't be written to at first.
type movedStore struct {
	domain.Store
	readOnly bool
}

func (m *movedStore) Histories() domain.Histories { return movedHistory{m.Store.Histories(), m} }

type movedHistory struct {
	domain.Histories
	m *movedStore
}

func (h movedHistory) Glance(ctx context.Context, seen domain.Link) (domain.Glance, error) {
	g, err := h.Histories.Glance(ctx, seen)
	g.Moved = h.m.readOnly
	return g, err
}

func (h movedHistory) Renew(ctx context.Context, from string, now time.Time, abandon ...string) (string, error) {
	if h.m.readOnly {
		return "", errDown
	}
	return h.Histories.Renew(ctx, from, now, abandon...)
}

// TestSetBack_NewServer: a replica without cached state publishes no list in a database that has
// moved until the incarnation is renewed.
func TestSetBack_NewServer(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	authority := w.NewCA(t)
	client := w.NewClient(t, authority.ID)
	before := w.Current(t, authority.ID)
	w.Revoke(t, client.ID)
	fresh, moved := w.Replica(t), &movedStore{w.Store, true}
	fresh.CRLs.History = history.New(moved, w.Clock.Now, slog.New(slog.DiscardHandler))
	if got, err := fresh.CRLs.Current(t.Context(), authority.ID); err == nil {
		t.Errorf("list %d is served", got.Number)
	}
	latest, _, err := w.Store.CRLs().Latest(t.Context(), authority.ID)
	Check(t, err)
	WantSame(t, latest.Number, before.Number.Int64())
	moved.readOnly = false
	list := fresh.Current(t, authority.ID)
	wantListed(t, list, w.Serial(t, client.ID))
	if ahead := list.Number.Int64() - w.Clock.Now().Unix(); ahead < 3600 {
		t.Errorf("the number is %d ahead of the time", ahead)
	}
}

// TestSetBack_Log: a replica that has served a list logs once which of its certificates are good
// again, no matter which replica has signed the list.
func TestSetBack_Log(t *testing.T) {
	t.Parallel()
	for name, signs := range map[string]bool{"its own list": true, "the list of another": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			SetBackLogged(t, func(t *testing.T, w *World, log *LockedBuffer, keep func() func()) {
				authority := w.NewCA(t)
				stays, lost := w.NewClient(t, authority.ID), w.NewClient(t, authority.ID)
				w.Revoke(t, stays.ID)
				w.Current(t, authority.ID)
				restore, other := keep(), w.Replica(t)
				w.Revoke(t, lost.ID)
				if !signs {
					other.Current(t, authority.ID)
				}
				wantListed(t, w.Current(t, authority.ID), w.Serial(t, stays.ID), w.Serial(t, lost.ID))
				Check(t, w.CRLs.History.Watch(t.Context()))
				restore()
				for range 2 {
					Check(t, w.CRLs.History.Watch(t.Context()))
					w.Clock.Pass(2 * time.Second)
					w.Current(t, authority.ID)
				}
				var said []string
				for line := range strings.Lines(log.String()) {
					if strings.Contains(line, "good again") {
						said = append(said, line)
					}
				}
				if len(said) != 1 || !strings.Contains(said[0], w.Serial(t, lost.ID)) ||
					strings.Contains(said[0], w.Serial(t, stays.ID)) {
					t.Errorf("of %s it says %q", w.Serial(t, lost.ID), said)
				}
			})
		})
	}
}
