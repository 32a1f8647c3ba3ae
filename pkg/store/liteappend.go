package store

import (
	"context"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// liteChainEnd reads where a chain ends, and the id of the next event, if the rights hold.
const liteChainEnd = "SELECT " + chainColumns + ", " + nextID + " FROM audit_chains WHERE chain = ? AND " + rightsHoldLite

// chainEnd reads where the chain of an event ends, by liteChainEnd and what follows it, and gives the event its id. In a transaction on SQLite nobody
// else moves the chain until the event hangs on it. Errors: gorm.ErrRecordNotFound when a condition does not hold.
func (s *Store) chainEnd(ctx context.Context, e *domain.Event, query string, more ...any) (*chainEnd, error) {
	end := &chainEnd{Link: domain.Link{Chain: e.Chain}}
	args := append([]any{e.Chain, e.Point.String()}, more...)
	return end, s.rowDirect(ctx, append(end.places(), &e.ID), query, args...)
}

const liteMoveChain = "UPDATE audit_chains SET position = ?, hash = ?, latest = ?, behind = ? WHERE chain = ?"

// liteEvent takes the values of eventValuesOf.
var liteEvent = insertOf("audit_events", intoEvents.columns)

// hang hangs an event on the end of its chain.
func (s *Store) hang(ctx context.Context, end *chainEnd, e *domain.Event) error {
	end.take(e)
	if _, err := s.execDirect(ctx, liteMoveChain, end.Position, end.Hash[:], end.latest, end.behind, end.Chain); err != nil {
		return err
	}
	_, err := s.execDirect(ctx, liteEvent, eventValuesOf(*e)...)
	return err
}
