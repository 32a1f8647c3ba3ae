package agent

import (
	"context"
	"time"

	chaveiro "github.com/chaveiro/chaveiro/gen/sdk/go"
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
	// Wait returns when there may be another state, and after most at the latest. Its error is that
	// of ctx.
	Wait(ctx context.Context, instance int64, most time.Duration) error
}

// Polling is a Source that asks the service again and again.
type Polling struct{ SDK *chaveiro.SDK }

// Fetch implements Source.
func (p Polling) Fetch(
	ctx context.Context, instance int64, q Question,
) (string, *chaveiro.AgentState, error) {
	answer, err := p.SDK.OpenVPN.GetInstanceAgent(ctx, instance, chaveiro.GetInstanceAgentParams{
		Tag: q.Tag, Cursor: q.Cursor, Key: &q.Keys,
	})
	if err != nil {
		return "", nil, err
	}
	return answer.Tag, answer.State, nil
}

// Wait implements Source.
func (Polling) Wait(ctx context.Context, _ int64, most time.Duration) error {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
