package access_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	. "github.com/chaveiro/chaveiro/pkg/service/servicetest"
)

func TestRoles(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	asked := domain.Role{
		Name: "Gerência", Scopes: []domain.Permission{
			{Scope: domain.ScopeUsers, Read: true, Write: true}, {Scope: domain.ScopeCAs},
		},
	}
	want := asked
	want.ID, want.CreatedAt, want.UpdatedAt = 1, Noon, Noon
	wantRole := func(got domain.Role) {
		t.Helper()
		WantSame(t, got, want)
		WantSame(t, Must(w.Roles.Get(t.Context(), want.ID))(t), want)
	}
	wantRole(Must(w.Roles.Create(Operator(t), asked))(t))
	w.Clock.Pass(time.Hour)
	t.Run("what is sent as it is changes nothing and leaves no event", func(t *testing.T) {
		before := w.CountEvents(t)
		for _, update := range []domain.RoleUpdate{{}, {Name: &want.Name}, {Scopes: want.Scopes}} {
			wantRole(Must(w.Roles.Update(Operator(t), want.ID, update))(t))
		}
		bare := newBareRole(t, w)
		Must(w.Roles.Update(Operator(t), bare.ID, domain.RoleUpdate{Scopes: []domain.Permission{}}))(t)
		WantSame(t, Must(w.Roles.Get(t.Context(), bare.ID))(t).UpdatedAt, bare.UpdatedAt)
		WantSame(t, w.CountEvents(t), before)
		Check(t, w.Roles.Delete(Operator(t), bare.ID))
	})
	want.Name, want.Scopes, want.UpdatedAt = "GERÊNCIA", []domain.Permission{{Scope: domain.ScopeAudit, Read: true}},
		w.Clock.Now()
	wantRole(Must(w.Roles.Update(Operator(t), want.ID, domain.RoleUpdate{Name: &want.Name, Scopes: want.Scopes}))(t))
	WantSame(t, Must(w.Roles.Page(t.Context(), domain.PageRequest{Size: 10}))(t).Items, []domain.Role{want})

	t.Run("a role that somebody has stays", func(t *testing.T) {
		inUse := NewFault(domain.Rule, "id", domain.ReasonRoleInUse)
		key := Must(w.APIKeys.Create(Operator(t), domain.APIKey{Name: "key"}, []int64{want.ID}))(t)
		WantFaults(t, w.Roles.Delete(Operator(t), want.ID), inUse)
		Check(t, w.APIKeys.Delete(Operator(t), key.ID))
		user := w.NewUser(t, func(u *domain.User) { u.Roles = []domain.Role{want} })
		WantFaults(t, w.Roles.Delete(Operator(t), want.ID), inUse)
		wantRole(want)
		Must(w.Users.Update(Operator(t), user.ID, domain.UserUpdate{Roles: []int64{}}))(t)
		Check(t, w.Roles.Delete(Operator(t), want.ID))
	})
	_, err := w.Roles.Get(t.Context(), want.ID)
	WantFaults(t, err, missing)
}

func TestRoles_Faults(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	taken, present := w.NewRole(t), w.NewRole(t)
	before := w.CountEvents(t)
	for _, test := range []struct {
		sentence string
		role     domain.Role
		want     []Fault
	}{
		{"no name", domain.Role{}, []Fault{NewFault(domain.Required, "name", domain.ReasonRequired)}},
		{
			"a name that is taken, in other case", domain.Role{Name: strings.ToUpper(taken.Name)},
			[]Fault{NewFault(domain.Duplicated, "name", domain.ReasonDuplicated)},
		},
		{"scopes that are unknown or given twice", domain.Role{Name: "a\nb", Scopes: []domain.Permission{
			Read(domain.ScopeCAs), Read("openvpn.everything"), Write(domain.ScopeCAs), Read(domain.ResourceSigningKeys),
		}}, []Fault{
			NewFault(domain.Invalid, "name", domain.ReasonControl),
			NewFault(domain.NotFound, "scopes[1].name", domain.ReasonNotFound),
			NewFault(domain.Duplicated, "scopes[2].name", domain.ReasonTwice),
			NewFault(domain.NotFound, "scopes[3].name", domain.ReasonNotFound),
		}},
	} {
		t.Run(test.sentence, func(t *testing.T) {
			_, err := w.Roles.Create(Operator(t), test.role)
			WantFaults(t, err, test.want...)
			_, err = w.Roles.Update(
				Operator(t), present.ID, domain.RoleUpdate{Name: &test.role.Name, Scopes: test.role.Scopes},
			)
			WantFaults(t, err, test.want...)
		})
	}
	t.Run("a role that does not exist", func(t *testing.T) {
		_, err := w.Roles.Update(Operator(t), absent, domain.RoleUpdate{})
		WantFaults(t, err, missing)
		WantFaults(t, w.Roles.Delete(Operator(t), absent), missing)
	})
	WantSame(t, Must(w.Roles.Page(t.Context(), domain.PageRequest{Size: 10}))(t).Items, []domain.Role{taken, present})
	WantSame(t, w.CountEvents(t), before)
}
