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

// Post mails events to the recipients. One replica at a time does, by a lease.
type Post struct {
	Store    domain.Store
	Server   smtp.Server // without a host nothing is mailed
	Writer   Writer
	Interval time.Duration // between two letters to a recipient; 0: DefaultInterval
	Now      func() time.Time
	Log      *slog.Logger
	Spans    spans.Tracer // of letters

	// Keep owns these.
	held      int64 // the number of the lease; 0: another replica leads
	until     time.Time
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

// The lease is longer than a letter may take, and is extended before each. When a replica is gone
// without a word, another one sends after that time.
const (
	leaseTime  = 90 * time.Second
	leaseLimit = 2 * leaseTime // a lease that is longer was taken by a clock that was ahead
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

// Keep sends what is due, until ctx ends.
func (p *Post) Keep(ctx context.Context) {
	if p.Server.Host == "" {
		return
	}
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
	p.resign(context.WithoutCancel(ctx))
}

// Round does once what Keep does all the time. It is for one goroutine.
func (p *Post) Round(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	if leads, err := p.lead(bounded); err != nil || !leads {
		return err
	}
	list, err := p.gather(bounded)
	if err != nil {
		return err
	}
	return p.deliver(ctx, list)
}

// lead makes sure that this replica is the one that sends, for the time of a letter.
func (p *Post) lead(ctx context.Context) (bool, error) {
	now := p.Now()
	if left := p.until.Sub(now); p.held != 0 && left > leaseTime*3/4 && left <= leaseTime {
		return true, nil
	}
	held, err := p.Store.MailRecipients().Lead(ctx, p.held, now, now.Add(leaseTime), now.Add(leaseLimit))
	if err != nil {
		return false, err
	}
	if held != p.held {
		p.gathered = nil // another replica may have sent meanwhile
	}
	p.held, p.until = held, now.Add(leaseTime)
	p.isLeading.Store(held != 0)
	if held == 0 {
		p.waiting.Store(0)
	}
	return held != 0, nil
}

// resignTimeout bounds the last word.
const resignTimeout = 2 * time.Second

func (p *Post) resign(ctx context.Context) {
	if p.held == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, resignTimeout)
	defer cancel()
	if err := p.Store.MailRecipients().Resign(ctx, p.held, p.Now()); err != nil {
		p.Log.WarnContext(ctx, "the lease of the mail was not given back", "error", err)
	}
	p.held = 0
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
		if p.gathered == nil || p.retryAt.After(p.Now()) {
			break
		}
	}
	return nil
}

// within does what belongs to one letter, if this replica still sends.
func (p *Post) within(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, roundTimeout+letterTimeout)
	defer cancel()
	if leads, err := p.lead(ctx); err != nil || !leads || p.gathered == nil {
		return err
	}
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
