package audit

import (
	"context"
	"fmt"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// lossError says what was signed and is not there any more.
type lossError string

// Error implements error.
func (e lossError) Error() string {
	return string(e) + ": the audit is not signed over that, see `chaveiro audit verify`"
}

// Loss reports whether signing was refused the last time because something that was signed is gone.
func (s *Trail) Loss() bool { return s.loss.Load() }

// lost looks whether what was signed before is still there: the checkpoints, and the events that they have seen at the ends of the chains. It is cheap, and
// no check of the whole.
func (s *Trail) lost(ctx context.Context, b signing) error {
	text, err := s.findLoss(ctx, b)
	if err != nil {
		return err
	}
	if text != "" {
		now, err := s.Store.Audit().Checkpoints(ctx)
		if err != nil || s.base(now) != s.base(b.known) {
			return err // it was pruned meanwhile; the next time tells
		}
	}
	s.loss.Store(text != "")
	if text != "" {
		return lossError(text)
	}
	return nil
}

func (s *Trail) findLoss(ctx context.Context, b signing) (string, error) {
	newest, found := b.newest()
	switch {
	case newest.Number < b.last.number:
		return fmt.Sprintf("checkpoint %d was signed, and the last one is %d", b.last.number, newest.Number), nil
	case !found:
		return "", nil
	case !s.Notary.Signed(newest):
		return fmt.Sprintf("the signature of checkpoint %d is not good", newest.Number), nil
	case newest.Number == b.last.number && newest.Number > 0 && auth.CheckpointHash(newest) != b.last.hash:
		return fmt.Sprintf("checkpoint %d is not the one that was signed", newest.Number), nil
	case len(b.ends) != domain.AuditChains:
		return fmt.Sprintf("there are %d chains, not %d", len(b.ends), domain.AuditChains), nil
	}
	starts, _ := s.trusted(b.known, &Report{})
	for _, link := range newest.Links {
		if there, err := s.stillThere(ctx, link, starts[link.Chain], b.ends[link.Chain]); err != nil || !there {
			return fmt.Sprintf("chain %d has lost what was signed at position %d", link.Chain, link.Position), err
		}
	}
	return "", nil
}

// stillThere reports whether a chain that begins and ends there has a link. It needs no event up to where it begins.
func (s *Trail) stillThere(ctx context.Context, link, begin, end domain.Link) (bool, error) {
	if end.Chain != link.Chain || end.Position < link.Position || link.Position <= begin.Position {
		return end.Chain == link.Chain && end.Position >= link.Position, nil
	}
	events, err := s.Store.Audit().After(ctx, link.Chain, link.Position-1, 1)
	return len(events) == 1 && events[0].Link == link, err
}
