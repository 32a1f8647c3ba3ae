package audit

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// Loss is everything that is missing from the audit at one time, and where its chains can continue.
type Loss struct {
	Hash     [32]byte // SHA-256 of the lines
	Problems []string // in alphabetical order
	Ends     []string // what is wrong with the ends of the chains

	nothingNew bool // all problems were accepted before

	before signedLast // the checkpoint that was signed last
	next   signedLast // the checkpoint that the next one follows
	was    []domain.Link
	ends   []domain.Link
}

// Empty reports whether nothing is missing except what was accepted before.
func (l Loss) Empty() bool { return (len(l.Problems) == 0 || l.nothingNew) && len(l.Ends) == 0 }

// maxReason is the greatest length of the reason for which a loss is accepted, in characters.
const maxReason = 500

// maxPosition is the highest position that a chain can have: a higher one was forged. No clock and
// no load comes near it.
const maxPosition = 1 << 53

var (
	errNoLoss     = errors.New("nothing is missing: there is no loss to accept")
	errOtherLoss  = errors.New("what is missing is another loss than that: nothing was accepted")
	errEndMoved   = errors.New("a chain has moved on meanwhile: nothing was accepted, look at the loss again")
	errLossReason = fmt.Errorf("a reason is needed, of 1 to %d printable characters", maxReason)
)

// FindLoss checks the whole audit, and returns what is missing, with what was accepted before, and
// where the chains continue once that is accepted.
func (s *Trail) FindLoss(ctx context.Context) (Loss, error) {
	b, err := s.beforeSigning(ctx)
	if err != nil {
		return Loss{}, err
	}
	loss := Loss{before: b.last, next: b.follows(s), was: b.ends}
	parts := s.parts(b.known)
	if loss.Problems, err = s.verifyUpTo(ctx, parts, &loss); err != nil {
		return loss, err
	}
	if newest := parts[len(parts)-1]; len(parts) > 1 && len(acceptedBy(newest[0]).beyond(loss.Problems)) == 0 {
		loss.nothingNew = true
	}
	loss.Hash = lossHash(loss.Problems, loss.Ends)
	return loss, nil
}

// verifyUpTo checks all parts, the last one up to the links where its chains continue, and returns
// the problems in order.
func (s *Trail) verifyUpTo(ctx context.Context, parts [][]domain.Checkpoint, loss *Loss) ([]string, error) {
	var report Report
	var err error
	if loss.ends, loss.Ends, err = s.goOn(ctx, parts[len(parts)-1], loss.was); err != nil {
		return nil, err
	}
	for i, part := range parts {
		ends, last := loss.ends, loss.next
		if i+1 < len(parts) {
			next := parts[i+1][0]
			ends, last = next.Links, signedLast{number: next.Number - 1, hash: next.Previous}
		}
		if err := s.verifyPart(ctx, part, ends, last, &report); err != nil {
			return nil, err
		}
	}
	starts, _ := s.trusted(parts[0], &Report{})
	err = s.verifyOutside(ctx, starts, &report)
	slices.Sort(report.Problems)
	return report.Problems, err
}

// follows returns what the next checkpoint follows: the last one that was signed. The number is
// raised to that of the newest checkpoint there is, also when nobody has signed that one.
func (b signing) follows(s *Trail) signedLast {
	last := signedLast{number: b.last.number, hash: b.last.hash}
	if newest, ok := b.newest(); ok {
		last.number = max(last.number, newest.Number)
	}
	return last
}

// farFuture is later than any event.
var farFuture = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// goOn finds where the chains continue: after everything that was signed and everything that is
// there, so that no position is used twice.
func (s *Trail) goOn(
	ctx context.Context, part []domain.Checkpoint, was []domain.Link,
) (ends []domain.Link, wrong []string, err error) {
	starts, signed := s.trusted(part, &Report{})
	for chain := range domain.AuditChains {
		at := slices.IndexFunc(was, func(l domain.Link) bool { return l.Chain == chain })
		end := furthest(starts[chain], signed[chain])
		if at >= 0 && was[at].Position > end.Position {
			end = was[at]
		}
		event, err := s.Store.Audit().LastBefore(ctx, chain, farFuture)
		if err != nil {
			return nil, nil, err
		}
		if event.Position > starts[chain].Position && event.Position >= end.Position {
			end = event
		}
		switch {
		case end.Position > maxPosition:
			return nil, nil,
				fmt.Errorf("chain %d ends at %d, which no audit has reached: set it right first", chain, end.Position)
		case at < 0:
			wrong = append(wrong, fmt.Sprintf("chain %d: its end is missing", chain))
		case was[at] != end:
			wrong = append(
				wrong,
				fmt.Sprintf(
					"chain %d: its end is not the last that is known, which is position %d", chain, end.Position,
				),
			)
		}
		ends = append(ends, end)
	}
	for _, one := range was {
		if one.Chain < 0 || one.Chain >= domain.AuditChains {
			wrong = append(wrong, fmt.Sprintf("chain %d: it does not exist, and has an end", one.Chain))
		}
	}
	return ends, wrong, nil
}

// furthest returns the last link of a chain that was signed.
func furthest(start domain.Link, signed map[int64][32]byte) domain.Link {
	for position, hash := range signed {
		if position > start.Position {
			start.Position, start.Hash = position, hash
		}
	}
	return start
}

// Accept accepts exactly the loss with a hash, and signs where the chains continue. Errors: there
// is no loss, or another one; the reason is missing; another process signs at the same time.
// Nothing has changed then.
func (s *Trail) Accept(ctx context.Context, hash [32]byte, reason string) (domain.Checkpoint, error) {
	if !isReason(reason) {
		return domain.Checkpoint{}, errLossReason
	}
	loss, err := s.FindLoss(ctx)
	switch {
	case err != nil:
		return domain.Checkpoint{}, err
	case loss.Empty():
		return domain.Checkpoint{}, errNoLoss
	case loss.Hash != hash:
		return domain.Checkpoint{}, errOtherLoss
	}
	var signed *domain.Checkpoint
	err = s.Store.Transact(ctx, func(tx domain.Store) (err error) {
		signed, err = s.accept(ctx, tx, loss, reason)
		return err
	})
	if err != nil {
		return domain.Checkpoint{}, err
	}
	s.publish(ctx, *signed)
	return *signed, nil
}

func isReason(text string) bool {
	n := utf8.RuneCountInString(text)
	return n > 0 && n <= maxReason && utf8.ValidString(text) && strings.TrimSpace(text) == text &&
		!strings.ContainsFunc(text, unicode.IsControl)
}

// accept mends the ends of the chains, records that in an event, and signs where the chains
// continue, the event included. The row of the secret lets only one of several signing processes
// proceed. Its lock is taken before the chains' locks, in the same order as in a prune.
func (s *Trail) accept(ctx context.Context, tx domain.Store, loss Loss, reason string) (*domain.Checkpoint, error) {
	held, err := tx.Secrets().Replace(ctx, SecretName, loss.before.sealed, loss.before.sealed)
	if err == nil && !held {
		err = errSignedByOther
	}
	if err != nil {
		return nil, err
	}
	mended, err := tx.Audit().MendEnds(ctx, loss.was, loss.ends)
	if err == nil && !mended {
		err = errEndMoved
	}
	if err != nil {
		return nil, err
	}
	e, err := s.Recorder.Event(ctx, loss.change(reason))
	if err == nil {
		err = s.Recorder.RecordAll(ctx, tx, []*domain.Event{e})
	}
	if err != nil {
		return nil, err
	}
	ends := slices.Clone(loss.ends)
	ends[e.Chain] = e.Link
	c := s.checkpoint(ends, false)
	if c.Loss, err = loss.text(reason); err != nil {
		return nil, err
	}
	return c, keepCheckpoints(ctx, tx, loss.before, s.follow(loss.next, c), c)
}

// text returns the loss in the form in which a checkpoint stores it.
func (l Loss) text(reason string) (string, error) {
	text, err := json.Marshal(storedLoss{
		Hash: hex.EncodeToString(l.Hash[:]), Reason: reason, Count: len(l.Problems),
		Problems: l.Problems[:min(len(l.Problems), maxLossLines)], Ends: l.Ends,
	})
	return string(text), err
}

// maxEventLines is how many problems the event of an accepted loss names.
const maxEventLines = 20

// change is the audited change of an accepted loss.
func (l Loss) change(reason string) Change {
	return Change{Action: domain.ActionAccept, Resource: domain.ScopeAudit, After: Facts{
		"checkpoint": l.next.number + 1, "loss": hex.EncodeToString(l.Hash[:]), "reason": reason,
		"problems":       len(l.Problems),
		"first_problems": l.Problems[:min(len(l.Problems), maxEventLines)], "mended": l.Ends,
		"ends_before": linkTexts(l.was), "ends": linkTexts(l.ends),
	}}
}

// linkTexts writes links as chain:position:hash.
func linkTexts(links []domain.Link) []string {
	list := make([]string, len(links))
	for i, l := range links {
		list[i] = fmt.Sprintf("%d:%d:%x", l.Chain, l.Position, l.Hash)
	}
	return list
}
