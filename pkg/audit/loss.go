package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// lossError says what was signed and is gone.
type lossError string

// Error implements error.
func (e lossError) Error() string {
	return string(e) + ": the audit is not signed over that, see `chaveiro audit verify`"
}

// Loss reports whether the last attempt to sign was refused because something that was signed is
// gone.
func (s *Trail) Loss() bool { return s.loss.Load() }

// Checked is when it was last found that nothing is gone, and the ends of the chains were signed if
// that was due; zero: never yet.
func (s *Trail) Checked() time.Time {
	if at := s.checked.Load(); at != 0 {
		return time.Unix(at, 0)
	}
	return time.Time{}
}

// lost checks whether what was signed before is still there: the checkpoints, and the signed events
// at the ends of the chains. It is cheap, and does not check the whole audit.
func (s *Trail) lost(ctx context.Context, b signing) error {
	text, err := s.findLoss(ctx, b)
	if err != nil {
		return err
	}
	if text != "" {
		now, err := s.Store.Audit().Checkpoints(ctx)
		if err != nil || s.base(now) != s.base(b.known) {
			return err // pruned meanwhile: the next attempt shows it
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

// stillThere reports whether a chain from begin to end has a link. For a link up to begin it needs
// no event.
func (s *Trail) stillThere(ctx context.Context, link, begin, end domain.Link) (bool, error) {
	if end.Chain != link.Chain || end.Position < link.Position || link.Position <= begin.Position {
		return end.Chain == link.Chain && end.Position >= link.Position, nil
	}
	events, err := s.Store.Audit().After(ctx, link.Chain, link.Position-1, 1)
	return len(events) == 1 && events[0].Link == link, err
}
