package mail

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/mail/smtp"
)

// session is the line to the server of one round, opened when it is needed.
type session struct {
	line   *smtp.Line
	cancel context.CancelFunc
}

func (s *session) end() {
	if s.line != nil {
		s.line.Close()
		s.cancel()
	}
	s.line = nil
}

// begin opens the line, which outlives ctx.
func (s *session) begin(ctx context.Context, server smtp.Server) error {
	if s.line != nil {
		return nil
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer context.AfterFunc(ctx, cancel)()
	line, err := server.Open(life)
	if err != nil {
		cancel()
		return err
	}
	s.line, s.cancel = line, cancel
	return nil
}

// send hands a letter over, within the time of one.
func (p *Post) send(ctx context.Context, s *session, m smtp.Message) (err error) {
	ctx, cancel := context.WithTimeout(ctx, letterTimeout)
	defer cancel()
	ctx, span := p.Spans.Letter(ctx)
	defer func() { span.EndWith(err) }()
	if err := s.begin(ctx, p.Server); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, s.cancel)()
	err = s.line.Send(m)
	if err != nil {
		s.end()
	}
	return err
}

// try sends a letter that says that mail works.
func (p *Post) try(ctx context.Context, r domain.MailRecipient) (Trial, error) {
	if p.Server.Host == "" {
		return Trial{}, domain.Fault(domain.Rule, "", domain.ReasonMailOff)
	}
	r.MessageID, r.WrittenAt = p.newID(), p.Now()
	message, err := p.Writer.trial(r)
	if err != nil {
		return Trial{}, err
	}
	bounded, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	var s session
	defer s.end()
	done := Trial{MessageID: r.MessageID}
	if err := p.send(bounded, &s, message); err != nil {
		if ctx.Err() != nil {
			return Trial{}, ctx.Err()
		}
		done.Failure = clean(err.Error(), maxFailure)
	}
	return done, nil
}

// tryTimeout is within the time of a request.
const tryTimeout = 20 * time.Second

// backoff doubles a pause for each attempt before, up to a longest one, and shortens it by up to a
// tenth at random.
func backoff(first, longest time.Duration, attempts int) time.Duration {
	pause := longest
	if attempts < 16 {
		pause = min(first<<attempts, longest)
	}
	return pause - rand.N(pause/10)
}
