package mail

import (
	"context"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// gathering is what waits for a recipient, in the memory of the replica that leads. Another one
// reads the events again.
type gathering struct {
	digest
	told    int64     // of the recipient
	upTo    int64     // all events up to this one were looked at
	whole   bool      // there were no more
	updated time.Time // of the recipient
	last    int64     // the span of the letter on its way ends there; 0: none is

	chosen map[domain.EventType]bool // what the recipient gets, of the types that were met
}

// selects is r.Selects. To ask that for each event would take most of the time.
func (g *gathering) selects(r domain.MailRecipient, e domain.StreamEvent) bool {
	chosen, known := g.chosen[e.Type]
	if !known {
		chosen = r.Chooses(e.Type)
		g.chosen[e.Type] = chosen
	}
	return chosen && r.Concerns(e)
}

// The bounds of one round.
const (
	readBatch  = 512 // events
	readRounds = 40
)

// gather looks at the events that are new, for all recipients together. It returns the recipients.
func (p *Post) gather(ctx context.Context) ([]domain.MailRecipient, error) {
	ends, err := p.Store.Events().Ends(ctx)
	if err != nil {
		return nil, err
	}
	list, err := p.Store.MailRecipients().Active(ctx)
	if err != nil {
		return nil, err
	}
	p.meet(list)
	for range readRounds {
		from, behind := p.first(list, ends.Newest)
		if !behind {
			break
		}
		events, err := p.Store.Events().After(ctx, from, readBatch)
		if err != nil {
			return nil, err
		}
		p.look(list, events, ends.Newest)
	}
	p.count(list, ends.Newest)
	return list, p.skip(ctx, list)
}

// meet begins a gathering for each recipient who has none, who was changed, or who was told
// something meanwhile.
func (p *Post) meet(list []domain.MailRecipient) {
	known := p.gathered
	p.gathered = make(map[int64]*gathering, len(list))
	for _, r := range list {
		g := known[r.ID]
		if g == nil || !g.updated.Equal(r.UpdatedAt) || g.told != r.Told || g.last != r.Last && g.upTo != r.Last {
			g = &gathering{told: r.Told, upTo: r.Told, updated: r.UpdatedAt, chosen: map[domain.EventType]bool{}}
		}
		g.last = r.Last
		p.gathered[r.ID] = g
	}
}

// end is up to where events are looked at for a recipient: a letter on its way has its span.
func (g *gathering) end(newest int64) int64 {
	if g.last != 0 {
		return g.last
	}
	return newest
}

// first is the id after which somebody has events to look at.
func (p *Post) first(list []domain.MailRecipient, newest int64) (from int64, behind bool) {
	for _, r := range list {
		if g := p.gathered[r.ID]; g.upTo < g.end(newest) && (!behind || g.upTo < from) {
			from, behind = g.upTo, true
		}
	}
	return from, behind
}

// look shows events to all recipients who have not seen them. A batch that is not full has all
// there are.
func (p *Post) look(list []domain.MailRecipient, events []domain.StreamEvent, newest int64) {
	reached := newest
	if len(events) > 0 && events[len(events)-1].ID < newest && len(events) == readBatch {
		reached = events[len(events)-1].ID
	}
	for _, r := range list {
		g := p.gathered[r.ID]
		end := min(reached, g.end(newest))
		for _, e := range events {
			if e.ID > g.upTo && e.ID <= end && g.selects(r, e) {
				g.add(e, p.Now())
			}
		}
		g.upTo = max(g.upTo, end)
	}
}

// count counts for whom something waits, and who has seen all there is.
func (p *Post) count(list []domain.MailRecipient, newest int64) {
	waiting := int64(0)
	for _, r := range list {
		g := p.gathered[r.ID]
		g.whole = g.upTo >= newest
		if r.Waits() || g.count > 0 {
			waiting++
		}
	}
	p.waiting.Store(waiting)
}

// skip stores how far those are for whom nothing waits, now and then.
func (p *Post) skip(ctx context.Context, list []domain.MailRecipient) error {
	now := p.Now()
	if past := now.Sub(p.noted); past >= 0 && past < skipEvery {
		return nil
	}
	idle := map[int64][]int64{}
	for _, r := range list {
		if g := p.gathered[r.ID]; g.count == 0 && !r.Waits() && g.upTo > r.Told {
			idle[g.upTo] = append(idle[g.upTo], r.ID)
		}
	}
	for upTo, ids := range idle {
		if err := p.Store.MailRecipients().Skip(ctx, ids, upTo); err != nil {
			return err
		}
	}
	p.noted = now
	return nil
}
