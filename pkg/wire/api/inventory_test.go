package api_test

import (
	"context"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/wire/wiretest"
)

// holdings are all rows that requests can change, and the audit's events of changes.
type holdings struct {
	CAs     []domain.CA
	Clients []domain.Client
	People  []domain.Client
	Servers []domain.Instance
	Models  []domain.InstanceModel
	Keys    []domain.APIKey
	Roles   []domain.Role
	Users   []domain.User
	Devices []domain.Device
	Domains []domain.DeviceDomain
	Apps    []domain.Application
	Grants  []domain.PAMAuthorization
	Mail    []domain.MailRecipient
	Moves   []domain.Campaign // of the first instance
	Events  []domain.Event    // without refusals
}

// inventory reads the database directly.
func inventory(t testing.TB, s *wiretest.Server) holdings {
	t.Helper()
	store, done := s.Storage.Store, false
	return holdings{
		CAs: all(t, store.CAs().Page),
		Clients: all(t, func(ctx context.Context, page domain.PageRequest) (domain.Page[domain.Client], error) {
			return store.Clients().Page(ctx, domain.ClientFilter{}, page)
		}),
		People: all(t, func(ctx context.Context, page domain.PageRequest) (domain.Page[domain.Client], error) {
			return store.Clients().Page(ctx, domain.ClientFilter{Kind: domain.Site2User}, page)
		}),
		Servers: all(t, func(ctx context.Context, page domain.PageRequest) (domain.Page[domain.Instance], error) {
			return store.Instances().Page(ctx, domain.InstanceFilter{}, page)
		}),
		Models: all(t, store.InstanceModels().Page),
		Keys:   all(t, store.APIKeys().Page), Roles: all(t, store.Roles().Page), Users: all(t, store.Users().Page),
		Devices: all(t, func(ctx context.Context, page domain.PageRequest) (domain.Page[domain.Device], error) {
			return store.Devices().Page(ctx, domain.DeviceFilter{}, page)
		}),
		Domains: all(t, store.DeviceDomains().Page), Apps: all(t, store.Applications().Page),
		Mail: all(t, store.MailRecipients().Page),
		Grants: all(t,
			func(ctx context.Context, page domain.PageRequest) (domain.Page[domain.PAMAuthorization], error) {
				return store.PAMAuthorizations().Page(ctx, 0, page)
			}),
		Moves: all(t,
			func(ctx context.Context, page domain.PageRequest) (domain.Page[domain.Campaign], error) {
				return store.Campaigns().Page(ctx, 1, page)
			}),
		Events: all(t, auditOf(s, domain.AuditFilter{Refused: &done})),
	}
}

// pager returns pages of a list.
type pager[T any] func(context.Context, domain.PageRequest) (domain.Page[T], error)

// auditOf returns the events that a filter selects.
func auditOf(s *wiretest.Server, filter domain.AuditFilter) pager[domain.Event] {
	return func(ctx context.Context, page domain.PageRequest) (domain.Page[domain.Event], error) {
		return s.Storage.Store.Audit().Page(ctx, filter, page)
	}
}

// all reads a list to its end.
func all[T any](t testing.TB, page pager[T]) (list []T) {
	t.Helper()
	for request := (domain.PageRequest{Size: 1000}); ; {
		found, err := page(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, found.Items...)
		if found.Next == nil {
			return list
		}
		request.Cursor = *found.Next
	}
}

// unchanged demands that the database is as it was.
func (h holdings) unchanged(t testing.TB, s *wiretest.Server) {
	t.Helper()
	if diff := cmp.Diff(h, inventory(t, s), cmpopts.EquateComparable(netip.Prefix{}, netip.Addr{})); diff != "" {
		t.Errorf("something was changed (-before +after):\n%s", diff)
	}
}

func mustPrefixes(t testing.TB, list ...string) []netip.Prefix {
	t.Helper()
	prefixes, err := domain.ParseAllowedIPs(list)
	if err != nil {
		t.Fatal(err)
	}
	return prefixes
}
