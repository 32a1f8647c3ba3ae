package service

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/chaveiro/chaveiro/pkg/auth"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Audit are the use cases of the audit: to read it, to check that it is whole, and to remove what is too old.
type Audit struct {
	Store    domain.Store
	Notary   *auth.Notary
	Recorder *Recorder
	Now      func() time.Time
	Log      *slog.Logger
}

// Page lists events.
func (s *Audit) Page(ctx context.Context, filter domain.AuditFilter, req domain.PageRequest) (domain.Page[domain.Event], error) {
	return s.Store.Audit().Page(ctx, filter, req)
}

// Get returns one event.
func (s *Audit) Get(ctx context.Context, id int64) (domain.Event, error) {
	return s.Store.Audit().Get(ctx, id)
}

// checkpointEvery is how often the ends of the chains are signed.
const checkpointEvery = time.Hour

// Checkpoint signs where the chains stand, unless the last checkpoint is of a short time ago or nothing has happened since.
func (s *Audit) Checkpoint(ctx context.Context) error {
	known, err := s.Store.Audit().Checkpoints(ctx)
	if err != nil {
		return err
	}
	ends, err := s.Store.Audit().Ends(ctx)
	if err != nil {
		return err
	}
	if n := len(known); n > 0 && (s.Now().Sub(known[n-1].At) < checkpointEvery || slices.Equal(known[n-1].Links, ends)) {
		return nil
	}
	c := s.checkpoint(ends, false)
	return s.Store.Audit().AddCheckpoint(ctx, &c)
}

// checkpoint signs where the chains stand, or begin.
func (s *Audit) checkpoint(links []domain.Link, base bool) domain.Checkpoint {
	c := domain.Checkpoint{At: s.Now().Truncate(time.Microsecond), Base: base, Links: links}
	s.Notary.Sign(&c)
	return c
}

// AuditReport is the outcome of a check.
type AuditReport struct {
	Events      int64 // that were looked at
	Checkpoints int
	Problems    []string
}

func (r *AuditReport) problem(format string, args ...any) {
	r.Problems = append(r.Problems, fmt.Sprintf(format, args...))
}

// verifyBatch is how many events are read at once.
const verifyBatch = 1000

// Verify checks every event against its chain, and the chains against the checkpoints. Of the changes that are made meanwhile some are looked
// at and others left for the next time.
func (s *Audit) Verify(ctx context.Context) (AuditReport, error) {
	for {
		checkpoints, err := s.Store.Audit().Checkpoints(ctx)
		if err != nil {
			return AuditReport{}, err
		}
		report, err := s.verify(ctx, checkpoints)
		if err != nil || len(report.Problems) == 0 {
			return report, err
		}
		now, err := s.Store.Audit().Checkpoints(ctx)
		if err != nil || s.base(now) == s.base(checkpoints) {
			return report, err
		}
	} // what was missing has been pruned meanwhile
}

// base is the id of the checkpoint that says where the chains begin, 0 when they begin at the beginning.
func (s *Audit) base(checkpoints []domain.Checkpoint) (id int64) {
	for _, c := range checkpoints {
		if c.Base && s.Notary.Signed(c) {
			id = c.ID
		}
	}
	return id
}

func (s *Audit) verify(ctx context.Context, checkpoints []domain.Checkpoint) (AuditReport, error) {
	var report AuditReport
	ends, err := s.Store.Audit().Ends(ctx)
	if err != nil {
		return report, err
	}
	begins, signed := s.trusted(checkpoints, &report)
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
	}
	strays, err := s.Store.Audit().Strays(ctx)
	for _, stray := range strays {
		report.problem("chain %d does not exist, and events are on it: %d", stray.Chain, stray.Events)
	}
	return report, err
}

// trusted reads the checkpoints whose signature is good: where each chain begins, and the hashes that were signed, by chain and position.
func (s *Audit) trusted(checkpoints []domain.Checkpoint, report *AuditReport) (begins map[int]domain.Link, signed map[int]map[int64][32]byte) {
	begins, signed = map[int]domain.Link{}, map[int]map[int64][32]byte{}
	for chain := range domain.AuditChains {
		begins[chain], signed[chain] = domain.Link{Chain: chain}, map[int64][32]byte{}
	}
	for _, c := range checkpoints {
		if !s.Notary.Signed(c) {
			report.problem("checkpoint %d: the signature is not good", c.ID)
			continue
		}
		report.Checkpoints++
		for _, link := range c.Links {
			if c.Base {
				begins[link.Chain] = link
			} else if hashes, ok := signed[link.Chain]; ok {
				hashes[link.Position] = link.Hash
			}
		}
	}
	return begins, signed
}

// verifyChain walks a chain from where it begins to its end.
func (s *Audit) verifyChain(ctx context.Context, at, end domain.Link, signed map[int64][32]byte, report *AuditReport) error {
	for position := range signed {
		if position > end.Position {
			report.problem("chain %d: it ends at %d, and a checkpoint has seen position %d", end.Chain, end.Position, position)
		}
	}
	for at.Position < end.Position {
		events, err := s.Store.Audit().After(ctx, end.Chain, at.Position, int(min(verifyBatch, end.Position-at.Position)))
		if err != nil {
			return err
		}
		if len(events) == 0 {
			report.problem("chain %d: positions %d to %d are missing", end.Chain, at.Position+1, end.Position)
			return nil
		}
		for _, e := range events {
			s.verifyEvent(at, e, signed, report)
			at = e.Link
		}
		report.Events += int64(len(events))
	}
	if at.Hash != end.Hash {
		report.problem("chain %d: its end is not its last event", end.Chain)
	}
	return s.verifyLater(ctx, end, signed, report)
}

// verifyLater looks behind the end of a chain: what is there was added meanwhile, and follows on, or somebody else has put it there.
func (s *Audit) verifyLater(ctx context.Context, at domain.Link, signed map[int64][32]byte, report *AuditReport) error {
	events, err := s.Store.Audit().After(ctx, at.Chain, at.Position, verifyBatch)
	for _, e := range events {
		s.verifyEvent(at, e, signed, report)
		at = e.Link
	}
	report.Events += int64(len(events))
	return err
}

func (s *Audit) verifyEvent(before domain.Link, e domain.Event, signed map[int64][32]byte, report *AuditReport) {
	switch {
	case e.Position != before.Position+1:
		report.problem("chain %d: positions %d to %d are missing", e.Chain, before.Position+1, e.Position-1)
	case s.Notary.NextHash(before, e) != e.Hash:
		report.problem("event %d (chain %d, position %d) was altered", e.ID, e.Chain, e.Position)
	}
	if hash, ok := signed[e.Position]; ok && hash != e.Hash {
		report.problem("event %d (chain %d, position %d) is not the one that a checkpoint has seen", e.ID, e.Chain, e.Position)
	}
}
