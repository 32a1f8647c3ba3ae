package service_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
)

func TestRoles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	asked := domain.Role{Name: "Gerência", Scopes: []domain.Permission{{Scope: domain.ScopeUsers, Read: true, Write: true}, {Scope: domain.ScopeCAs}}}
	want := asked
	want.ID, want.CreatedAt, want.UpdatedAt = 1, noon, noon
	wantRole := func(got domain.Role) {
		t.Helper()
		wantSame(t, got, want)
		wantSame(t, must(w.Roles.Get(t.Context(), want.ID))(t), want)
	}
	wantRole(must(w.Roles.Create(operator(t), asked))(t))
	w.clock.pass(time.Hour)
	t.Run("what is sent as it is changes nothing and leaves no event", func(t *testing.T) {
		before := w.countEvents(t)
		for _, update := range []domain.RoleUpdate{{}, {Name: &want.Name}, {Scopes: want.Scopes}} {
			wantRole(must(w.Roles.Update(operator(t), want.ID, update))(t))
		}
		bare := w.newBareRole(t)
		must(w.Roles.Update(operator(t), bare.ID, domain.RoleUpdate{Scopes: []domain.Permission{}}))(t)
		wantSame(t, must(w.Roles.Get(t.Context(), bare.ID))(t).UpdatedAt, bare.UpdatedAt)
		wantSame(t, w.countEvents(t), before)
		check(t, w.Roles.Delete(operator(t), bare.ID))
	})
	want.Name, want.Scopes, want.UpdatedAt = "GERÊNCIA", []domain.Permission{{Scope: domain.ScopeAudit, Read: true}}, w.clock.Now()
	wantRole(must(w.Roles.Update(operator(t), want.ID, domain.RoleUpdate{Name: &want.Name, Scopes: want.Scopes}))(t))
	wantSame(t, must(w.Roles.Page(t.Context(), domain.PageRequest{Size: 10}))(t).Items, []domain.Role{want})

	t.Run("a role that somebody has stays", func(t *testing.T) {
		inUse := fault{domain.Rule, "id", domain.ReasonRoleInUse}
		key := must(w.APIKeys.Create(operator(t), domain.APIKey{Name: "key"}, []int64{want.ID}))(t)
		wantFaults(t, w.Roles.Delete(operator(t), want.ID), inUse)
		check(t, w.APIKeys.Delete(operator(t), key.ID))
		user := w.newUser(t, func(u *domain.User) { u.Roles = []domain.Role{want} })
		wantFaults(t, w.Roles.Delete(operator(t), want.ID), inUse)
		wantRole(want)
		must(w.Users.Update(operator(t), user.ID, domain.UserUpdate{Roles: []int64{}}))(t)
		check(t, w.Roles.Delete(operator(t), want.ID))
	})
	_, err := w.Roles.Get(t.Context(), want.ID)
	wantFaults(t, err, missing)
}

func TestRoles_Faults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	taken, present := w.newRole(t), w.newRole(t)
	before := w.countEvents(t)
	for _, test := range []struct {
		sentence string
		role     domain.Role
		want     []fault
	}{
		{"no name", domain.Role{}, []fault{{domain.Required, "name", domain.ReasonRequired}}},
		{"a name that is taken, in other case", domain.Role{Name: strings.ToUpper(taken.Name)}, []fault{{domain.Duplicated, "name", domain.ReasonDuplicated}}},
		{"scopes that are unknown or given twice", domain.Role{Name: "a\nb", Scopes: []domain.Permission{
			read(domain.ScopeCAs), read("openvpn.everything"), write(domain.ScopeCAs), read(domain.ResourceSigningKeys),
		}}, []fault{
			{domain.Invalid, "name", domain.ReasonControl}, {domain.NotFound, "scopes[1].name", domain.ReasonNotFound},
			{domain.Duplicated, "scopes[2].name", domain.ReasonTwice}, {domain.NotFound, "scopes[3].name", domain.ReasonNotFound},
		}},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			_, err := w.Roles.Create(operator(t), test.role)
			wantFaults(t, err, test.want...)
			_, err = w.Roles.Update(operator(t), present.ID, domain.RoleUpdate{Name: &test.role.Name, Scopes: test.role.Scopes})
			wantFaults(t, err, test.want...)
		})
	}
	t.Run("a role that there is not", func(t *testing.T) {
		_, err := w.Roles.Update(operator(t), absent, domain.RoleUpdate{})
		wantFaults(t, err, missing)
		wantFaults(t, w.Roles.Delete(operator(t), absent), missing)
	})
	wantSame(t, must(w.Roles.Page(t.Context(), domain.PageRequest{Size: 10}))(t).Items, []domain.Role{taken, present})
	wantSame(t, w.countEvents(t), before)
}
