package store_test

import (
	"strings"
	"testing"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

// TestAudit_Page_Many: on SQLite, a page of a frequent kind of events is read by id, and one of a
// rare kind by its index. By the index SQLite would read and sort all events of the frequent kind.
func TestAudit_Page_Many(t *testing.T) {
	t.Parallel()
	s := filled(t, sqliteFile(t), eventFillers)
	var query string
	var values []any
	if err := s.OnQuery(func(q string, v []any) { query, values = q, v }); err != nil {
		t.Fatal(err)
	}
	many, few := domain.PrincipalAPIKey, domain.PrincipalUser
	for sentence, test := range map[string]struct {
		filter domain.AuditFilter
		index  bool
	}{
		"many of a resource": {domain.AuditFilter{Resource: domain.ScopeClients}, false},
		"many of a resource, and an action": {
			domain.AuditFilter{Resource: domain.ScopeClients, Action: domain.ActionDelete}, false,
		},
		"many of an actor":  {domain.AuditFilter{ActorKind: &many, Descending: true}, false},
		"few of a resource": {domain.AuditFilter{Resource: domain.ScopeRoles}, true},
		"few of an actor":   {domain.AuditFilter{ActorKind: &few}, true},
	} {
		if _, err := s.Audit().Page(t.Context(), test.filter, domain.PageRequest{Size: 15}); err != nil {
			t.Fatal(err)
		}
		if plan := explain(t, s, query, values); strings.Contains(plan, "audit_events_") != test.index ||
			strings.Contains(plan, "B-TREE") != test.index {
			t.Errorf("%s: %s\n%s", sentence, query, plan)
		}
	}
}
