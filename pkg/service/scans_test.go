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
	w.Clients.Scans, w.Audit.Scans, w.Devices.Scans, w.Certificates.Scans = nobody, nobody, nobody, nobody
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
	certificates := func(f domain.CertificateFilter) func(context.Context) error {
		return func(ctx context.Context) error { _, err := w.Certificates.Page(ctx, f, page); return err }
	}
	client := w.NewClient(t, w.NewCA(t).ID).ID
	for sentence, test := range map[string]struct {
		read func(context.Context) error
		wide bool
	}{
		"clients that end soon, by expiry": {
			clients(domain.ClientFilter{ByExpiry: true, ExpiresBefore: Noon}), false,
		},
		"clients that are valid, by expiry": {
			clients(domain.ClientFilter{ByExpiry: true, ExpiresBefore: Noon, Status: domain.StatusValid}), true,
		},
		"clients that have ended, by expiry": {
			clients(domain.ClientFilter{ByExpiry: true, Status: domain.StatusExpired}), false,
		},
		"certificates that are valid, by expiry": {
			certificates(domain.CertificateFilter{ByExpiry: true, Status: domain.StatusValid}), true,
		},
		"clients that end soon, by id":       {clients(domain.ClientFilter{ExpiresBefore: Noon}), true},
		"clients that end late, by id":       {clients(domain.ClientFilter{ExpiresAfter: Noon}), true},
		"clients of a CA, by expiry":         {clients(domain.ClientFilter{ByExpiry: true, CAID: 1}), true},
		"clients of a serial":                {clients(domain.ClientFilter{Serials: []string{"0a"}, ExpiresBefore: Noon}), false},
		"clients that are revoked by expiry": {clients(domain.ClientFilter{ByExpiry: true, Status: domain.StatusRevoked}), true},
		"all certificates":                   {certificates(domain.CertificateFilter{}), false},
		"the certificates of a CA":           {certificates(domain.CertificateFilter{CAID: 1}), false},
		"the valid certificates of a client": {
			certificates(domain.CertificateFilter{ClientID: client, Status: domain.StatusValid}), false,
		},
		"a fingerprint":                      {certificates(domain.CertificateFilter{Fingerprint: "0a", Kind: "client"}), false},
		"certificates by expiry":             {certificates(domain.CertificateFilter{ByExpiry: true, ExpiresBefore: Noon}), false},
		"certificates of a kind":             {certificates(domain.CertificateFilter{Kind: domain.CertificateOfServer}), true},
		"certificates of a kind, by expiry":  {certificates(domain.CertificateFilter{ByExpiry: true, Kind: "server"}), true},
		"certificates of a CA, by expiry":    {certificates(domain.CertificateFilter{ByExpiry: true, CAID: 1}), true},
		"certificates that end soon, by id":  {certificates(domain.CertificateFilter{ExpiresBefore: Noon}), true},
		"certificates that are valid, by id": {certificates(domain.CertificateFilter{Status: domain.StatusValid}), true},
		"all clients":                        {clients(domain.ClientFilter{}), false},
		"a name":                             {clients(domain.ClientFilter{Name: "site-rio"}), false},
		"the state of a CA's clients":        {clients(domain.ClientFilter{CAID: 1, Status: domain.StatusRevoked}), false},
		"the end of a name":                  {clients(domain.ClientFilter{Name: "*rio"}), true},
		"the beginning of a name":            {clients(domain.ClientFilter{Name: "s*"}), true},
		"all events":                         {audit(domain.AuditFilter{Descending: true}), false},
		"the events of an apikey":            {audit(domain.AuditFilter{ActorKind: &kind, ActorID: 1, From: Noon}), false},
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
