package events

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// TestDerive: what the stream tells of an event of the audit is what its type documents, and no
// value of a field that may be private.
func TestDerive(t *testing.T) {
	t.Parallel()
	nobody, maria := domain.PrincipalNobody, domain.PrincipalUser
	tests := map[string]struct {
		event domain.Event
		want  domain.EventType
		data  string
	}{
		"a certificate": {
			domain.Event{Resource: domain.ScopeClients, Action: domain.ActionCreate, After: `{"serial":"0a","ca_id":3,"name":"x","email":"a@b.c","expires_at":"2030-01-01T00:00:00Z"}`},
			domain.EventCertificateIssued, `{"serial":"0a","ca_id":3,"expires_at":"2030-01-01T00:00:00Z"}`,
		},
		"a revocation": {
			domain.Event{Resource: domain.ScopeClients, Action: domain.ActionRevoke, ActorKind: maria, After: `{"serials":["0a","0b"],"reason":"superseded"}`},
			domain.EventCertificateRevoked, `{"serials":["0a","0b"],"reason":"superseded"}`,
		},
		"the end of an overlap": {
			domain.Event{Resource: domain.ScopeClients, Action: domain.ActionRevoke, ActorKind: nobody, After: `{"serials":["0a"],"reason":"superseded"}`},
			domain.EventCertificateSuperseded, `{"serials":["0a"],"reason":"superseded"}`,
		},
		"an update": {
			domain.Event{Resource: domain.ScopeUsers, Action: domain.ActionUpdate, Before: `{"email":"a@b.c","enabled":true}`, After: `{"email":"d@b.c","enabled":false}`},
			domain.EventUserUpdated, `{"changed":["email","enabled"]}`,
		},
		"a record that is removed": {
			domain.Event{Resource: domain.ScopeAPIKeys, Action: domain.ActionDelete, Before: `{"name":"x","expires_at":null}`},
			domain.EventAPIKeyDeleted, `{}`,
		},
		"a list that was taken over": {
			domain.Event{Resource: domain.ScopeCAs, Action: domain.ActionImport, After: `{"crl_entries":2,"revocations_added":0}`},
			domain.EventCRLImported, `{"entries":2,"added":0}`,
		},
		"a CA that was taken over": {
			domain.Event{Resource: domain.ScopeCAs, Action: domain.ActionImport, After: `{"name":"x"}`},
			domain.EventCAImported, `{}`,
		},
		"a claim": {
			domain.Event{Resource: domain.ResourceEnrolments, Action: domain.ActionClaim, Address: "192.0.2.7", After: `{"claimed_at":"2026-01-01T00:00:00Z"}`},
			domain.EventEnrolmentClaimed, `{"address":"192.0.2.7"}`,
		},
		"a wrong PIN": {
			domain.Event{Resource: domain.ResourceEnrolments, Action: domain.ActionClaim, Address: "192.0.2.7", After: `{"tries":1}`},
			domain.EventEnrolmentRefused, `{"address":"192.0.2.7"}`,
		},
		"the last wrong PIN": {
			domain.Event{Resource: domain.ResourceEnrolments, Action: domain.ActionClaim, After: `{"tries":10}`},
			domain.EventEnrolmentLocked, `{}`,
		},
		"a session that is to end": {
			domain.Event{Resource: domain.ResourceSessions, Action: domain.ActionKill, After: `{"instance_id":1,"client_id":2,"kill_requested_at":"x"}`},
			domain.EventSessionKill, `{"instance_id":1,"client_id":2}`,
		},
		"a refused sign-in": {
			domain.Event{
				Resource: domain.ResourceTokens, Action: domain.ActionAccess, Refused: true, Address: "192.0.2.7",
				After: `{"cause":"secret of user 3","field":"password"}`,
			},
			domain.EventLoginRefused, `{"address":"192.0.2.7"}`,
		},
		"a refused request": {
			domain.Event{
				Resource: domain.ScopeClients, Action: domain.ActionAccess, Refused: true, ActorKind: maria,
				Address: "192.0.2.7",
			},
			domain.EventAccessRefused, `{"address":"192.0.2.7"}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			told, ok, err := derive(test.event)
			if err != nil || !ok || told.Type != test.want || told.Data != test.data {
				t.Errorf("%v, %v: %s %s", ok, err, told.Type, told.Data)
			}
		})
	}
	if _, ok, _ := derive(domain.Event{Resource: domain.ScopeRoles, Action: domain.ActionExport}); ok {
		t.Error("an action that no type has is told")
	}
}

// TestTypes: every type is made of something, but those that are added without the audit.
func TestTypes(t *testing.T) {
	t.Parallel()
	made := map[domain.EventType]bool{
		domain.EventCertificateSuperseded: true, domain.EventCRLImported: true, domain.EventEnrolmentRefused: true,
		domain.EventEnrolmentLocked: true, domain.EventLoginRefused: true, domain.EventAccessRefused: true,
		domain.EventCRLSigned: true, domain.EventCertificateExpiring: true, domain.EventCAExpiring: true,
		domain.EventAPIKeyExpiring: true, domain.EventAuthorizationExpiring: true, domain.EventTLSExpiring: true,
		domain.EventClientConnected: true, domain.EventClientDisconnected: true, domain.EventAgentSilent: true,
		domain.EventAgentRecovered: true, domain.EventWebhookDisabled: true,
	}
	for _, name := range types {
		made[name] = true
	}
	all := map[domain.EventType]bool{}
	for _, name := range domain.EventTypes() {
		all[name] = true
	}
	if diff := cmp.Diff(all, made); diff != "" {
		t.Error(diff)
	}
}
