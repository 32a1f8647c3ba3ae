package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
)

// historyRules is the contract of domain.Histories.
var historyRules = rules{
	{"Glance", testGlance},
	{"Renew", testRenew},
	{locks, testHistoryLocks},
}

func glance(t *testing.T, s domain.Store, seen domain.Link) domain.Glance {
	t.Helper()
	return must(s.Histories().Glance(t.Context(), seen))(t)
}

func testGlance(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("a look tells the point of access and the newest event", func(t *testing.T) {
		first := glance(t, s, domain.Link{})
		wantSame(t, first.Newest, domain.Link{})
		wantSame(t, first.Access.Epoch, must(s.AccessControl().Epoch(ctx))(t))
		check(t, s.AccessControl().Advance(ctx))
		event := sampleEvent()
		check(t, s.Audit().Append(ctx, &event))
		next := glance(t, s, first.Newest)
		wantSame(t, next.Newest, event.Link)
		if !next.Follows(first) || first.Follows(next) || next.Access.Mark == first.Access.Mark || next.Lost ||
			next.Moved {
			t.Errorf("%+v after %+v", next, first)
		}
		wantSame(t, glance(t, s, next.Newest), next)
	})
	t.Run("an event that is another one or not there yet is lost, one that was pruned is not", func(t *testing.T) {
		event := sampleEvent()
		check(t, s.Audit().Append(ctx, &event))
		other := event.Link
		other.Hash[0]++
		wantSame(t, glance(t, s, other).Lost, true)
		other = event.Link
		other.Position++
		wantSame(t, glance(t, s, other).Lost, true)
		must(s.Audit().Prune(ctx, event.Chain, event.Position, 1000))(t)
		wantSame(t, glance(t, s, event.Link).Lost, false)
	})
}

func testRenew(t *testing.T, s domain.Store) {
	ctx := t.Context()
	incarnation := func(t *testing.T) domain.Incarnation { return must(s.Histories().Incarnation(ctx))(t) }
	t.Run("of two who renew the incarnation one does", func(t *testing.T) {
		before := incarnation(t)
		first := must(s.Histories().Renew(ctx, before.Value, noon, before.Value, "other", before.Value))(t)
		second := must(s.Histories().Renew(ctx, before.Value, noon.Add(time.Hour)))(t)
		wantSame(t, second, first)
		want := domain.Incarnation{Value: first, Since: noon, Abandoned: []string{before.Value, "other"}}
		wantSame(t, incarnation(t), want)
		if first == before.Value || glance(t, s, domain.Link{}).Incarnation != first {
			t.Errorf("%s after %s", first, before.Value)
		}
		for range domain.MaxAbandoned {
			at := incarnation(t).Value
			must(s.Histories().Renew(ctx, at, noon, at))(t)
		}
		kept := incarnation(t).Abandoned
		if len(kept) != domain.MaxAbandoned || slices.Contains(kept, "other") || !slices.Contains(kept, first) {
			t.Errorf("%d are kept: %v", len(kept), kept)
		}
	})
}

func testHistoryLocks(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("all who renew the incarnation at once are told the same", func(t *testing.T) {
		for range 4 {
			before := must(s.Histories().Incarnation(ctx))(t).Value
			told, faults := domaintest.Together(8, func(int) (string, error) {
				return s.Histories().Renew(ctx, before, noon)
			})
			check(t, errors.Join(faults...))
			after := must(s.Histories().Incarnation(ctx))(t).Value
			for _, value := range told {
				if value != after || value == before {
					t.Errorf("%s, not %s", value, after)
				}
			}
		}
	})
}
