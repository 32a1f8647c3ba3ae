package api

import (
	"context"
	"time"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/tunnel"
)

// GetInstanceAgent implements the operation getInstanceAgent.
func (h instances) GetInstanceAgent(
	ctx context.Context, request gen.GetInstanceAgentRequestObject,
) (gen.GetInstanceAgentResponseObject, error) {
	p := request.Params
	if wait := value(p.Wait); wait > 0 {
		return h.awaitAgent(ctx, request.ID, text(p.Tag), time.Duration(wait)*time.Second)
	}
	asked := tunnel.AgentRequest{Tag: text(p.Tag), Cursor: text(p.Cursor), Keys: value(p.Key)}
	answer, err := h.tunnels.Agent(ctx, request.ID, asked)
	if err != nil {
		return nil, err
	}
	body := gen.Agent{Tag: answer.Tag, Changed: answer.Bundle != nil}
	if body.Changed && asked.Keys {
		if _, err := h.tunnels.Send(ctx, answer.Bundle); err != nil {
			return nil, err
		}
	}
	if body.Changed {
		body.State = convertAgentState(answer)
	}
	return gen.GetInstanceAgent200JSONResponse{
		Body: body, Headers: gen.GetInstanceAgent200ResponseHeaders{CacheControl: header(noStore)},
	}, nil
}

// awaitAgent answers when there is another state.
func (h instances) awaitAgent(
	ctx context.Context, id int64, tag string, wait time.Duration,
) (gen.GetInstanceAgentResponseObject, error) {
	now, err := h.tunnels.AwaitAgent(ctx, id, tag, wait)
	if err != nil {
		return nil, err
	}
	return gen.GetInstanceAgent200JSONResponse{
		Body:    gen.Agent{Tag: now, Changed: now != tag},
		Headers: gen.GetInstanceAgent200ResponseHeaders{CacheControl: header(noStore)},
	}, nil
}

func convertAgentState(a tunnel.AgentAnswer) *gen.AgentState {
	i := a.Bundle.Instance
	return &gen.AgentState{
		InstanceID: i.ID, Name: i.Name, Unit: tunnel.Unit(i.Name), KeyTag: a.KeyTag,
		ReloadedAt: optionalDate(i.ReloadedAt), Stale: a.Bundle.Stale, Cursor: a.Revoked.Cursor,
		Complete: a.Revoked.Complete, Revoked: convertAll(a.Revoked.List, convertAgentRevocation),
		Kill: convertAll(a.Kill, convertKill), Files: convertAll(a.Bundle.Regular(), convertBundleFile),
	}
}

func convertKill(s domain.TunnelSession) gen.AgentKill {
	return gen.AgentKill{SessionID: s.ID, Number: s.Number, Since: s.Since, Name: s.Name}
}

func convertAgentRevocation(r tunnel.AgentRevocation) gen.AgentRevocation {
	return gen.AgentRevocation{
		CaID: r.CAID, Serial: r.Serial, Name: optional(r.Name), Reason: r.Reason.String(),
		RevokedDate: date(r.RevokedAt),
	}
}
