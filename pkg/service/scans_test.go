package service_test

import (
	"context"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/bounded"
	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
	"github.com/chaveiro/chaveiro/pkg/turns"
)

// TestScans: pages that need a scan wait for their turn; others do not.
func TestScans(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	nobody := turns.New(bounded.TurnBounds{Queue: 100, Total: 100}, 0)
	w.Clients.Scans, w.Audit.Scans, w.Devices.Scans = nobody, nobody, nobody
	page := domain.PageRequest{Size: 15}
	kind, yes, no := domain.PrincipalUser, true, false
	clients := func(f domain.ClientFilter) func(context.Context) error {
		return func(ctx context.Context) error { _, err := w.Clients.Page(ctx, f, page); return err }
	}
	audit := func(f domain.AuditFilter) func(context.Context) error {
		return func(ctx context.Context) error { _, err := w.Audit.Page(ctx, f, page); return err }
	}
	devices := func(f domain.DeviceFilter) func(context.Context) error {
		return func(ctx context.Context) error { _, err := w.Devices.Page(ctx, f, page); return err }
	}
	for sentence, test := range map[string]struct {
		read func(context.Context) error
		wide bool
	}{
		"all clients":                 {clients(domain.ClientFilter{}), false},
		"a name":                      {clients(domain.ClientFilter{Name: "site-rio"}), false},
		"the state of a CA's clients": {clients(domain.ClientFilter{CAID: 1, Status: domain.StatusRevoked}), false},
		"the end of a name":           {clients(domain.ClientFilter{Name: "*rio"}), true},
		"the beginning of a name":     {clients(domain.ClientFilter{Name: "s*"}), true},
		"all events":                  {audit(domain.AuditFilter{Descending: true}), false},
		"the events of an apikey":     {audit(domain.AuditFilter{ActorKind: &kind, ActorID: 1, From: Noon}), false},
		"the events of a client": {
			audit(domain.AuditFilter{Resource: domain.ScopeClients, ResourceID: 1}), false,
		},
		"an action":           {audit(domain.AuditFilter{Action: domain.ActionDelete}), true},
		"an outcome":          {audit(domain.AuditFilter{Refused: &yes}), true},
		"a kind of actors":    {audit(domain.AuditFilter{ActorKind: &kind}), true},
		"an id of any kind":   {audit(domain.AuditFilter{ActorID: 1}), true},
		"a kind of resources": {audit(domain.AuditFilter{Resource: domain.ScopeClients}), true},
		"what an apikey did to a client": {
			audit(domain.AuditFilter{ActorKind: &kind, ActorID: 1, Resource: domain.ScopeClients, ResourceID: 1}), true,
		},
		"all devices": {devices(domain.DeviceFilter{}), false},
		"a hostname that is not in use": {
			devices(domain.DeviceFilter{Hostname: "a", Enabled: &no, Site: "b"}), false,
		},
		"a model":                            {devices(domain.DeviceFilter{Model: "a"}), false},
		"a word":                             {devices(domain.DeviceFilter{Text: "rio"}), false},
		"devices that are not in use":        {devices(domain.DeviceFilter{Enabled: &no}), false},
		"devices that are in use":            {devices(domain.DeviceFilter{Enabled: &yes}), true},
		"two words":                          {devices(domain.DeviceFilter{Text: "rio norte"}), true},
		"a model at a site":                  {devices(domain.DeviceFilter{Model: "a", Site: "b"}), true},
		"a tag of devices that are not used": {devices(domain.DeviceFilter{Tag: "a", Enabled: &no}), true},
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			if test.wide {
				wantWaiting(t, test.read)
			} else {
				Check(t, test.read(soon(t)))
			}
		})
	}
}
