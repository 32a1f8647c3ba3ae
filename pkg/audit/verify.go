package audit

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Report is the outcome of a check.
type Report struct {
	Events      int64 // that were checked
	Checkpoints int
	// Remains are events from before the beginning of their chain: a prune is running or was
	// interrupted, or somebody has added them. Nothing authenticates them; the next prune removes
	// them.
	Remains  int64
	Problems []string
	Accepted []AcceptedLoss // what an operator has accepted as lost; it is not among the problems
}

// Whole reports whether the check has found nothing.
func (r Report) Whole() bool { return r.Remains == 0 && len(r.Problems) == 0 }

func (r *Report) problem(format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

// verifyBatch is how many events are read at once.
const verifyBatch = 1000

// Verify checks every event against its chain, the chains against the checkpoints, and the
// checkpoints against one another, against the number of the last one, and against the expected
// ones, which were seen outside the database. Of the changes that are made meanwhile it checks
// some, and leaves the others to the next check.
func (s *Trail) Verify(ctx context.Context, expected ...ExpectedCheckpoint) (Report, error) {
	for {
		last, err := s.lastSigned(ctx) // before the checkpoints: one that is added meanwhile must not count as missing
		if err != nil {
			return Report{}, err
		}
		checkpoints, err := s.Store.Audit().Checkpoints(ctx)
		if err != nil {
			return Report{}, err
		}
		report, err := s.verify(ctx, checkpoints, last)
		s.verifyExpected(checkpoints, expected, &report)
		if err != nil || report.Whole() {
			return report, err
		}
		now, err := s.Store.Audit().Checkpoints(ctx)
		if err != nil || s.base(now) == s.base(checkpoints) {
			return report, err
		}
	} // what is missing was pruned meanwhile: check again
}

// base is the id of the checkpoint at which the chains begin, or continue after a loss; 0 when they
// begin with their first event.
func (s *Trail) base(checkpoints []domain.Checkpoint) (id int64) {
	for _, c := range checkpoints {
		if beginsAnew(c) && s.Notary.Signed(c) {
			id = c.ID
		}
	}
	return id
}

func (s *Trail) verify(ctx context.Context, checkpoints []domain.Checkpoint, last signedLast) (Report, error) {
	var report Report
	ends, err := s.Store.Audit().Ends(ctx)
	if err != nil {
		return report, err
	}
	parts := s.parts(checkpoints)
	if err := s.verifyEarlier(ctx, parts, &report); err != nil {
		return report, err
	}
	newest := parts[len(parts)-1]
	begins, signed := s.trusted(newest, &report)
	if len(ends) != domain.AuditChains {
		report.problem("there are %d chains, not %d", len(ends), domain.AuditChains)
	}
	for chain := range domain.AuditChains {
		at := slices.IndexFunc(ends, func(end domain.Link) bool { return end.Chain == chain })
		if at < 0 {
			report.problem("chain %d is missing", chain)
			continue
		}
		if err := s.verifyChain(ctx, begins[chain], ends[at], signed[chain], &report); err != nil {
			return report, err
		}
		if err := s.verifyLater(ctx, ends[at], signed[chain], &report); err != nil {
			return report, err
		}
	}
	if len(parts) == 1 {
		err = s.verifyOutside(ctx, begins, &report)
	}
	s.verifyNumbers(newest, last, &report)
	return report, err
}

// verifyOutside looks for events that are on no chain, or before the beginning of their chain.
func (s *Trail) verifyOutside(ctx context.Context, begins map[int]domain.Link, report *Report) error {
	for chain := range domain.AuditChains {
		before, err := s.Store.Audit().Count(ctx, chain, math.MinInt64, begins[chain].Position)
		switch {
		case err != nil:
			return err
		case before > 0 && begins[chain].Position == 0:
			report.problem("chain %d: events were added before its beginning: %d", chain, before)
		case before > 0:
			report.Remains += before
		}
	}
	strays, err := s.Store.Audit().Strays(ctx)
	for _, stray := range strays {
		report.problem("chain %d does not exist, and events are on it: %d", stray.Chain, stray.Events)
	}
	return err
}

// trusted reads the checkpoints with a valid signature: where each chain begins, and the hashes
// that were signed, by chain and position.
func (s *Trail) trusted(
	checkpoints []domain.Checkpoint, report *Report,
) (starts map[int]domain.Link, signed map[int]map[int64][32]byte) {
	starts, signed = map[int]domain.Link{}, map[int]map[int64][32]byte{}
	for chain := range domain.AuditChains {
		starts[chain], signed[chain] = domain.Link{Chain: chain}, map[int64][32]byte{}
	}
	for _, c := range checkpoints {
		if !s.Notary.Signed(c) {
			report.problem("checkpoint %d: the signature is not good", cmp.Or(c.Number, c.ID))
			continue
		}
		report.Checkpoints++
		for _, link := range c.Links {
			if beginsAnew(c) {
				starts[link.Chain] = link
			} else if hashes, ok := signed[link.Chain]; ok {
				hashes[link.Position] = link.Hash
			}
		}
	}
	return starts, signed
}

// verifyChain walks a chain from where it begins to its end.
func (s *Trail) verifyChain(
	ctx context.Context, begin, end domain.Link, signed map[int64][32]byte, report *Report,
) error {
	for position := range signed {
		if position > end.Position {
			report.problem(
				"chain %d: it ends at %d, and a checkpoint has seen position %d", end.Chain, end.Position, position,
			)
		}
	}
	at, walked, gap := begin, int64(0), false
	for at.Position < end.Position && !gap {
		events, err := s.Store.Audit().
			After(ctx, end.Chain, at.Position, int(min(verifyBatch, end.Position-at.Position)))
		if err != nil {
			return err
		}
		if events = upTo(events, end.Position); len(events) == 0 {
			report.problem("chain %d: positions %d to %d are missing", end.Chain, at.Position+1, end.Position)
			gap = true
		}
		for _, e := range events {
			s.verifyEvent(at, e, signed, report)
			at = e.Link
		}
		walked += int64(len(events))
	}
	report.Events += walked
	if at.Hash != end.Hash && !gap {
		report.problem("chain %d: its end is not its last event", end.Chain)
	}
	between, err := s.Store.Audit().Count(ctx, begin.Chain, begin.Position, end.Position)
	if err == nil && between > walked {
		report.problem("chain %d: events were added in the places of others: %d", begin.Chain, between-walked)
	}
	return err
}

// upTo cuts off the events after a position.
func upTo(events []domain.Event, position int64) []domain.Event {
	n := slices.IndexFunc(events, func(e domain.Event) bool { return e.Position > position })
	if n >= 0 {
		return events[:n]
	}
	return events
}

// verifyLater checks the events after the end of a chain: they were added meanwhile and follow the
// end, or somebody has put them there.
func (s *Trail) verifyLater(ctx context.Context, at domain.Link, signed map[int64][32]byte, report *Report) error {
	events, err := s.Store.Audit().After(ctx, at.Chain, at.Position, verifyBatch)
	for _, e := range events {
		s.verifyEvent(at, e, signed, report)
		at = e.Link
	}
	report.Events += int64(len(events))
	return err
}

func (s *Trail) verifyEvent(before domain.Link, e domain.Event, signed map[int64][32]byte, report *Report) {
	switch {
	case e.Position <= before.Position:
		report.problem("chain %d: position %d is there twice", e.Chain, e.Position)
	case e.Position != before.Position+1:
		report.problem("chain %d: positions %d to %d are missing", e.Chain, before.Position+1, e.Position-1)
	case !s.Notary.Follows(before, e):
		report.problem("event %d (chain %d, position %d) was altered", e.ID, e.Chain, e.Position)
	}
	if hash, ok := signed[e.Position]; ok && hash != e.Hash {
		report.problem(
			"event %d (chain %d, position %d) is not the one that a checkpoint has seen", e.ID, e.Chain, e.Position,
		)
	}
}
