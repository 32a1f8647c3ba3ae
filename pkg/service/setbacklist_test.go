package service_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// TestSetBack_Numbers: once who has seen what is lost has looked, the next list of every server is later than any that was published.
func TestSetBack_Numbers(t *testing.T) {
	t.Parallel()
	setBack(t, func(t *testing.T, w *world, keep func() func()) {
		authority := w.newCA(t)
		client := w.newClient(t, authority.ID)
		w.current(t, authority.ID)
		restore := keep()
		other, published := w.replica(t), w.current(t, authority.ID)
		for range 3 { // within one second: their numbers run ahead of the time
			other.revoke(t, other.newClient(t, authority.ID).ID)
			published = other.current(t, authority.ID)
		}
		check(t, other.CRLs.History.Look(t.Context()))
		restore()
		check(t, other.CRLs.History.Look(t.Context()))
		w.revoke(t, client.ID)
		list := w.current(t, authority.ID)
		if list.Number.Cmp(published.Number) <= 0 || !list.ThisUpdate.After(published.ThisUpdate) {
			t.Errorf("list %v of %v after %v of %v", list.Number, list.ThisUpdate, published.Number, published.ThisUpdate)
		}
	})
}

// movedStore is a database on another server, in which that can't be stored at first.
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

// TestSetBack_NewServer: a server that remembers nothing publishes nothing in a database that has moved, before the incarnation is renewed.
func TestSetBack_NewServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	authority := w.newCA(t)
	client := w.newClient(t, authority.ID)
	before := w.current(t, authority.ID)
	w.revoke(t, client.ID)
	fresh, moved := w.replica(t), &movedStore{w.store, true}
	fresh.CRLs.History.Store = moved
	if got, err := fresh.CRLs.Current(t.Context(), authority.ID); err == nil {
		t.Errorf("list %d is served", got.Number)
	}
	latest, _, err := w.store.CRLs().Latest(t.Context(), authority.ID)
	check(t, err)
	wantSame(t, latest.Number, before.Number.Int64())
	moved.readOnly = false
	list := fresh.current(t, authority.ID)
	wantListed(t, list, w.serial(t, client.ID))
	if ahead := list.Number.Int64() - w.clock.Now().Unix(); ahead < 3600 {
		t.Errorf("the number is %d ahead of the time", ahead)
	}
}

// TestSetBack_Log: a server that has served a list logs once which of its certificates are good again. Another server may have signed the list.
func TestSetBack_Log(t *testing.T) {
	t.Parallel()
	for name, signs := range map[string]bool{"its own list": true, "the list of another": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			setBackLogged(t, func(t *testing.T, w *world, log *lockedBuffer, keep func() func()) {
				authority := w.newCA(t)
				stays, lost := w.newClient(t, authority.ID), w.newClient(t, authority.ID)
				w.revoke(t, stays.ID)
				w.current(t, authority.ID)
				restore, other := keep(), w.replica(t)
				w.revoke(t, lost.ID)
				if !signs {
					other.current(t, authority.ID)
				}
				wantListed(t, w.current(t, authority.ID), w.serial(t, stays.ID), w.serial(t, lost.ID))
				check(t, w.CRLs.History.Look(t.Context()))
				restore()
				for range 2 {
					check(t, w.CRLs.History.Look(t.Context()))
					w.clock.pass(2 * time.Second)
					w.current(t, authority.ID)
				}
				var said []string
				for line := range strings.Lines(log.String()) {
					if strings.Contains(line, "good again") {
						said = append(said, line)
					}
				}
				if len(said) != 1 || !strings.Contains(said[0], w.serial(t, lost.ID)) || strings.Contains(said[0], w.serial(t, stays.ID)) {
					t.Errorf("of %s it says %q", w.serial(t, lost.ID), said)
				}
			})
		})
	}
}
