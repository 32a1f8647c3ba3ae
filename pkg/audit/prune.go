package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// pruneBatch is how many events are removed in one statement.
const pruneBatch = 5000

// Prune removes the events before a time, and leaves a signed checkpoint of the new beginnings of
// the chains. It refuses to prune an audit that is not whole, since that would remove the evidence.
// Events that a crash has left behind are removed by the next prune.
func (s *Trail) Prune(ctx context.Context, before time.Time) (int64, error) {
	report, err := s.Verify(ctx)
	if err != nil {
		return 0, err
	}
	if len(report.Problems) > 0 {
		return 0,
			fmt.Errorf(
				"the audit is not whole (%d problems, see `chaveiro audit verify`): nothing was removed",
				len(report.Problems),
			)
	}
	if n := len(report.Accepted); n > 0 && !report.Accepted[n-1].At.Before(before) {
		return 0,
			fmt.Errorf("a loss was accepted at %s, and what is before it stays as it is until all of that is removed: nothing was removed",
				report.Accepted[n-1].At.Format(time.RFC3339))
	}
	base, err := s.addBase(ctx, before)
	if err != nil {
		return 0, err
	}
	var removed int64
	for _, link := range base.Links {
		for n := pruneBatch; n == pruneBatch; removed += int64(n) {
			if n, err = s.Store.Audit().Prune(ctx, link.Chain, link.Position, pruneBatch); err != nil {
				return removed, err
			}
		}
	}
	return removed, nil
}

// addBase signs the new beginnings of the chains, together with the event that records the prune.
// The base replaces the checkpoints before it, which had the ends of the chains, so it is followed
// by a checkpoint that has them.
func (s *Trail) addBase(ctx context.Context, before time.Time) (domain.Checkpoint, error) {
	begins, err := s.begins(ctx, before)
	if err != nil {
		return domain.Checkpoint{}, err
	}
	b, err := s.beforeSigning(ctx)
	if err == nil {
		err = s.lost(ctx, b)
	}
	if err != nil {
		return domain.Checkpoint{}, err
	}
	base, ends := s.checkpoint(begins, true), s.checkpoint(b.ends, false)
	last := s.follow(b.last, base, ends)
	err = s.Recorder.Apply(ctx, s.Store, func(tx domain.Store) (Change, error) {
		err := keepCheckpoints(ctx, tx, b.last, last, base, ends)
		return Change{
			Action: domain.ActionPrune, Resource: domain.ScopeAudit, ID: base.ID,
			After: Facts{"before": Moment(before)},
		}, err
	})
	if err == nil {
		s.publish(ctx, *base, *ends)
	}
	return *base, err
}

// begins finds where the chains begin once the events before a time are removed.
func (s *Trail) begins(ctx context.Context, before time.Time) ([]domain.Link, error) {
	checkpoints, err := s.Store.Audit().Checkpoints(ctx)
	if err != nil {
		return nil, err
	}
	present, _ := s.trusted(checkpoints, &Report{})
	begins := make([]domain.Link, domain.AuditChains)
	for chain := range begins {
		if begins[chain], err = s.Store.Audit().LastBefore(ctx, chain, before); err != nil {
			return nil, err
		}
		if begins[chain].Position <= present[chain].Position { // nothing to remove: the chain begins where it did
			begins[chain] = present[chain]
		}
	}
	return begins, nil
}
