package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"github.com/chaveiro/chaveiro/pkg/app"
	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/service"
)

type auditList struct {
	app.StorageConfig
	form
	Order      string        `enum:"asc,desc" default:"asc" help:"asc, by ascending id, or desc, newest first."`
	ActorType  string        `enum:",user,apikey,authorization,command,nobody" default:"" placeholder:"TYPE" help:"Only what was done by a user, an apikey, an authorization of the vault, a command, or nobody known."`
	ActorID    *int64        `placeholder:"ID" help:"Only what the user, apikey or authorization of this id did; useful with --actor-type."`
	Resource   domain.Scope  `placeholder:"KIND" help:"Only what concerns resources of this kind, as openvpn.clients."`
	ResourceID *int64        `placeholder:"ID" help:"Only what concerns the resource of this id; useful with --resource."`
	Action     domain.Action `placeholder:"ACTION" help:"Only events of this action, as create."`
	Outcome    string        `enum:",done,refused" default:"" placeholder:"OUTCOME" help:"Only what was done, or refused."`
	From       past          `placeholder:"WHEN" help:"Only events since then: 7d ago, or a date as 2027-01-31."`
	To         past          `placeholder:"WHEN" help:"Only events before."`
}

// filter is what the flags select at the time now.
func (c *auditList) filter(now time.Time) (domain.AuditFilter, error) {
	filter := domain.AuditFilter{
		Resource: c.Resource, Action: c.Action, From: c.From.time(now), To: c.To.time(now),
		Descending: c.Order == "desc",
	}
	var faults []error
	for _, one := range []struct {
		flag  string
		given *int64
		into  *int64
	}{{"--actor-id", c.ActorID, &filter.ActorID}, {"--resource-id", c.ResourceID, &filter.ResourceID}} {
		if one.given == nil {
			continue
		}
		if *one.into = *one.given; *one.given < 1 {
			faults = append(faults, misuse("%s is a number from 1", one.flag))
		}
	}
	if c.ActorType != "" {
		kind := domain.PrincipalNobody
		if c.ActorType != "nobody" {
			kind = domain.PrincipalKind(c.ActorType)
		}
		filter.ActorKind = &kind
	}
	if c.Outcome != "" {
		filter.Refused = new(c.Outcome == "refused")
	}
	return filter, errors.Join(faults...)
}

// Run lists the events. What was looked at is in no event.
func (c *auditList) Run(ctx context.Context) error {
	filter, err := c.filter(app.Now())
	if err != nil {
		return err
	}
	return command(ctx, c.StorageConfig, "audit list", func(ctx context.Context, s *service.Services) error {
		page := func(ctx context.Context, request domain.PageRequest) (domain.Page[domain.Event], error) {
			return s.Audit.Page(ctx, filter, request)
		}
		return list(ctx, c.form, page, eventRecordOf)
	})
}

// actorRef is who has done something.
type actorRef struct {
	Type string `json:"type"`
	ID   *int64 `json:"id"`
	Name string `json:"name"`
}

func (a actorRef) text(bool) string {
	if a.Name == "" {
		return a.Type
	}
	return a.Type + " " + a.Name
}

// eventRecord is an event of the audit as it is printed.
type eventRecord struct {
	ID           int64           `json:"id" table:"ID"`
	At           stamp           `json:"at" table:"AT"`
	Actor        actorRef        `json:"actor" table:"ACTOR"`
	Address      string          `json:"address" table:"ADDRESS"`
	RequestID    string          `json:"request_id"`
	TraceID      *string         `json:"trace_id"`
	Operation    string          `json:"operation"`
	Action       domain.Action   `json:"action" table:"ACTION"`
	Outcome      string          `json:"outcome" table:"OUTCOME"`
	Resource     domain.Scope    `json:"resource" table:"RESOURCE"`
	ResourceID   *int64          `json:"resource_id" table:"OF"`
	ResourceName string          `json:"resource_name" table:"NAME"`
	Before       json.RawMessage `json:"before"`
	After        json.RawMessage `json:"after"`
	Chain        int             `json:"chain"`
	Position     int64           `json:"position"`
	Hash         string          `json:"hash"`
}

func eventRecordOf(e domain.Event) eventRecord {
	actor := actorRef{string(e.ActorKind), optional(e.ActorID), e.ActorName}
	if e.ActorKind == domain.PrincipalNobody {
		actor.Type = "nobody"
	}
	outcome := "done"
	if e.Refused {
		outcome = "refused"
	}
	return eventRecord{
		ID: e.ID, At: stamp(e.At), Actor: actor, Address: e.Address, RequestID: e.RequestID,
		TraceID: optional(e.TraceID), Operation: e.Operation, Action: e.Action, Outcome: outcome, Resource: e.Resource,
		ResourceID: optional(e.ResourceID), ResourceName: e.ResourceName, Before: factsOf(e.Before),
		After: factsOf(e.After), Chain: e.Chain, Position: e.Position, Hash: hex.EncodeToString(e.Hash[:]),
	}
}

// factsOf are the facts of an event; null: there are none.
func factsOf(text string) json.RawMessage {
	if text == "" {
		return json.RawMessage("null")
	}
	return json.RawMessage(text)
}
