package mail

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/mail/smtp"
	"github.com/chaveiro/chaveiro/pkg/spans"
)

// Post mails events to the recipients. One replica at a time does: the one that calls Keep. For a
// short time two may; what they store is fenced by the turn of the recipient, so that they send the
// same letter.
type Post struct {
	Store    domain.Store
	Server   smtp.Server // without a host nothing is mailed
	Writer   Writer
	Interval time.Duration // between two letters to a recipient; 0: DefaultInterval
	Now      func() time.Time
	Log      *slog.Logger
	Spans    spans.Tracer // of letters

	// Keep owns these.
	gathered  map[int64]*gathering // by recipient
	noted     time.Time            // when Skip was called last
	retryAt   time.Time            // when the server is tried again
	outages   int                  // attempts that have failed to reach the server, since one did not
	failing   bool                 // the last round has failed
	sent      atomic.Int64
	failed    [len(failureKinds)]atomic.Int64
	waiting   atomic.Int64
	isLeading atomic.Bool
}

// DefaultInterval is between two letters to a recipient.
const DefaultInterval = 5 * time.Minute

// The pace of Keep.
const (
	pause     = time.Second
	gatherFor = 30 * time.Second // after the first event, so that what belongs together is one letter
	skipEvery = time.Minute      // how often it is stored that events are for nobody
)

// The pauses after a failure, which double.
const (
	firstRetry  = time.Minute
	longRetry   = time.Hour
	firstOutage = 15 * time.Second
	longOutage  = 10 * time.Minute
)

// roundTimeout bounds the work with the database of one round, letterTimeout one letter.
const (
	roundTimeout  = 30 * time.Second
	letterTimeout = 60 * time.Second
)

// Keep sends what is due, until ctx ends. It may be called again after that: another replica may
// have sent meanwhile.
func (p *Post) Keep(ctx context.Context) error {
	if p.Server.Host == "" {
		return nil
	}
	p.gathered = nil
	for ctx.Err() == nil {
		err := p.Round(ctx)
		if failed := err != nil && ctx.Err() == nil; failed != p.failing {
			if p.failing = failed; failed {
				p.Log.ErrorContext(ctx, "events could not be mailed", "error", err)
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	p.isLeading.Store(false)
	p.waiting.Store(0)
	return nil
}

// Round does once what Keep does all the time. It is for one goroutine.
func (p *Post) Round(ctx context.Context) error {
	p.isLeading.Store(true)
	bounded, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	list, err := p.gather(bounded)
	if err != nil {
		return err
	}
	return p.deliver(ctx, list)
}

// deliver sends the letters that are due. It stops when the server can't be reached.
func (p *Post) deliver(ctx context.Context, list []domain.MailRecipient) error {
	now := p.Now()
	if p.retryAt.After(now) && !p.retryAt.After(now.Add(2*longOutage)) {
		return nil
	}
	var s session
	defer s.end()
	for _, r := range list {
		if !p.due(r, p.Now()) {
			continue
		}
		if err := p.within(ctx, func(ctx context.Context) error { return p.letter(ctx, &s, r) }); err != nil {
			return err
		}
		if p.retryAt.After(p.Now()) {
			break
		}
	}
	return nil
}

// within does what belongs to one letter, in bounded time.
func (p *Post) within(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, roundTimeout+letterTimeout)
	defer cancel()
	return do(ctx)
}

// due reports whether a letter to a recipient is to be sent now. Times that are too far ahead were
// stored by a clock that was.
func (p *Post) due(r domain.MailRecipient, now time.Time) bool {
	g := p.gathered[r.ID]
	if r.Waits() {
		return g.upTo == r.Last && (!r.RetryAt.After(now) || r.RetryAt.After(now.Add(2*longRetry)))
	}
	interval := cmp.Or(p.Interval, DefaultInterval)
	if g.count == 0 || !g.ripe(now, min(gatherFor, interval)) || !g.whole && now.Sub(g.begun) < interval {
		return false
	}
	pace := now.Sub(r.SentAt)
	return pace >= interval || pace < -interval
}

// letter writes and sends one letter. The span of its events is stored before it is sent, so that
// whatever happens it is the same letter that is sent again. Only faults of the database are
// returned.
func (p *Post) letter(ctx context.Context, s *session, r domain.MailRecipient) error {
	g := p.gathered[r.ID]
	if !r.Waits() {
		r.Last, r.MessageID, r.WrittenAt = g.upTo, p.newID(), p.Now()
		noted, err := p.Store.MailRecipients().Note(ctx, r.ID, r.MailState)
		if err != nil || !noted {
			return err // somebody has changed the recipient: the next round sees it
		}
		r.Turn++
	}
	if g.count == 0 { // the recipient does not get such events any more
		return p.note(ctx, r, domain.MailState{Told: r.Last, SentAt: r.SentAt, Sent: r.Sent})
	}
	message, err := p.Writer.digest(r, &g.digest)
	if err == nil {
		err = p.send(ctx, s, message)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return p.result(ctx, r, err)
}

func (p *Post) newID() string { return rand.Text() + "@" + p.Server.Domain() }

// result stores what has come of an attempt.
func (p *Post) result(ctx context.Context, r domain.MailRecipient, err error) error {
	now := p.Now()
	if err == nil {
		p.sent.Add(1)
		p.outages = 0
		delete(p.gathered, r.ID)
		return p.note(ctx, r, r.Delivered(now))
	}
	state := r.MailState
	state.Attempts++
	state.Failure = clean(err.Error(), maxFailure)
	refused, answered := errors.AsType[*smtp.Refused](err)
	switch {
	case answered && refused.Final:
		p.failed[failedAddress].Add(1)
		state.FailedAt = now
		p.Log.WarnContext(ctx, "the mail server refuses an address", "recipient", r.ID, "error", state.Failure)
	case answered && refused.Code != 0:
		p.failed[failedLater].Add(1)
		state.RetryAt = now.Add(backoff(firstRetry, longRetry, r.Attempts))
	default:
		p.outage(ctx, now, state.Failure)
		state.RetryAt = p.retryAt
	}
	return p.note(ctx, r, state)
}

// maxFailure bounds what is stored of a failure, in characters.
const maxFailure = 300

// outage notes that the server can't be reached, which is true for all recipients.
func (p *Post) outage(ctx context.Context, now time.Time, failure string) {
	p.failed[failedServer].Add(1)
	if p.outages == 0 {
		p.Log.WarnContext(ctx, "the mail server can't be used", "error", failure)
	}
	p.retryAt = now.Add(backoff(firstOutage, longOutage, p.outages))
	p.outages++
}

// notes is how often note tries.
const notes = 3

// note stores a state. When somebody has changed the recipient meanwhile, it is stored all the same
// as long as the letter is the one that was on its way.
func (p *Post) note(ctx context.Context, r domain.MailRecipient, state domain.MailState) error {
	state.Turn = r.Turn
	for range notes {
		noted, err := p.Store.MailRecipients().Note(ctx, r.ID, state)
		if err != nil || noted {
			return err
		}
		now, err := p.Store.MailRecipients().Get(ctx, r.ID)
		if domain.IsKind(err, domain.Missing) {
			return nil
		}
		if err != nil || now.MessageID != r.MessageID {
			return err
		}
		state.Turn = now.Turn
	}
	return nil
}
