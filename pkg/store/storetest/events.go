package storetest

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// eventRules is the contract of domain.Events.
var eventRules = rules{
	{storedForm, emptied(testEventForm)},
	{"Waiting", emptied(testEventsWaiting)},
	{atomicity, emptied(testEventsAtomic)},
	{locks, emptied(testEventsLocks)},
	{order, emptied(testEventPages)},
	{"Prune", emptied(testEventsPrune)},
	{"Endings", emptied(testEndings)},
	{"Lists", emptied(testEventsLists)},
	{"Renew", emptied(testEventsRenew)},
	{"MendEnds", emptied(testEventsMendEnds)},
}

func sampleStreamEvent() domain.StreamEvent {
	return domain.StreamEvent{
		Type: domain.EventCertificateRevoked, At: noon, Resource: domain.ScopeClients, ResourceID: 1<<53 - 1,
		ResourceName: fresh("ção ☃"), ActorKind: domain.PrincipalUser, ActorID: 7, ActorName: "maria",
		RequestID: "request-1", Data: `{"serials":["0a"]}`,
	}
}

// publishAll publishes events after those that are there, and returns them with their ids. Another
// store may publish at the same time: then it is done again.
func publishAll(t testing.TB, s domain.Store, list ...domain.StreamEvent) []domain.StreamEvent {
	t.Helper()
	for {
		w := must(s.Events().Waiting(t.Context(), 1000))(t)
		for i := range list {
			list[i].ID = w.Newest + int64(i) + 1
		}
		if must(s.Events().Publish(t.Context(), domain.Publication{Turn: w.Turn, Events: list}))(t) {
			return list
		}
	}
}

// emptied runs a test on an empty stream and outbox.
func emptied(test func(t *testing.T, s domain.Store)) func(t *testing.T, s domain.Store) {
	return func(t *testing.T, s domain.Store) {
		w := must(s.Events().Waiting(t.Context(), 1000))(t)
		p := domain.Publication{Turn: w.Turn}
		for _, added := range w.Added {
			p.Added = append(p.Added, added.ID)
		}
		must(s.Events().Publish(t.Context(), p))(t)
		must(s.Events().Prune(t.Context(), noon.AddDate(1, 0, 0), 1000))(t)
		test(t, s)
	}
}

func testEventForm(t *testing.T, s domain.Store) {
	ctx := t.Context()
	least := domain.StreamEvent{Type: domain.EventTLSExpiring, At: noon, Resource: domain.ResourceServer}
	t.Run("an event is read back whole", func(t *testing.T) {
		want := publishAll(t, s, sampleStreamEvent(), least)
		wantSame(t, must(s.Events().After(ctx, want[0].ID-1, 10))(t), want)
		wantSame(t, must(s.Events().After(ctx, want[0].ID-1, 1))(t), want[:1])
		wantSame(t, must(s.Events().After(ctx, want[1].ID, 10))(t), []domain.StreamEvent{})
	})
	t.Run("an added event waits as it was", func(t *testing.T) {
		for _, want := range []domain.StreamEvent{sampleStreamEvent(), least} {
			check(t, s.Events().Add(ctx, want))
			added := must(s.Events().Waiting(ctx, 10))(t).Added
			wantSame(t, added[len(added)-1].StreamEvent, want)
		}
	})
}

func testEventsWaiting(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("what the audit has gained waits until it is done", func(t *testing.T) {
		first := sampleEvent()
		check(t, s.Audit().Append(ctx, &first))
		w := must(s.Events().Waiting(ctx, 10))(t)
		wantSame(t, len(w.Chains), domain.AuditChains)
		want := domain.WaitingChain{Chain: first.Chain, Done: first.Position - 1, End: first.Position}
		wantSame(t, w.Chains[first.Chain], want)
		done := domain.Publication{Turn: w.Turn, Done: map[int]int64{}}
		for _, c := range w.Chains {
			done.Done[c.Chain] = c.End
		}
		wantSame(t, must(s.Events().Publish(ctx, done))(t), true)
		w = must(s.Events().Waiting(ctx, 10))(t)
		for _, c := range w.Chains {
			wantSame(t, c.Done, c.End)
		}
	})
	t.Run("an added event comes after the audit's before it, and before those after it", func(t *testing.T) {
		before, after := sampleEvent(), sampleEvent()
		check(t, s.Audit().Append(ctx, &before))
		check(t, s.Events().Add(ctx, sampleStreamEvent()))
		check(t, s.Audit().Append(ctx, &after))
		added := must(s.Events().Waiting(ctx, 10))(t).Added
		wantSame(t, len(added), 1)
		if added[0].After < before.ID || added[0].After >= after.ID {
			t.Errorf("after %d, between %d and %d", added[0].After, before.ID, after.ID)
		}
	})
	t.Run("of the added ones the first are read, and those that are published are gone", func(t *testing.T) {
		for range 3 {
			check(t, s.Events().Add(ctx, sampleStreamEvent()))
		}
		all := must(s.Events().Waiting(ctx, 10))(t)
		w := must(s.Events().Waiting(ctx, 2))(t)
		wantSame(t, w.Added, all.Added[:2])
		ids := []int64{w.Added[0].ID, w.Added[1].ID}
		wantSame(t, must(s.Events().Publish(ctx, domain.Publication{Turn: w.Turn, Added: ids}))(t), true)
		wantSame(t, must(s.Events().Waiting(ctx, 10))(t).Added, all.Added[2:])
	})
}

func testEventsAtomic(t *testing.T, s domain.Store) {
	ctx := t.Context()
	failure := errors.New("rolled back")
	before := must(s.Events().Waiting(ctx, 10))(t)
	err := s.Transact(ctx, func(tx domain.Store) error {
		check(t, tx.Events().Add(ctx, sampleStreamEvent()))
		e := sampleStreamEvent()
		e.ID = before.Newest + 1
		done := domain.Publication{Turn: before.Turn, Events: []domain.StreamEvent{e}, Done: map[int]int64{3: 99}}
		wantSame(t, must(tx.Events().Publish(ctx, done))(t), true)
		return failure
	})
	wantSame(t, errors.Is(err, failure), true)
	wantSame(t, must(s.Events().Waiting(ctx, 10))(t), before)
	wantSame(t, must(s.Events().After(ctx, 0, 10))(t), []domain.StreamEvent{})
}

// testEventsLocks: of those who publish after the same turn one does, so no event is there twice.
func testEventsLocks(t *testing.T, s domain.Store) {
	ctx := t.Context()
	before := must(s.Events().Waiting(ctx, 1))(t)
	var published atomic.Int64
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for range 20 {
				w, err := s.Events().Waiting(ctx, 1)
				e := sampleStreamEvent()
				e.ID = w.Newest + 1
				p := domain.Publication{Turn: w.Turn, Events: []domain.StreamEvent{e}}
				done, again := s.Events().Publish(ctx, p)
				if err := errors.Join(err, again); err != nil {
					t.Error(err)
				}
				if done {
					published.Add(1)
				}
			}
		})
	}
	workers.Wait()
	w := must(s.Events().Waiting(ctx, 1))(t)
	wantSame(t, w.Newest-before.Newest, published.Load())
	wantSame(t, w.Turn-before.Turn, published.Load())
	list := must(s.Events().After(ctx, before.Newest, 100))(t)
	for i, e := range list {
		wantSame(t, e.ID, before.Newest+int64(i)+1)
	}
	wantSame(t, int64(len(list)), published.Load())
}

func testEventPages(t *testing.T, s domain.Store) {
	ctx := t.Context()
	other := sampleStreamEvent()
	other.Type, other.Resource, other.ResourceID = domain.EventCRLSigned, domain.ScopeCAs, 3
	other.At = noon.Add(time.Hour)
	others := []domain.EventType{domain.EventCRLSigned, domain.EventCACreated}
	all := publishAll(t, s, sampleStreamEvent(), other, sampleStreamEvent(), other)
	for name, c := range map[string]struct {
		filter domain.StreamFilter
		want   []domain.StreamEvent
	}{
		"all":       {domain.StreamFilter{}, all},
		"types":     {domain.StreamFilter{Types: others}, []domain.StreamEvent{all[1], all[3]}},
		"resource":  {domain.StreamFilter{Resource: domain.ScopeClients}, []domain.StreamEvent{all[0], all[2]}},
		"id":        {domain.StreamFilter{ResourceID: 3}, []domain.StreamEvent{all[1], all[3]}},
		"since":     {domain.StreamFilter{Since: noon.Add(time.Hour)}, []domain.StreamEvent{all[1], all[3]}},
		"nothing":   {domain.StreamFilter{Resource: domain.ScopeCAs, ResourceID: 1}, []domain.StreamEvent{}},
		"no text":   {domain.StreamFilter{Resource: "\x00"}, []domain.StreamEvent{}},
		"all types": {domain.StreamFilter{Types: domain.EventTypes()}, all},
	} {
		t.Run(name, func(t *testing.T) {
			wantSame(t, must(s.Events().Page(ctx, c.filter, domain.PageRequest{Size: 10}))(t).Items, c.want)
			left := func(e domain.StreamEvent) bool { return !c.filter.Selects(e) }
			if c.filter.Resource != "\x00" {
				wantSame(t, slices.DeleteFunc(slices.Clone(all), left), c.want)
			}
		})
	}
	first := must(s.Events().Page(ctx, domain.StreamFilter{}, domain.PageRequest{Size: 3}))(t)
	wantSame(t, *first.Next, all[2].ID)
}

func testEventsPrune(t *testing.T, s domain.Store) {
	ctx := t.Context()
	late := sampleStreamEvent()
	late.At = noon.Add(time.Hour)
	all := publishAll(t, s, sampleStreamEvent(), sampleStreamEvent(), sampleStreamEvent(), late, sampleStreamEvent())
	wantSame(t, must(s.Events().Prune(ctx, noon, 10))(t), 0)
	wantSame(t, must(s.Events().Prune(ctx, noon.Add(time.Microsecond), 2))(t), 2)
	wantSame(t, must(s.Events().After(ctx, 0, 10))(t), all[2:])
	reached := func(id int64) bool { return must(s.Events().Reached(ctx, id))(t) }
	wantSame(t, []bool{reached(0), reached(all[0].ID), reached(all[1].ID), reached(all[4].ID), reached(all[4].ID + 1)},
		[]bool{true, false, true, true, false})
	wantSame(t, must(s.Events().Prune(ctx, noon.Add(time.Minute), 10))(t), 1) // a newer one stays, and all after it
	wantSame(t, must(s.Events().Ends(ctx))(t), domain.StreamEnds{Newest: all[4].ID, Gone: all[2].ID})
	wantSame(t, must(s.Events().Prune(ctx, noon.Add(2*time.Hour), 10))(t), 2)
	wantSame(t, must(s.Events().Ends(ctx))(t), domain.StreamEnds{Newest: all[4].ID, Gone: all[4].ID})
	wantSame(t, must(s.Events().Prune(ctx, noon.Add(2*time.Hour), 10))(t), 0)
	next := publishAll(t, s, sampleStreamEvent())
	wantSame(t, next[0].ID, all[4].ID+1)
}

// testEventsLists: a list is told if it was published, and only then.
func testEventsLists(t *testing.T, s domain.Store) {
	ctx := t.Context()
	crl := domain.CRL{
		CAID: newCA(t, s).ID, Number: 7, ThisUpdate: noon, NextUpdate: noon.Add(time.Hour), SignedAt: noon,
		DER: octets(), Told: sampleStreamEvent(),
	}
	for _, published := range []bool{true, false} {
		wantSame(t, must(s.CRLs().Publish(ctx, crl))(t), published)
		added := must(s.Events().Waiting(ctx, 10))(t).Added
		wantSame(t, len(added), 1)
		wantSame(t, added[0].StreamEvent, crl.Told)
	}
}

// testEventsRenew: ids that were given in a history that has ended are not given again, and a
// reader of what both histories have goes on.
func testEventsRenew(t *testing.T, s domain.Store) {
	ctx := t.Context()
	kept := publishAll(t, s, sampleStreamEvent())[0].ID
	from := must(s.Histories().Incarnation(ctx))(t).Value
	must(s.Histories().Renew(ctx, from, noon))(t)
	wantSame(t, must(s.Events().Ends(ctx))(t).Newest, noon.UnixMilli())
	wantSame(t, must(s.Events().Reached(ctx, kept))(t), true)
	wantSame(t, must(s.Events().Reached(ctx, kept+1))(t), false)
	wantSame(t, must(s.Events().Reached(ctx, noon.UnixMilli()))(t), true)
	next := publishAll(t, s, sampleStreamEvent())
	wantSame(t, next[0].ID, noon.UnixMilli()+1)
	wantSame(t, must(s.Events().After(ctx, kept, 10))(t), next)
}

// testEventsMendEnds: when a chain ends earlier than the stream has it, what is appended next
// waits.
func testEventsMendEnds(t *testing.T, s domain.Store) {
	ctx := t.Context()
	event := sampleEvent()
	check(t, s.Audit().Append(ctx, &event))
	w := must(s.Events().Waiting(ctx, 1))(t)
	done := domain.Publication{Turn: w.Turn, Done: map[int]int64{event.Chain: event.Position}}
	wantSame(t, must(s.Events().Publish(ctx, done))(t), true)
	was := must(s.Audit().Ends(ctx))(t)
	ends := slices.Clone(was)
	ends[event.Chain].Position--
	wantSame(t, must(s.Audit().MendEnds(ctx, was, ends))(t), true)
	w = must(s.Events().Waiting(ctx, 1))(t)
	wantSame(t, w.Chains[event.Chain].Done, event.Position-1)
}
