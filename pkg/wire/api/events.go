package api

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	gen "github.com/chaveiro/chaveiro/gen/api"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/events"
)

type eventStream struct {
	stream   *events.Stream
	verifier Verifier
	lines    *eventLines
}

// GetEventsPage implements the operation getEventsPage.
func (h eventStream) GetEventsPage(
	ctx context.Context, request gen.GetEventsPageRequestObject,
) (gen.GetEventsPageResponseObject, error) {
	p := request.Params
	filter, err := streamFilter(p)
	if err != nil {
		return nil, err
	}
	if info := infoOf(ctx); info.follows {
		return h.follow(ctx, filter, info.lastEvent)
	}
	wait := time.Duration(value(p.Wait)) * time.Second
	found, err := h.stream.Page(ctx, filter, pageRequest(p.Cursor, p.Size), wait)
	if err != nil {
		return nil, err
	}
	page := gen.GetEventsPage200JSONResponse{
		Cursor: cursorOf(found.Page), Newest: found.Newest, Events: make([]gen.StreamEvent, len(found.Items)),
	}
	for i, e := range found.Items {
		if page.Events[i], err = convertStreamEvent(e); err != nil {
			return nil, err
		}
	}
	return page, nil
}

func streamFilter(p gen.GetEventsPageParams) (domain.StreamFilter, error) {
	since, err := parseQueryDate("since", p.Since)
	filter := domain.StreamFilter{
		Resource: domain.Scope(text(p.Resource)), ResourceID: value(p.ID), Since: value(since),
	}
	if err != nil || text(p.Type) == "" {
		return filter, err
	}
	for name := range strings.SplitSeq(*p.Type, ",") {
		if !slices.Contains(domain.EventTypes(), domain.EventType(name)) {
			return filter, domain.Fault(domain.Malformed, "type", domain.ReasonEventType, name)
		}
		filter.Types = append(filter.Types, domain.EventType(name))
	}
	return filter, nil
}

func convertStreamEvent(e domain.StreamEvent) (gen.StreamEvent, error) {
	out := gen.StreamEvent{
		ID: e.ID, Type: gen.EventType(e.Type), At: date(e.At), Resource: string(e.Resource),
		ResourceID: optional(e.ResourceID), ResourceName: e.ResourceName, RequestID: e.RequestID,
		TraceID: optional(e.TraceID),
		Actor:   gen.StreamEventActor{Type: "nobody", ID: optional(e.ActorID), Name: e.ActorName},
	}
	if e.ActorKind != domain.PrincipalNobody {
		out.Actor.Type = string(e.ActorKind)
	}
	var err error
	out.Data, err = convertEventData(e.Data)
	return out, err
}

// convertEventData writes the times as the dialect does.
func convertEventData(text string) (out gen.StreamEventData, err error) {
	if text == "" {
		return out, nil
	}
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		return out, err
	}
	for _, moment := range []*string{out.ExpiresAt, out.SupersededAt, out.LastReport} {
		if moment == nil {
			continue
		}
		at, err := time.Parse(time.RFC3339, *moment)
		if err != nil {
			return out, err
		}
		*moment = date(at)
	}
	return out, nil
}
