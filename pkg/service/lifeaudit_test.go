package service_test

import (
	"log/slog"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

// TestAudit_Lives: the audit tells the life of a client's certificates, each change by one event.
func TestAudit_Lives(t *testing.T) {
	t.Parallel()
	s := &scenario{World: WorldOn(t, NewSQLite(t), slog.DiscardHandler), ctx: From(Operator(t), "2001:db8::1")}
	spec := Spec(s.NewCA(t).ID)
	spec.Name = "client"
	first := Must(s.Clients.Create(s.ctx, spec))(t)
	second := Must(s.Clients.Renew(s.ctx, first.ID, domain.ClientRenewal{Overlap: new(time.Hour)}))(t)
	event := func(action domain.Action, before, after string) {
		t.Helper()
		events := s.Events(t)
		WantEvent(t, events[len(events)-1], domain.Event{
			ActorKind: domain.PrincipalCommand, ActorName: "operator", Address: "2001:db8::1", RequestID: "request-1",
			Operation: "test", Action: action, Resource: domain.ScopeClients, ResourceID: first.ID, ResourceName: "client",
			Before: before, After: after,
		})
	}
	both := `"serials":["` + first.Serial + `","` + second.Serial + `"]}`
	event(domain.ActionRenew, `{"serial":"`+first.Serial+`","superseded":null,"superseded_at":null}`, `{"serial":"`+second.Serial+
		`","superseded":["`+first.Serial+`"],"superseded_at":"2026-03-04T13:00:00Z"}`)
	Must(s.Clients.Suspend(s.ctx, first.ID))(t)
	event(domain.ActionHold, "", `{"ca_id":1,"reason":"certificateHold","revoked_at":"2026-03-04T12:00:00Z",`+both)
	Must(s.Clients.Resume(s.ctx, first.ID))(t)
	event(domain.ActionResume, "", `{"ca_id":1,"reason":"unspecified","revoked_at":null,`+both)
	s.Clock.Pass(time.Hour)
	Check(t, s.Clients.RevokeSuperseded(s.ctx))
	event(domain.ActionRevoke, "", `{"ca_id":1,"reason":"superseded","revoked_at":"2026-03-04T13:00:00Z","serials":["`+first.Serial+`"]}`)
	Must(s.Clients.Revoke(s.ctx, first.ID, domain.RevocationSpec{
		Reason: domain.KeyCompromise, InvalidSince: Noon,
	}))(t)
	event(domain.ActionRevoke, "", `{"ca_id":1,"invalidity_date":"2026-03-04T12:00:00Z","reason":"keyCompromise",`+
		`"revoked_at":"2026-03-04T13:00:00Z","serials":["`+second.Serial+`"]}`)
	third := Must(s.Clients.Renew(s.ctx, first.ID, domain.ClientRenewal{Overlap: new(time.Duration(0))}))(t)
	event(domain.ActionRenew, `{"expires_at":"2036-03-01T12:00:00Z","revoked_at":"2026-03-04T13:00:00Z","serial":"`+
		second.Serial+`","superseded":null,"superseded_at":null}`, `{"expires_at":"2036-03-01T13:00:00Z","revoked_at":null,"serial":"`+third.Serial+
		`","superseded":[],"superseded_at":"2026-03-04T13:00:00Z"}`)
	WantSame(t, Must(s.Audit.Verify(t.Context()))(t).Whole(), true)
}
