package storetest

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chaveiro/chaveiro/pkg/domain"
	"github.com/chaveiro/chaveiro/pkg/domain/domaintest"
)

func sampleRole() domain.Role {
	return domain.Role{
		Name: fresh("Função"), CreatedAt: noon, UpdatedAt: noon.Add(time.Second),
		Scopes: []domain.Permission{
			{Scope: domain.ScopeKeys, Read: true}, {Scope: domain.ScopeAudit},
			{Scope: domain.ScopeClients, Read: true, Write: true},
		},
	}
}

func newRole(t testing.TB, s domain.Store) domain.Role {
	t.Helper()
	r := sampleRole()
	check(t, s.Roles().Create(t.Context(), &r))
	return r
}

// roleRules is the contract of domain.Roles.
var roleRules = rules{
	{storedForm, testRoleForm},
	{missing, testRoleMissing},
	{unique, testRoleUnique},
	{updates, testRoleUpdate},
	{references, testRoleReferences},
	{order, testRoleOrder},
	{locks, testRoleLocks},
}

func testRoleForm(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("a created role is read back whole, its scopes in the order given", func(t *testing.T) {
		want := newRole(t, s)
		wantSame(t, must(s.Roles().Get(ctx, want.ID))(t), want)
		none := domain.Role{Name: fresh("none"), CreatedAt: noon, UpdatedAt: noon}
		check(t, s.Roles().Create(ctx, &none))
		wantSame(t, must(s.Roles().Get(ctx, none.ID))(t), none)
	})
}

func testRoleMissing(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("an id that does not exist is missing", func(t *testing.T) {
		for _, id := range []int64{0, -1, absent} {
			_, err := s.Roles().Get(ctx, id)
			wantMissing(t, err)
			wantMissing(t, s.Roles().Delete(ctx, id))
		}
		gone := sampleRole()
		gone.ID = absent
		wantMissing(t, s.Roles().Update(ctx, gone))
	})
}

func testRoleUnique(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("a name is taken regardless of case", func(t *testing.T) {
		taken, other := newRole(t, s), newRole(t, s)
		again := sampleRole()
		again.Name = strings.ToUpper(taken.Name)
		wantFault(t, s.Roles().Create(ctx, &again), domain.Duplicated, "name", domain.ReasonDuplicated)
		other.Name = again.Name
		wantFault(t, s.Roles().Update(ctx, other), domain.Duplicated, "name", domain.ReasonDuplicated)
	})
}

func testRoleUpdate(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("an update replaces everything but the creation", func(t *testing.T) {
		want := newRole(t, s)
		want.Name, want.UpdatedAt = fresh("renamed"), noon.Add(time.Hour)
		want.Scopes = []domain.Permission{
			{Scope: domain.ScopeUsers, Write: true}, {Scope: "of another version", Read: true},
		}
		asked := want
		asked.CreatedAt = noon.Add(time.Hour)
		check(t, s.Roles().Update(ctx, asked))
		wantSame(t, must(s.Roles().Get(ctx, want.ID))(t), want)
		asked.Scopes, want.Scopes = nil, nil
		check(t, s.Roles().Update(ctx, asked))
		wantSame(t, must(s.Roles().Get(ctx, want.ID))(t), want)
	})
}

func testRoleReferences(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("the limits are those of all who have a role, each once", func(t *testing.T) {
		role, key := newRole(t, s), sampleAPIKey()
		wantSame(t, len(must(s.Roles().Limits(ctx, role.ID))(t)), 0)
		key.Roles = []domain.Role{role}
		check(t, s.APIKeys().Create(ctx, &key))
		wantSame(t, must(s.Roles().Limits(ctx, role.ID))(t), []domain.Restrictions{key.Holder().Restrictions()})
		newUser(t, s, role)
		newUser(t, s, role)
		list := must(s.Roles().Limits(ctx, role.ID))(t)
		slices.SortFunc(list, func(a, b domain.Restrictions) int { return cmp.Compare(a.RateLimit, b.RateLimit) })
		wantSame(t, list, []domain.Restrictions{{}, key.Holder().Restrictions()})
		wantSame(t, len(must(s.Roles().Limits(ctx, absent))(t)), 0)
	})
	t.Run("deletion is refused while somebody has it", func(t *testing.T) { testRoleDeletion(t, s) })
}

func testRoleOrder(t *testing.T, s domain.Store) {
	ctx := t.Context()
	t.Run("finding gives those that exist, by ascending id", func(t *testing.T) {
		one, two, three := newRole(t, s), newRole(t, s), newRole(t, s)
		wantSame(
			t, must(s.Roles().Find(ctx, []int64{three.ID, absent, one.ID, -1, one.ID}))(t), []domain.Role{one, three},
		)
		wantSame(t, must(s.Roles().Find(ctx, []int64{two.ID}))(t), []domain.Role{two})
		for _, ids := range [][]int64{nil, {}, {absent}} {
			wantSame(t, len(must(s.Roles().Find(ctx, ids))(t)), 0)
		}
	})
	t.Run("pages", func(t *testing.T) {
		var ids []int64
		for _, r := range must(s.Roles().Page(ctx, domain.PageRequest{Size: 100}))(t).Items {
			ids = append(ids, r.ID)
			wantSame(t, r, must(s.Roles().Get(ctx, r.ID))(t))
		}
		walk(t, s.Roles().Page, ids, 3)
	})
}

func testRoleDeletion(t *testing.T, s domain.Store) {
	ctx := t.Context()
	ofKey, ofUser, ofNobody := newRole(t, s), newRole(t, s), newRole(t, s)
	k, u := newAPIKey(t, s, ofKey), newUser(t, s, ofUser)
	for _, role := range []domain.Role{ofKey, ofUser} {
		wantFault(t, s.Roles().Delete(ctx, role.ID), domain.Rule, "id", domain.ReasonRoleInUse)
		wantSame(t, must(s.Roles().Get(ctx, role.ID))(t), role)
	}
	check(t, s.Roles().Delete(ctx, ofNobody.ID))
	_, err := s.Roles().Get(ctx, ofNobody.ID)
	wantMissing(t, err)
	check(t, s.APIKeys().Delete(ctx, k.ID))
	u.Roles = nil
	check(t, s.Users().Update(ctx, u))
	for _, role := range []domain.Role{ofKey, ofUser} {
		check(t, s.Roles().Delete(ctx, role.ID))
	}
}

// testRoleRace checks that no apikey has a role that is gone, whichever comes first.
func testRoleRace(t *testing.T, s domain.Store) {
	for range 10 {
		role := newRole(t, s)
		k := sampleAPIKey(role)
		_, faults := domaintest.Together(2, func(i int) (struct{}, error) {
			if i == 0 {
				return struct{}{}, s.Roles().Delete(t.Context(), role.ID)
			}
			return struct{}{}, s.APIKeys().Create(t.Context(), &k)
		})
		switch {
		case faults[0] == nil:
			wantFault(t, faults[1], domain.NotFound, "roles", domain.ReasonNotFound)
		default:
			wantFault(t, faults[0], domain.Rule, "id", domain.ReasonRoleInUse)
			check(t, faults[1])
		}
	}
}

func testRoleLocks(t *testing.T, s domain.Store) {
	t.Run("of two who delete and give a role one wins", func(t *testing.T) { testRoleRace(t, s) })
}
