package events

import (
	"cmp"
	"context"
	"slices"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// publishBatch is how many events are published in one transaction.
const publishBatch = 512

// publish puts what has been committed into the stream, until nothing waits: what was committed
// before the call is in the stream then. Another replica may publish first; it has committed when
// that is known. It returns the id of the newest event.
func (s *Stream) publish(ctx context.Context) (newest int64, err error) {
	for {
		waiting, err := s.Store.Events().Waiting(ctx, publishBatch)
		if err != nil || waiting.Empty() {
			return waiting.Newest, err
		}
		batch, err := s.batch(ctx, waiting)
		if err != nil {
			return waiting.Newest, err
		}
		stored, err := s.Store.Events().Publish(ctx, batch)
		if err != nil {
			return waiting.Newest, err
		}
		if stored {
			s.published.count(batch.Events)
		}
	}
}

// item is an event that waits: of the audit, or an added one.
type item struct {
	audited domain.Event
	added   domain.AddedEvent
	after   int64 // the id of the event of the audit, or of the one that an added event comes after
}

// order of events of the audit is that of their ids. It is their order on each chain, and that of
// the changes of one resource: each of these waits for the commit of the one before, and draws its
// id later.
func order(a, b item) int {
	return cmp.Or(cmp.Compare(a.after, b.after), cmp.Compare(a.added.ID, b.added.ID))
}

// batch reads the first events that wait, and numbers them. All of them were committed in the
// snapshot of waiting, so an event is never in a batch without those that it follows.
func (s *Stream) batch(ctx context.Context, w domain.Waiting) (domain.Publication, error) {
	p := domain.Publication{Turn: w.Turn, Done: map[int]int64{}}
	var items []item
	for _, chain := range w.Chains {
		read, err := s.ofChain(ctx, chain)
		if err != nil {
			return p, err
		}
		if len(read) == 0 && chain.Done != chain.End {
			p.Done[chain.Chain] = chain.End // they were pruned
		}
		items = append(items, read...)
	}
	for _, added := range w.Added {
		items = append(items, item{added: added, after: added.After})
	}
	slices.SortStableFunc(items, order)
	for _, one := range items[:min(len(items), publishBatch)] {
		if err := one.into(&p); err != nil {
			return p, err
		}
	}
	for i := range p.Events {
		p.Events[i].ID = w.Newest + int64(i) + 1
	}
	return p, nil
}

// ofChain reads the events of a chain that wait. Together with a limit on those that are published,
// its limit leaves out none that belongs before one that is published.
func (s *Stream) ofChain(ctx context.Context, chain domain.WaitingChain) ([]item, error) {
	limit := min(publishBatch, chain.End-chain.Done)
	if limit <= 0 {
		return nil, nil
	}
	list, err := s.Store.Audit().After(ctx, chain.Chain, chain.Done, int(limit))
	items := make([]item, 0, len(list))
	for _, e := range list {
		if e.Position <= chain.End {
			items = append(items, item{audited: e, after: e.ID})
		}
	}
	return items, err
}

// into adds an event to a publication.
func (i item) into(p *domain.Publication) error {
	if i.added.ID != 0 {
		p.Events, p.Added = append(p.Events, i.added.StreamEvent), append(p.Added, i.added.ID)
		return nil
	}
	told, ok, err := derive(i.audited)
	if err == nil && ok {
		p.Events = append(p.Events, told)
	}
	p.Done[i.audited.Chain] = i.audited.Position
	return err
}
