package api

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/audit"
	"github.com/chaveiro/chaveiro/pkg/domain"
)

type auditEvents struct{ service *audit.Trail }

// GetAuditEventsPage implements the operation getAuditEventsPage.
func (h auditEvents) GetAuditEventsPage(
	ctx context.Context, request gen.GetAuditEventsPageRequestObject,
) (gen.GetAuditEventsPageResponseObject, error) {
	p := request.Params
	filter, err := auditFilter(p)
	if err != nil {
		return nil, err
	}
	page, err := h.service.Page(ctx, filter, pageRequest(p.Cursor, p.Size))
	if err != nil {
		return nil, err
	}
	events, err := convertEvents(page.Items)
	return gen.GetAuditEventsPage200JSONResponse{Cursor: cursorOf(page), Events: events}, err
}

// GetAuditEvent implements the operation getAuditEvent.
func (h auditEvents) GetAuditEvent(
	ctx context.Context, request gen.GetAuditEventRequestObject,
) (gen.GetAuditEventResponseObject, error) {
	found, err := h.service.Get(ctx, request.ID)
	if err != nil {
		return nil, err
	}
	event, err := convertEvent(found)
	if err != nil {
		return nil, err
	}
	return gen.GetAuditEvent200JSONResponse(event), nil
}

func auditFilter(p gen.GetAuditEventsPageParams) (domain.AuditFilter, error) {
	from, fromErr := parseQueryDate("from", p.From)
	to, toErr := parseQueryDate("to", p.To)
	filter := domain.AuditFilter{
		ActorID: value(p.ActorID), Resource: domain.Scope(text(p.Resource)), ResourceID: value(p.ResourceID),
		Action: domain.Action(text(p.Action)),
		From:   value(from), To: value(to), Descending: p.Order != nil &&
			*p.Order == gen.AuditOrderDesc,
	}
	if p.ActorType != nil {
		kind := domain.PrincipalNobody
		if *p.ActorType != gen.AuditActorTypeNobody {
			kind = domain.PrincipalKind(*p.ActorType)
		}
		filter.ActorKind = &kind
	}
	if p.Outcome != nil {
		refused := *p.Outcome == gen.AuditOutcomeRefused
		filter.Refused = &refused
	}
	return filter, errors.Join(fromErr, toErr)
}

func convertEvents(list []domain.Event) ([]gen.AuditEvent, error) {
	events := make([]gen.AuditEvent, len(list))
	for i, one := range list {
		var err error
		if events[i], err = convertEvent(one); err != nil {
			return nil, err
		}
	}
	return events, nil
}

func convertEvent(e domain.Event) (gen.AuditEvent, error) {
	out := gen.AuditEvent{
		ID: e.ID, At: date(e.At), Address: e.Address, RequestID: e.RequestID, TraceID: optional(e.TraceID),
		Operation: e.Operation, Action: string(e.Action),
		Outcome: gen.AuditOutcomeDone, Resource: string(e.Resource), ResourceID: optional(e.ResourceID),
		ResourceName: e.ResourceName,
		Actor:        gen.AuditActor{Type: gen.AuditActorType(e.ActorKind), ID: optional(e.ActorID), Name: e.ActorName},
		Chain:        e.Chain, Position: e.Position, Hash: hex.EncodeToString(e.Hash[:]),
	}
	if e.ActorKind == domain.PrincipalNobody {
		out.Actor.Type = gen.AuditActorTypeNobody
	}
	if e.Refused {
		out.Outcome = gen.AuditOutcomeRefused
	}
	var faults [2]error
	out.Before, faults[0] = factsOf(e.Before)
	out.After, faults[1] = factsOf(e.After)
	return out, errors.Join(faults[:]...)
}

// factsOf decodes the facts of an event; nil if it has none.
func factsOf(text string) (facts map[string]any, err error) {
	if text != "" {
		err = json.Unmarshal([]byte(text), &facts)
	}
	return facts, err
}
