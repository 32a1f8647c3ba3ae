package agent

import (
	"context"
	"time"

	chaveiro "github.com/chaveiro/chaveiro/gen/sdk/go"
	"github.com/chaveiro/chaveiro/pkg/spans"
)

// Question is what the agent of an instance already knows.
type Question struct {
	Tag    string // of the last answer
	Cursor string // where the last list of revocations ended
	Keys   bool   // also the keys of the server are wanted
}

// Source is where the state of an instance comes from.
type Source interface {
	// Fetch returns the state. It is nil when it has the tag of the question.
	Fetch(ctx context.Context, instance int64, q Question) (tag string, state *chaveiro.AgentState, err error)
	// Report tells the service what the agent sees, and returns the mark that the next report
	// differs from; empty: that has to have all sessions.
	Report(ctx context.Context, instance int64, r chaveiro.AgentReport) (mark string, err error)
	// Wait returns when there may be a state with another tag, and after most at the latest. same
	// says that the service has confirmed the tag at the end. The error is that of ctx.
	Wait(ctx context.Context, instance int64, tag string, most time.Duration) (same bool, err error)
}

// Service is a Source: the service itself.
type Service struct {
	SDK *chaveiro.SDK
	// Time is how long an answer may take, beside the time for which the service is asked to wait.
	Time time.Duration
	// Spans begins the spans of questions and reports. Waiting for a change has none.
	Spans spans.Tracer
}

// Fetch implements Source.
func (s Service) Fetch(
	ctx context.Context, instance int64, q Question,
) (tag string, state *chaveiro.AgentState, err error) {
	ctx, span := s.Spans.Root(ctx, "fetch state")
	defer func() { span.EndWith(err) }()
	answer, err := s.SDK.OpenVPN.GetInstanceAgent(ctx, instance, chaveiro.GetInstanceAgentParams{
		Tag: q.Tag, Cursor: q.Cursor, Key: &q.Keys,
	})
	if err != nil {
		return "", nil, err
	}
	return answer.Tag, answer.State, nil
}

// Report implements Source.
func (s Service) Report(ctx context.Context, instance int64, r chaveiro.AgentReport) (mark string, err error) {
	ctx, span := s.Spans.Root(ctx, "report sessions")
	defer func() { span.EndWith(err) }()
	answer, err := s.SDK.OpenVPN.ReportInstanceAgent(ctx, instance, r)
	if err != nil {
		return "", err
	}
	return answer.Mark, nil
}

// unanswered is how long Wait waits by itself when the service does not.
const unanswered = time.Second

// Wait implements Source.
func (s Service) Wait(ctx context.Context, instance int64, tag string, most time.Duration) (bool, error) {
	seconds := int((most + time.Second - 1) / time.Second)
	answer, err := s.SDK.OpenVPN.GetInstanceAgent(
		ctx, instance, chaveiro.GetInstanceAgentParams{Tag: tag, Wait: seconds}, chaveiro.WithTimeout(most+s.Time),
	)
	if err != nil {
		return false, pause(ctx, min(most, unanswered)) // Fetch has the error, too
	}
	return tag != "" && answer.Tag == tag, ctx.Err()
}
